// Plain views of tensor objects, for kernels, and copies that are not recorded.
#pragma once

#include "catena/graph/op.hpp"
#include "catena/graph/tensor_impl.hpp"

namespace catena::detail {

// Up to this many elements a pointwise call runs as one line on the caller's thread.
inline constexpr std::int64_t kPlainElements = 16384;

bool is_contiguous(const Shape& shape, const Shape& strides);

inline void* data_of(const TensorImpl* t) {
  return static_cast<char*>(t->storage->data) +
         t->offset * static_cast<std::int64_t>(size_of(t->dtype));
}

inline TensorView view_of(const TensorImpl* t) {
  TensorView v;
  v.data = data_of(t);
  v.dtype = t->dtype;
  v.contiguous = t->contiguous;
  v.numel = t->numel;
  v.shape = t->shape;
  v.strides = t->strides;
  return v;
}

// Strides 0 along the dimensions in which `view` is repeated to `shape`.
void broadcast_view(TensorView& view, const Shape& shape);

// A new tensor object without a tape, one handle: row-major memory not yet filled; a row-major
// copy; another description of the same storage.
TensorImpl* empty_impl(const Shape& shape, DType dtype, Device device);
TensorImpl* contiguous_copy(TensorImpl* t);
TensorImpl* alias_of(TensorImpl* t);

// The object of a call's output: a view has the storage of `input0`, another output none yet.
TensorImpl* describe_output(const OutputSpec& spec, TensorImpl* input0);

// Nobody else can see or keep the value: it may be overwritten.
inline bool is_unique(const TensorImpl* t) {
  return t->counts.load(std::memory_order_acquire) == kOneHandle &&
         t->storage->refs.load(std::memory_order_acquire) == 1 && !t->storage->release;
}

}  // namespace catena::detail
