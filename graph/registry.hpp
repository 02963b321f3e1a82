// The one registry of ops. An op's identity is its name here; nodes hold a stable `const OpInfo*`.
// Built-in ops enter through init(), a user's op through register_op<MyOp>(). Nothing registers
// itself from a static initialiser: linkers drop those from static libraries.
#pragma once

#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/op.hpp"

namespace catena {

// Enters the built-in ops and the CPU backend. Called by whatever first needs them; calling it
// again costs one load.
void init();

// Null when there is no op of this name.
const OpInfo* find_op(std::string_view name);
// Throws UnsupportedError with the nearest names when there is none.
const OpInfo& get_op(std::string_view name);
// All ops by name, sorted.
std::vector<const OpInfo*> all_ops();

namespace detail {
// Throws ArgumentError when another op has the name already; the same description twice is fine.
const OpInfo& register_info(OpInfo info);
OpInfo& mutable_op(std::string_view name);
// "; did you mean 'a' or 'b'" with up to three of `candidates` that differ little from `word`, hold
// it, or are what other libraries call so; else "".
std::string near_names(std::string_view word, std::span<const std::string> candidates);
}  // namespace detail

template <class T>
const OpInfo& register_op() {
  return detail::register_info(describe_op<T>());
}

// The description of T, which must have been registered.
template <class T>
const OpInfo& op_info() {
  static const OpInfo& info = get_op(OpName<T>::value);
  return info;
}

// Adds a kernel: `fn(const T&, const KernelContext&)`.
template <class T, void (*Forward)(const T&, const KernelContext&)>
void register_kernel(DeviceType device, DTypeSet dtypes = kFloatTypes) {
  KernelRow& row = detail::mutable_op(OpName<T>::value).rows[static_cast<int>(device)];
  row.forward = [](const void* op, const KernelContext& c) {
    Forward(*static_cast<const T*>(op), c);
  };
  row.dtypes = dtypes;
}
// Adds a fused gradient next to vjp; see KernelContext for its arguments.
template <class T, void (*Backward)(const T&, const KernelContext&)>
void register_backward_kernel(DeviceType device) {
  detail::mutable_op(OpName<T>::value).rows[static_cast<int>(device)].backward =
      [](const void* op, const KernelContext& c) { Backward(*static_cast<const T*>(op), c); };
}

// Makes a backend known. The object must live as long as the process.
void register_backend(Backend& backend);

}  // namespace catena
