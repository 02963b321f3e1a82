// Tensors made of attributes and shapes: constants, ranges, random numbers.
#include "catena/ops/creation.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/pad.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

Values constant(Call& c) {
  if (Tensor t = c.tensor_attribute("value"); t.defined()) return {t};
  if (c.has_attribute("value_float")) return {full({}, c.attribute("value_float", 0.0))};
  if (c.has_attribute("value_int"))
    return {full({}, c.attribute("value_int", std::int64_t{0}), kInt64)};
  if (const auto v = c.reals("value_floats"))
    return {tensor(*v, {static_cast<std::int64_t>(v->size())}, kFloat32)};
  if (const auto v = c.integers("value_ints"))
    return {tensor(*v, {static_cast<std::int64_t>(v->size())})};
  c.unsupported("a constant without a number or a dense tensor of numbers");
}

Values constant_of_shape(Call& c) {
  const Shape shape = c.shape(c.integers(0));
  Tensor value = c.tensor_attribute("value");
  if (!value.defined()) value = zeros({1});
  if (value.numel() != 1) c.fail("attribute 'value' must have one element");
  c.check_size(shape, value.dtype());
  return {contiguous(expand(reshape(value, {}), shape))};
}

Values eye_like(Call& c) {
  const Tensor& x = c.in(0);
  if (x.rank() != 2) c.fail(fmt::format("x has shape {}; expected a matrix", to_string(x.shape())));
  const DType dtype = c.dtype_attribute("dtype", x.dtype());
  const std::int64_t rows = x.shape()[0], columns = x.shape()[1];
  const Tensor row = reshape(arange(rows), {rows, 1}),
               column = reshape(arange(columns), {1, columns});
  const Tensor diagonal =
      equal(column - row, c.attribute("k", std::int64_t{0}) + zeros({}, kInt64));
  return {cast(diagonal, dtype)};
}

Values range(Call& c) {
  const DType dtype = c.in(0).dtype();
  if (is_floating(dtype)) {
    const double start = c.real(0), limit = c.real(1), delta = c.real(2);
    if (!(std::isfinite(start) && std::isfinite(limit) && std::isfinite(delta)) || delta == 0)
      c.fail(fmt::format("from {} to {} by {}", start, limit, delta));
    const double count = std::max(std::ceil((limit - start) / delta), 0.0);
    if (count > 1e15) c.fail(fmt::format("{} numbers", count));
    c.check_size({static_cast<std::int64_t>(count)}, dtype);
    const op::Arange op{static_cast<std::int64_t>(count), start, delta, dtype};
    return {call(op, {})};
  }
  const std::int64_t start = c.integer(0), limit = c.integer(1), delta = c.integer(2);
  if (delta == 0) c.fail("delta is 0");
  const auto distance = static_cast<__int128>(limit) - start;
  const __int128 count = (distance + delta + (delta > 0 ? -1 : 1)) / delta;
  if (count > (std::int64_t{1} << 59)) c.fail("too many numbers");
  const auto size = static_cast<std::int64_t>(std::max<__int128>(count, 0));
  c.check_size({size}, dtype);
  const Tensor steps = arange(size, TensorOptions(kInt64));
  return {cast(steps * number_like(steps, delta) + number_like(steps, start), dtype)};
}

DType random_dtype(Call& c, DType otherwise) {
  const DType dtype = c.dtype_attribute("dtype", otherwise);
  if (!is_floating(dtype)) c.unsupported(fmt::format("random numbers of {}", name_of(dtype)));
  return dtype;
}
// float32 or float64, which random numbers are drawn in.
DType drawn(DType dtype) { return dtype == kFloat64 ? kFloat64 : kFloat32; }

template <bool Normal, bool Like>
Values random_of(Call& c) {
  Shape shape;
  DType dtype = kFloat32;
  if constexpr (Like) {
    shape = c.in(0).shape();
    dtype = random_dtype(c, is_floating(c.in(0).dtype()) ? c.in(0).dtype() : kFloat32);
  } else {
    const auto sizes = c.integers("shape");
    if (!sizes) c.fail("attribute 'shape' is missing");
    shape = c.shape(*sizes);
    dtype = random_dtype(c, kFloat32);
  }
  c.check_size(shape, dtype);
  Tensor y;
  if constexpr (Normal)
    y = random_normal(shape, c.attribute("mean", 0.0), c.attribute("scale", 1.0), drawn(dtype));
  else
    y = random_uniform(shape, c.attribute("low", 0.0), c.attribute("high", 1.0), drawn(dtype));
  return {cast(y, dtype)};
}

Values bernoulli(Call& c) {
  const Tensor& p = c.in(0);
  const DType dtype = c.dtype_attribute("dtype", c.in(0).dtype());
  return {cast(less(random_uniform(p.shape(), 0, 1, drawn(p.dtype())), p), dtype)};
}

// Of logarithms of weights: the largest of them plus Gumbel noise (Gumbel, 1954).
Values multinomial(Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t samples = c.attribute("sample_size", std::int64_t{1});
  const DType dtype = c.dtype_attribute("dtype", kInt32);
  if (x.rank() != 2 || samples < 1)
    c.fail(fmt::format("{} samples of x {}", samples, to_string(x.shape())));
  const Shape shape{x.shape()[0], samples, x.shape()[1]};
  c.check_size(shape, kFloat32);
  const Tensor noise = -log(-log(random_uniform(shape, 1e-30, 1)));
  return {cast(argmax(unsqueeze(x, 1) + noise, 2), dtype)};
}

}  // namespace

std::vector<Operator> creation_operators() {
  constexpr auto kAny = Types::kAny;
  constexpr std::uint32_t all = ~0u;
  return {
      {"Bernoulli", 15, bernoulli, kAny, 0, 0, true},
      {"Constant", 1, constant, kAny},
      {"ConstantOfShape", 9, constant_of_shape, kAny, all},
      {"EyeLike", 9, eye_like, kAny, all},
      {"Multinomial", 7, multinomial, Types::kWide, 0, 0, true},
      {"RandomNormal", 1, random_of<true, false>, kAny, all, 0, true},
      {"RandomNormalLike", 1, random_of<true, true>, kAny, all, 0, true},
      {"RandomUniform", 1, random_of<false, false>, kAny, all, 0, true},
      {"RandomUniformLike", 1, random_of<false, true>, kAny, all, 0, true},
      {"Range", 11, range, Types::kFirst, all},
  };
}

}  // namespace catena::onnx
