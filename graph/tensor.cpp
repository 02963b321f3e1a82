#include "catena/graph/tensor.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/registry.hpp"
#include "catena/graph/scalar_range.hpp"
#include "catena/graph/substitution.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/trace_hook.hpp"
#include "catena/graph/view.hpp"

namespace catena {
namespace detail {
namespace {

// Reals to integers round towards zero; NaN gives 0 and what does not fit the nearest end.
template <class To, class From>
To convert_one(From v) {
  if constexpr (std::is_same_v<To, From>) {
    return v;
  } else if constexpr (std::is_same_v<From, Float16> || std::is_same_v<From, BFloat16>) {
    return convert_one<To>(static_cast<float>(v));
  } else if constexpr (std::is_same_v<To, Float16> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(v));
  } else if constexpr (std::is_same_v<To, bool>) {
    return v != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(v)) return 0;
    if (v <= static_cast<From>(Limits::min())) return Limits::min();
    if (v >= static_cast<From>(Limits::max())) return Limits::max();
    return static_cast<To>(v);
  } else {
    return static_cast<To>(v);
  }
}

void check_defined(const Tensor& t, std::string_view op, const std::source_location& loc) {
  if (!t.defined())
    throw_argument(op,
                   "the tensor is undefined (default-constructed or moved from); give it a "
                   "value first",
                   loc);
}

// An in-place write may be the first thing that a process does.
const CoreOps& initialized_core_ops() {
  init();
  return core_ops();
}

// Everything an in-place write must ask for first.
void check_write(const Tensor& t, const Tensor* source, std::string_view op,
                 const std::source_location& loc) {
  check_defined(t, op, loc);
  if (thread_state.grad_enabled && (t.requires_grad() || (source && source->requires_grad())))
    throw_argument(op,
                   fmt::format("an in-place write {} a tensor that requires a gradient would not "
                               "be recorded; expected neither side to require one while grad mode "
                               "is on; compute a new tensor, or write under NoGrad",
                               t.requires_grad() ? "to" : "from"),
                   loc);
  for (int d = 0; d < t.rank(); ++d)
    if (t.strides()[d] == 0 && t.shape()[d] > 1)
      throw_argument(op,
                     fmt::format("dimension {} of {} is expanded: its entries share memory; "
                                 "expected separate elements; write to a clone()",
                                 d, to_string(t.shape())),
                     loc);
}

// What reads the old values is computed first.
void begin_write(const Tensor& t, const std::source_location& loc) {
  ensure_ready(t.impl());
  ensure_writable(t.impl()->storage);
  if (thread_state.tracer) thread_state.tracer->written(t.impl(), loc);
}
void begin_write(const Tensor& t, const Tensor* source, std::string_view op,
                 const std::source_location& loc) {
  check_write(t, source, op, loc);
  begin_write(t, loc);
}

void end_write(const Tensor& t, const std::source_location& loc) {
  t.impl()->storage->version.fetch_add(1, std::memory_order_relaxed);
  t.impl()->storage->last_write = loc;
}

// Whether the new values of t may be a chain that is computed straight into its memory.
bool may_write_chain(const Tensor& t) {
  const TensorImpl* impl = t.impl();
  return may_defer(impl) && !thread_state.tracer && !thread_state.substitution &&
         impl->contiguous && !impl->pending.load(std::memory_order_acquire) &&
         !impl->storage->escaped.load(std::memory_order_acquire);
}
void write_chain(const Tensor& t, const Tensor& value, const std::source_location& loc) {
  if (!compute_into(t.impl(), value)) {
    begin_write(t, loc);
    ensure_ready(value.impl());
    backend_of(t.device()).copy_strided(view_of(t.impl()), view_of(value.impl()), t.device().index);
  }
  end_write(t, loc);
}

// A row-major copy of the elements on `device`.
Tensor copy_to_device(const Tensor& t, Device device) {
  Tensor dense = t.is_contiguous() ? t : Tensor::adopt(contiguous_copy(t.impl()));
  ensure_ready(dense.impl());
  Tensor out = Tensor::adopt(empty_impl(t.shape(), t.dtype(), device));
  const std::size_t bytes = static_cast<std::size_t>(t.numel()) * size_of(t.dtype());
  void* dst = data_of(out.impl());
  const void* src = data_of(dense.impl());
  if (bytes == 0) return out;
  if (t.device() == device) {
    backend_of(device).copy_within(dst, src, bytes, device.index);
  } else if (t.device().is_cpu()) {
    backend_of(device).copy_from_host(dst, src, bytes, device.index);
  } else if (device.is_cpu()) {
    backend_of(t.device()).copy_to_host(dst, src, bytes, t.device().index);
  } else {
    return copy_to_device(copy_to_device(t, kCpu), device);
  }
  return out;
}

// The bytes of `value` as one element of `dtype`; returns their count.
std::size_t element_of(Scalar value, DType dtype, void* out) {
  return visit_dtype(dtype, [&]<class T>(T) {
    const T v = value.as<T>();
    std::memcpy(out, &v, sizeof v);
    return sizeof v;
  });
}

}  // namespace

