// Arithmetic, comparisons, logic and functions of single numbers.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/trigonometry.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

using Unary = Tensor (*)(Operand);
using Binary = Tensor (*)(Operand, Operand);

template <Unary F>
Values unary(Call& c) {
  return {F(c.in(0))};
}
// Results of float16 and integers come back to their dtype: |x| of int8 is int8.
template <Binary F>
Values binary(Call& c) {
  return {F(c.in(0), right_operand(c))};
}
Values divide(Call& c) { return {quotient(c.in(0), right_operand(c))}; }

Values power(Call& c) {
  const Tensor& base = c.in(0);
  const Tensor exponent = right_operand(c);
  if (is_floating(base.dtype())) {
    if (is_floating(exponent.dtype()) && base.dtype() != exponent.dtype())
      return {pow(base, cast(exponent, base.dtype()))};
    return {pow(base, exponent)};
  }
  return {trunc(pow(cast(base, kFloat64), cast(exponent, kFloat64)))};
}

Values modulo(Call& c) {
  const bool fmod = c.attribute("fmod", std::int64_t{0}) != 0;
  if (!fmod && is_floating(c.in(0).dtype())) c.fail("reals need fmod = 1");
  return {remainder(c.in(0), c.in(1), fmod)};
}

// Any number of operands.
template <Binary F>
Values fold(Call& c) {
  Tensor y = c.in(0);
  for (int i = 1; i < c.count(); ++i) y = F(y, c.in(i));
  return {y};
}
Values average(Call& c) { return {fold<&add>(c)[0] / static_cast<double>(c.count())}; }

Values clip(Call& c) {
  Tensor x = c.in(0);
  const double inf = std::numeric_limits<double>::infinity();
  if (c.opset() < 11) {
    const double low = c.attribute("min", -inf), high = c.attribute("max", inf);
    if (low <= -3.4e38 && high >= 3.4e38) return {x};
    return {clamp(x, low, high)};
  }
  const bool low = c.has(1), high = c.has(2);
  if (is_floating(x.dtype()) && (!low || c.known(1)) && (!high || c.known(2)) && (low || high))
    return {clamp(x, low ? std::optional<Scalar>(c.real(1)) : std::nullopt,
                  high ? std::optional<Scalar>(c.real(2)) : std::nullopt)};
  if (low) x = maximum(x, c.in(1));
  if (high) x = minimum(x, c.in(2));
  return {x};
}

Values is_infinite(Call& c) {
  const bool positive = c.attribute("detect_positive", std::int64_t{1}) != 0;
  const bool negative = c.attribute("detect_negative", std::int64_t{1}) != 0;
  const Tensor& x = c.in(0);
  Tensor y = isinf(x);
  if (!positive) y = logical_and(y, x < 0);
  if (!negative) y = logical_and(y, x > 0);
  return {y};
}

Values exclusive_or(Call& c) { return {not_equal(c.in(0), right_operand(c))}; }

Values choose(Call& c) { return {where(c.in(0), c.in(1), c.in(2))}; }

}  // namespace

std::vector<Operator> pointwise_operators() {
  constexpr auto kWide = Types::kWide;
  return {
      {"Abs", 1, unary<&abs>},
      {"Acos", 7, unary<&acos>},
      {"Acosh", 9, unary<&acosh>},
      {"Add", 1, binary<&add>},
      {"And", 1, binary<&logical_and>, kWide},
      {"Asin", 7, unary<&asin>},
      {"Asinh", 9, unary<&asinh>},
      {"Atan", 7, unary<&atan>},
      {"Atanh", 9, unary<&atanh>},
      {"Ceil", 1, unary<&ceil>},
      {"Clip", 1, clip, Types::kFirst, kFixedFromSecond},
      {"Cos", 7, unary<&cos>},
      {"Cosh", 9, unary<&cosh>},
      {"Div", 1, divide},
      {"Equal", 1, binary<&equal>, kWide},
      {"Erf", 9, unary<&erf>},
      {"Exp", 1, unary<&exp>},
      {"Floor", 1, unary<&floor>},
      {"Greater", 1, binary<&greater>, kWide},
      {"GreaterOrEqual", 12, binary<&greater_equal>, kWide},
      {"IsInf", 10, is_infinite, kWide},
      {"IsNaN", 9, unary<&isnan>, kWide},
      {"Less", 1, binary<&less>, kWide},
      {"LessOrEqual", 12, binary<&less_equal>, kWide},
      {"Log", 1, unary<&log>},
      {"Max", 1, fold<&maximum>},
      {"Mean", 1, average},
      {"Min", 1, fold<&minimum>},
      {"Mod", 10, modulo},
      {"Mod", 28, nullptr},
      {"Mul", 1, binary<&mul>},
      {"Neg", 1, unary<&neg>},
      {"Not", 1, unary<&logical_not>, kWide},
      {"Or", 1, binary<&logical_or>, kWide},
      {"Pow", 1, power},
      {"Reciprocal", 1, unary<&reciprocal>},
      {"Round", 11, unary<&round>},
      {"Sign", 9, unary<&sign>},
      {"Sin", 7, unary<&sin>},
      {"Sinh", 9, unary<&sinh>},
      {"Sqrt", 1, unary<&sqrt>},
      {"Sub", 1, binary<&sub>},
      {"Sum", 1, fold<&add>},
      {"Tan", 7, unary<&tan>},
      {"Where", 9, choose, Types::kSecond, bit(0)},
      {"Xor", 1, exclusive_or, kWide},
  };
}

}  // namespace catena::onnx
