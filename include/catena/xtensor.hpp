// xtensor interop, opt-in: a Tensor from any xtensor expression, and an xtensor view of a Tensor.
// Nothing else of Catena includes xtensor.
#pragma once

#include <cstddef>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include <xtensor/xadapt.hpp>
#include <xtensor/xexpression.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xstrided_view.hpp>

#include "catena/graph/tensor.hpp"

namespace catena {

namespace detail {
template <class T>
auto adapt(T* data, const Tensor& t) {
  std::vector<std::size_t> shape(t.shape().begin(), t.shape().end());
  std::vector<std::ptrdiff_t> strides(t.strides().begin(), t.strides().end());
  std::size_t span = t.numel() > 0 ? 1 : 0;
  for (int d = 0; d < t.rank() && span > 0; ++d)
    span += static_cast<std::size_t>((t.shape()[d] - 1) * t.strides()[d]);
  // An adaptor believes that its elements fill its buffer, and fill() or += would write between
  // those of a slice: hence a strided view of the flat memory.
  const std::vector<std::size_t> flat{span};
  return xt::strided_view(xt::adapt(data, span, xt::no_ownership(), flat), std::move(shape),
                          std::move(strides), 0, xt::layout_type::dynamic);
}
}  // namespace detail

// The elements of T in the tensor's own memory, whatever its strides, without a copy. The view does
// not keep the tensor alive. A tensor looked at like this is never deferred on.
// Errors: T is not the tensor's dtype; the tensor is not on the CPU.
template <class T>
auto as_xtensor(Tensor& t, std::source_location loc = std::source_location::current()) {
  return detail::adapt(t.data<T>(loc), t);
}
template <class T>
auto as_xtensor(const Tensor& t, std::source_location loc = std::source_location::current()) {
  return detail::adapt(t.data<T>(loc), t);
}

// A tensor of the expression's shape and values; the dtype is that of its value type. The
// expression is evaluated once, into the tensor's memory.
template <class E>
Tensor from_xtensor(const xt::xexpression<E>& expression, bool requires_grad = false,
                    std::source_location loc = std::source_location::current()) {
  const E& e = expression.derived_cast();
  using T = std::remove_cv_t<typename E::value_type>;
  Shape shape;
  for (auto n : e.shape()) shape.push_back(static_cast<std::int64_t>(n));
  Tensor t = empty(shape, dtype_of<T>(), loc);
  if (t.numel() > 0) {
    std::vector<std::size_t> sizes(shape.begin(), shape.end());
    auto out = xt::adapt(t.data<T>(loc), static_cast<std::size_t>(t.numel()), xt::no_ownership(),
                         std::move(sizes));
    xt::noalias(out) = e;
  }
  if (requires_grad) t.set_requires_grad(true, loc);
  return t;
}

}  // namespace catena