void convert(void* dst, DType dst_dtype, const void* src, DType src_dtype, std::int64_t count) {
  if (dst_dtype == src_dtype) {
    if (count > 0) std::memcpy(dst, src, static_cast<std::size_t>(count) * size_of(dst_dtype));
    return;
  }
  visit_dtype(dst_dtype, [&]<class To>(To) {
    visit_dtype(src_dtype, [&]<class From>(From) {
      for (std::int64_t i = 0; i < count; ++i)
        static_cast<To*>(dst)[i] = convert_one<To>(static_cast<const From*>(src)[i]);
    });
  });
}

void copy_out(const Tensor& t, DType dtype, void* out, const std::source_location& loc) {
  check_defined(t, "read", loc);
  if (thread_state.tracer) thread_state.tracer->value_read(t.impl(), loc);
  ensure_ready(t.impl());
  Tensor host = t.device().is_cpu() ? t : copy_to_device(t, kCpu);
  if (!host.is_contiguous()) host = Tensor::adopt(contiguous_copy(host.impl()));
  convert(out, dtype, data_of(host.impl()), host.dtype(), host.numel());
}

Tensor tensor_from(const void* values, DType dtype, std::size_t count, const Shape& shape,
                   TensorOptions options, const std::source_location& loc) {
  if (static_cast<std::int64_t>(count) != checked_numel(shape))
    throw_argument(
        "tensor",
        fmt::format("{} values for shape {}; expected {}", count, to_string(shape), shape.numel()),
        loc);
  Tensor t = Tensor::adopt(empty_impl(shape, options.dtype, kCpu));
  convert(data_of(t.impl()), options.dtype, values, dtype, static_cast<std::int64_t>(count));
  if (!options.device.is_cpu()) t = copy_to_device(t, options.device);
  if (options.requires_grad) t.set_requires_grad(true, loc);
  return t;
}

void* checked_data(const Tensor& t, DType wanted, const std::source_location& loc) {
  check_defined(t, "data", loc);
  if (t.dtype() != wanted)
    throw_argument("data",
                   fmt::format("asked for {} elements but the tensor holds {}; expected equal; "
                               "convert with to(dtype)",
                               name_of(wanted), name_of(t.dtype())),
                   loc);
  if (!t.device().is_cpu())
    throw_argument("data",
                   fmt::format("the tensor is on {}; expected cpu; copy it with to(kCpu)",
                               catena::to_string(t.device())),
                   loc);
  if (thread_state.tracer) thread_state.tracer->value_read(t.impl(), loc);
  ensure_ready(t.impl());
  Storage* s = t.impl()->storage;
  s->escaped.store(true, std::memory_order_release);
  ensure_writable(s);
  return data_of(t.impl());
}

