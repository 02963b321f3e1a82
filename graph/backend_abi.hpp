// What the core and a backend library agree on. The library exports one C function,
// catena_backend_entry; everything else it needs from the core comes through the table it is given,
// so it links nothing of ours.
#pragma once

#include <cstddef>
#include <cstdint>

#include "catena/graph/backend.hpp"

namespace catena {

// Grows whenever Backend, KernelRow, KernelContext, TensorView, CoreApi or an op struct changes in
// a way that code built before would misread.
inline constexpr std::uint32_t kBackendAbiVersion = 2;

// Which kind of exception the core throws for a backend.
enum class ErrorKind : std::uint32_t { kArgument, kSystem, kUnsupported, kInternal };

struct CoreApi {
  std::uint32_t version = kBackendAbiVersion;
  // sizeof of Backend's neighbours as the core sees them; a library built otherwise refuses.
  std::uint32_t view_bytes = sizeof(TensorView);
  std::uint32_t context_bytes = sizeof(KernelContext);
  std::uint32_t row_bytes = sizeof(KernelRow);
  // Makes a backend known; the object must live as long as the process.
  void (*register_backend)(Backend* backend) = nullptr;
  // Sets the row of an op. False when the core has no op of this name, version and size.
  bool (*register_row)(const char* op, std::uint32_t op_version, std::size_t op_bytes,
                       DeviceType device, const KernelRow* row) = nullptr;
  // Throws catena::ArgumentError, SystemError, UnsupportedError or InternalError.
  void (*throw_error)(ErrorKind kind, const char* message) = nullptr;
};

// Registers the library's backend and rows. Returns null when the backend can be used, else the
// reason as a sentence that outlives the call. `version` is the core's kBackendAbiVersion; nothing
// in the table may be touched when it is not the library's own.
using BackendEntry = const char* (*)(std::uint32_t version, const CoreApi* core);
inline constexpr const char* kBackendEntryName = "catena_backend_entry";

}  // namespace catena
