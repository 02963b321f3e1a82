#include "catena/graph/view.hpp"

#include "catena/graph/deferral.hpp"

namespace catena::detail {

bool is_contiguous(const Shape& shape, const Shape& strides) {
  if (shape.numel() == 0) return true;
  std::int64_t step = 1;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    if (shape[d] != 1 && strides[d] != step) return false;
    step *= shape[d];
  }
  return true;
}

void broadcast_view(TensorView& view, const Shape& shape) {
  if (view.shape == shape) return;
  Shape strides;
  strides.resize(shape.rank());
  const int shift = shape.rank() - view.shape.rank();
  for (int d = shift; d < shape.rank(); ++d)
    strides[d] = view.shape[d - shift] == 1 ? 0 : view.strides[d - shift];
  view.shape = shape;
  view.strides = strides;
  view.numel = shape.numel();
  view.contiguous = is_contiguous(shape, strides);
}

TensorImpl* empty_impl(const Shape& shape, DType dtype, Device device) {
  // Memory first: asking for it may fail.
  const std::int64_t numel = shape.numel();
  Storage* storage = allocate_storage(static_cast<std::size_t>(numel) * size_of(dtype), device);
  TensorImpl* t = new_impl();
  t->storage = storage;
  t->shape = shape;
  set_contiguous_strides(shape, &t->strides);
  t->numel = numel;
  t->dtype = dtype;
  t->device = device;
  return t;
}

TensorImpl* contiguous_copy(TensorImpl* t) {
  ensure_ready(t);
  TensorImpl* copy = empty_impl(t->shape, t->dtype, t->device);
  backend_of(t->device).copy_strided(view_of(copy), view_of(t), t->device.index);
  return copy;
}

TensorImpl* alias_of(TensorImpl* t) {
  ensure_ready(t);
  TensorImpl* alias = new_impl();
  alias->shape = t->shape;
  alias->strides = t->strides;
  alias->numel = t->numel;
  alias->offset = t->offset;
  alias->dtype = t->dtype;
  alias->device = t->device;
  alias->contiguous = t->contiguous;
  alias->storage = t->storage;
  retain_storage(alias->storage);
  return alias;
}

TensorImpl* describe_output(const OutputSpec& spec, TensorImpl* input0) {
  TensorImpl* out = new_impl();
  out->shape = spec.shape;
  out->dtype = spec.dtype;
  out->device = spec.device;
  out->numel = spec.shape.numel();
  if (spec.view) {
    out->offset = spec.offset;
    if (spec.row_major) {
      set_contiguous_strides(spec.shape, &out->strides);
    } else {
      out->strides = spec.strides;
      out->contiguous = is_contiguous(spec.shape, spec.strides);
    }
    out->storage = input0->storage;
    retain_storage(out->storage);
  } else {
    set_contiguous_strides(spec.shape, &out->strides);
  }
  return out;
}

}  // namespace catena::detail