void check_item(const Tensor& t, const std::source_location& loc) {
  check_defined(t, "item", loc);
  if (t.numel() != 1)
    throw_argument("item",
                   fmt::format("the tensor has shape {}; expected one element; use to_vector()",
                               to_string(t.shape())),
                   loc);
}

}  // namespace detail

std::int64_t Tensor::size(int dim, Location loc) const {
  detail::check_defined(*this, "size", loc);
  const int d = dim < 0 ? dim + rank() : dim;
  if (d < 0 || d >= rank())
    throw_argument("size",
                   fmt::format("dimension {} of a tensor of shape {}; expected {} to {}", dim,
                               catena::to_string(shape()), -rank(), rank() - 1),
                   loc);
  return shape()[d];
}

bool Tensor::shares_storage(const Tensor& o) const {
  if (!impl_ || !o.impl_) return false;
  detail::ensure_ready(impl_);
  detail::ensure_ready(o.impl_);
  return impl_->storage == o.impl_->storage;
}

std::uint32_t Tensor::version() const {
  detail::ensure_ready(impl_);
  return impl_->storage->version.load(std::memory_order_relaxed);
}

Tensor Tensor::detach() const {
  const Tensor t = detail::substituted(*this);
  Tensor alias = adopt(detail::alias_of(t.impl_));
  if (detail::thread_state.tracer) detail::thread_state.tracer->alias(t.impl_, alias.impl());
  return alias;
}

// --- In-place writes ---

Tensor& Tensor::copy_(Tensor&& src, Location loc) {
  if (defined() && src.defined() && src.shape() == shape() && src.dtype() == dtype() &&
      src.impl()->pending.load(std::memory_order_acquire) && detail::may_write_chain(*this)) {
    detail::check_write(*this, &src, "copy_", loc);
    const Tensor value = std::move(src);
    detail::write_chain(*this, value, loc);
    return *this;
  }
  return copy_(std::as_const(src), loc);
}

Tensor& Tensor::copy_(const Tensor& src, Location loc) {
  detail::check_defined(src, "copy_", loc);
  Shape joined;
  detail::check_defined(*this, "copy_", loc);
  if (!broadcast_shapes(shape(), src.shape(), &joined) || !(joined == shape()))
    throw_argument("copy_",
                   fmt::format("a source of shape {} does not broadcast to {}; expected sizes that "
                               "are equal or 1",
                               catena::to_string(src.shape()), catena::to_string(shape())),
                   loc);
  detail::ensure_ready(src.impl());
  detail::begin_write(*this, &src, "copy_", loc);
  NoGrad off;
  Tensor from = src.detach();
  if (from.dtype() != dtype()) from = detail::initialized_core_ops().cast(from, dtype());
  detail::ensure_ready(from.impl());
  if (from.device() != device())
    from = detail::copy_to_device(from, device());
  else if (from.impl()->storage == impl_->storage)
    from = adopt(detail::contiguous_copy(from.impl()));
  TensorView view = detail::view_of(from.impl());
  detail::broadcast_view(view, shape());
  if (numel() > 0) backend_of(device()).copy_strided(detail::view_of(impl_), view, device().index);
  detail::end_write(*this, loc);
  return *this;
}

Tensor& Tensor::fill_(Scalar value, Location loc) {
  detail::begin_write(*this, nullptr, "fill_", loc);
  detail::check_holds("fill_", dtype(), value, loc);
  std::uint64_t element;
  const std::size_t bytes = detail::element_of(value, dtype(), &element);
  Backend& backend = backend_of(device());
  if (is_contiguous()) {
    if (numel() > 0)
      backend.fill(detail::data_of(impl_), &element, bytes, static_cast<std::size_t>(numel()),
                   device().index);
  } else {
    const Tensor one = full({}, value, {dtype(), device()}, loc);
    TensorView view = detail::view_of(one.impl());
    detail::broadcast_view(view, shape());
    backend.copy_strided(detail::view_of(impl_), view, device().index);
  }
  detail::end_write(*this, loc);
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, Scalar alpha, Location loc) {
  return add_(Tensor(other), alpha, loc);
}

