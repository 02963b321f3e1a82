// A backend library that refuses, for the tests of the loader.
#include "catena/graph/backend_abi.hpp"

extern "C" const char* catena_backend_entry(std::uint32_t version, const catena::CoreApi* core) {
  if (version != catena::kBackendAbiVersion || !core->register_backend || !core->register_row)
    return "the table is not what the header says";
  catena::KernelRow row;
  if (core->register_row("no_such_op", 1, 1, catena::DeviceType::kCuda, &row) ||
      core->register_row("add", 99, 1, catena::DeviceType::kCuda, &row))
    return "a row of an unknown op was taken";
  try {
    core->throw_error(catena::ErrorKind::kSystem, "[fake] thrown through the core");
  } catch (...) {
    return "no device of this make";
  }
  return "throw_error returned";
}
