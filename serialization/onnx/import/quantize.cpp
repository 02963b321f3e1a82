// Between reals and the small integers that stand for them.
#include <limits>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

// A scale or zero point as it meets x: one number, one for each entry of an axis, or one for each
// block of the axis.
Tensor spread(Call& c, const Tensor& v, const Tensor& x) {
  if (v.rank() == 0 || (v.rank() == 1 && v.numel() == 1)) return reshape(v, {});
  const int axis = c.axis(c.attribute("axis", std::int64_t{1}), x.rank());
  const std::int64_t block = c.attribute("block_size", std::int64_t{0});
  if (block > 0 && v.rank() == x.rank()) {
    Shape wide = v.shape(), flat = v.shape();
    wide.insert(axis + 1, block);
    if (__builtin_mul_overflow(flat[axis], block, &flat[axis])) c.fail("block_size is too large");
    const Tensor repeated = reshape(expand(unsqueeze(v, axis + 1), wide), flat);
    return slice(repeated, axis, 0, x.shape()[axis]);
  }
  if (v.rank() != 1 || v.numel() != x.shape()[axis])
    c.fail(fmt::format("a scale or zero point of shape {} for axis {} of {}", to_string(v.shape()),
                       axis, to_string(x.shape())));
  Shape shape = Shape::filled(x.rank(), 1);
  shape[axis] = v.numel();
  return reshape(v, shape);
}

// x, whole numbers, held within what `dtype` has.
Tensor saturated(Call& c, const Tensor& x, DType dtype) {
  double low = 0, high = 0;
  switch (dtype) {
    case DType::kUInt8:
      high = 255;
      break;
    case DType::kInt8:
      low = -128, high = 127;
      break;
    case DType::kUInt16:
      high = 65535;
      break;
    case DType::kInt16:
      low = -32768, high = 32767;
      break;
    default:
      c.unsupported(fmt::format("quantised {}", name_of(dtype)));
  }
  return cast(cast(clamp(x, low, high), kInt32), dtype);
}

Values quantize(Call& c) {
  const Tensor x = is_floating(c.in(0).dtype()) ? widened(c.in(0)) : cast(c.in(0), kFloat32);
  const Tensor scale = spread(c, widened(c.in(1)), x);
  DType dtype = c.dtype_attribute("output_dtype", kUInt8);
  Tensor y = round(x / scale);
  if (c.has(2)) {
    dtype = c.in(2).dtype();
    y = y + spread(c, cast(c.in(2), kFloat32), x);
  }
  return {saturated(c, y, dtype)};
}

Values dequantize(Call& c) {
  Tensor x = cast(c.in(0), kFloat32);
  const DType dtype = c.dtype_attribute("output_dtype", c.in(1).dtype());
  // Differences of int32 are exact in float64 only.
  if (c.in(0).dtype() == kInt32) x = cast(c.in(0), kFloat64);
  if (c.has(2)) x = x - spread(c, cast(c.in(2), x.dtype()), x);
  const Tensor scale = spread(c, widened(c.in(1)), x);
  return {cast(cast(x, scale.dtype()) * scale, dtype)};
}

Values quantize_dynamically(Call& c) {
  const Tensor& x = c.in(0);
  const Tensor low = minimum(min(x), 0.0), high = maximum(max(x), 0.0);
  const Tensor scale = (high - low) / 255.0;
  const Tensor zero = clamp(round(-low / scale), 0, 255);
  return {saturated(c, round(x / scale) + zero, DType::kUInt8), scale,
          saturated(c, zero, DType::kUInt8)};
}

}  // namespace

std::vector<Operator> quantize_operators() {
  constexpr auto kAny = Types::kAny;
  constexpr std::uint32_t rest = kFixedFromSecond;
  return {
      {"DequantizeLinear", 10, dequantize, kAny, rest},
      {"DynamicQuantizeLinear", 11, quantize_dynamically, kAny},
      {"QuantizeLinear", 10, quantize, kAny, rest},
  };
}

}  // namespace catena::onnx