Tensor& Tensor::add_(Tensor&& given, Scalar alpha, Location loc) {
  Tensor other = std::move(given);
  detail::check_defined(other, "add_", loc);
  detail::check_defined(*this, "add_", loc);
  Shape joined;
  if (!broadcast_shapes(shape(), other.shape(), &joined) || !(joined == shape()))
    throw_argument("add_",
                   fmt::format("an operand of shape {} does not broadcast to {}; expected sizes "
                               "that are equal or 1",
                               catena::to_string(other.shape()), catena::to_string(shape())),
                   loc);
  if (other.device() != device())
    throw_argument("add_",
                   fmt::format("operands are on {} and {}; expected one device; move one with "
                               "to(device)",
                               catena::to_string(device()), catena::to_string(other.device())),
                   loc);
  const bool scaled = !(alpha.is_real() ? alpha.real() == 1 : alpha.integer() == 1);
  const auto addend = [&](Tensor from) {
    if (from.dtype() != dtype()) from = detail::initialized_core_ops().cast(from, dtype());
    if (scaled) from = detail::initialized_core_ops().scale(from, alpha);
    // A real alpha makes reals of integers.
    return from.dtype() == dtype() ? from : detail::initialized_core_ops().cast(from, dtype());
  };
  detail::check_write(*this, &other, "add_", loc);
  NoGrad off;
  if (other.impl()->pending.load(std::memory_order_acquire) && detail::may_write_chain(*this)) {
    const Tensor value = detail::initialized_core_ops().add(*this, addend(std::move(other)));
    detail::write_chain(*this, value, loc);
    return *this;
  }
  detail::ensure_ready(other.impl());
  detail::begin_write(*this, loc);
  Tensor from = addend(other.detach());
  detail::ensure_ready(from.impl());
  if (from.impl()->storage == impl_->storage) from = adopt(detail::contiguous_copy(from.impl()));
  TensorView view = detail::view_of(from.impl());
  detail::broadcast_view(view, shape());
  if (numel() > 0) backend_of(device()).add_in_place(detail::view_of(impl_), view, device().index);
  detail::end_write(*this, loc);
  return *this;
}

Tensor& Tensor::mul_(Scalar factor, Location loc) {
  detail::check_defined(*this, "mul_", loc);
  if (grad_enabled() && requires_grad()) detail::begin_write(*this, nullptr, "mul_", loc);
  NoGrad off;
  // Its own values, also where calls compute with others.
  return copy_(detail::initialized_core_ops().scale(adopt(detail::alias_of(impl_)), factor), loc);
}

// --- Creation ---

Tensor empty(const Shape& shape, TensorOptions options, std::source_location loc) {
  checked_numel(shape);
  Tensor t = Tensor::adopt(detail::empty_impl(shape, options.dtype, options.device));
  if (options.requires_grad) t.set_requires_grad(true, loc);
  return t;
}

Tensor full(const Shape& shape, Scalar value, TensorOptions options, std::source_location loc) {
  detail::check_holds("full", options.dtype, value, loc);
  Tensor t = empty(shape, {options.dtype, options.device}, loc);
  std::uint64_t element;
  const std::size_t bytes = detail::element_of(value, options.dtype, &element);
  void* data = detail::data_of(t.impl());
  if (t.numel() == 1 && options.device.is_cpu())
    std::memcpy(data, &element, bytes);
  else if (t.numel() > 0)
    backend_of(options.device)
        .fill(data, &element, bytes, static_cast<std::size_t>(t.numel()), options.device.index);
  if (options.requires_grad) t.set_requires_grad(true, loc);
  return t;
}

