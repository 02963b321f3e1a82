// A kernel row from a typed function.
#pragma once

#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {

// fn(const Op&, const KernelContext&) as a KernelFn that runs with the context's device current.
template <class Op, void (*Fn)(const Op&, const KernelContext&)>
KernelFn kernel() {
  return [](const void* op, const KernelContext& c) {
    const UseDevice use(c.device.index);
    Fn(*static_cast<const Op*>(op), c);
  };
}

// Calls f(T{}) with the C++ type of a floating dtype, or of any compute dtype; the core has checked
// that it is one.
template <class F>
void visit_float(DType dtype, const F& f) {
  if (dtype == kFloat64)
    f(double{});
  else
    f(float{});
}
template <class F>
void visit_compute(DType dtype, const F& f) {
  switch (dtype) {
    case kFloat64:
      return f(double{});
    case kInt32:
      return f(std::int32_t{});
    case kInt64:
      return f(std::int64_t{});
    case kUInt8:
      return f(std::uint8_t{});
    case kBool:
      return f(bool{});
    default:
      return f(float{});
  }
}

// f(T{}) with an unsigned type of the element's size: these move bytes.
template <class F>
void visit_bytes(DType dtype, const F& f) {
  switch (size_of(dtype)) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

}  // namespace catena::gpu