Tensor zeros(const Shape& shape, TensorOptions options, std::source_location loc) {
  return full(shape, 0, options, loc);
}
Tensor ones(const Shape& shape, TensorOptions options, std::source_location loc) {
  return full(shape, 1, options, loc);
}
Tensor empty_like(const Tensor& t) { return empty(t.shape(), {t.dtype(), t.device()}); }
Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), {t.dtype(), t.device()}); }
Tensor ones_like(const Tensor& t) { return ones(t.shape(), {t.dtype(), t.device()}); }

namespace {

// Appends the numbers of `values` and notes the length of each level in `shape`; every list of a
// level has the same length, and numbers stand at the innermost level only.
void flatten_values(const NestedValues& values, int depth, Shape* shape, std::vector<Scalar>* out,
                    const std::source_location& loc) {
  const bool inner = depth == shape->rank();
  if (!values.is_list()) {
    if (!inner)
      throw_argument("tensor",
                     "a number stands beside a list; expected all entries of one level "
                     "to be numbers, or all lists",
                     loc);
    out->push_back(values.number());
    return;
  }
  const auto length = static_cast<std::int64_t>(values.list().size());
  if (inner)
    throw_argument("tensor",
                   "a list stands beside a number; expected all entries of one level to "
                   "be numbers, or all lists",
                   loc);
  if (length != (*shape)[depth])
    throw_argument("tensor",
                   fmt::format("a list at depth {} has {} entries but the first one has {}; "
                               "expected equal lengths",
                               depth, length, (*shape)[depth]),
                   loc);
  for (const NestedValues& v : values.list()) flatten_values(v, depth + 1, shape, out, loc);
}

}  // namespace

Tensor tensor(const NestedValues& values, TensorOptions options, std::source_location loc) {
  Shape shape;
  for (const NestedValues* v = &values; v->is_list(); v = v->list().begin()) {
    shape.push_back(static_cast<std::int64_t>(v->list().size()));
    if (v->list().size() == 0) break;
  }
  std::vector<Scalar> numbers;
  flatten_values(values, 0, &shape, &numbers, loc);
  Tensor t = Tensor::adopt(detail::empty_impl(shape, options.dtype, kCpu));
  auto* out = static_cast<char*>(detail::data_of(t.impl()));
  for (const Scalar& v : numbers) {
    detail::check_holds("tensor", options.dtype, v, loc);
    out += detail::element_of(v, options.dtype, out);
  }
  if (!options.device.is_cpu()) t = detail::copy_to_device(t, options.device);
  if (options.requires_grad) t.set_requires_grad(true, loc);
  return t;
}

Tensor from_memory(void* data, const Shape& shape, DType dtype, const Shape& strides,
                   std::function<void(void*)> release, std::source_location loc) {
  const std::int64_t numel = checked_numel(shape);
  if (!data && numel > 0)
    throw_argument("from_memory", "null pointer for a tensor with elements", loc);
  if (!strides.empty() && strides.rank() != shape.rank())
    throw_argument("from_memory",
                   fmt::format("{} strides for shape {}; expected one per dimension",
                               strides.rank(), to_string(shape)),
                   loc);
  struct Owner {
    void* data;
    std::function<void(void*)> release;
  };
  auto* owner = new Owner{data, std::move(release)};
  detail::TensorImpl* t = detail::new_impl();
  t->shape = shape;
  t->strides = strides.empty() ? contiguous_strides(shape) : strides;
  t->contiguous = detail::is_contiguous(shape, t->strides);
  t->numel = numel;
  t->dtype = dtype;
  t->storage = detail::wrap_storage(
      data, static_cast<std::size_t>(numel) * size_of(dtype), kCpu,
      [](void* context) {
        std::unique_ptr<Owner> o(static_cast<Owner*>(context));
        if (o->release) o->release(o->data);
      },
      owner);
  return Tensor::adopt(t);
}

}  // namespace catena
