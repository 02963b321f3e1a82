// Samples that pointwise ops share. Broadcasting, empty and 0-d shapes are tried by the suite on
// every "basic" sample.
#pragma once

#include <limits>

#include "op_suite.hpp"

namespace catena::test {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline const double kNaN = std::numeric_limits<double>::quiet_NaN();

inline InputSpec special() { return values({6}, {kNaN, kInf, -kInf, 0.0, -0.0, 1.0}); }

// Relative accuracy alone, down to the smallest normal numbers.
inline OpSample relative(OpSample s, double float32, double float64) {
  s.rtol32 = float32;
  s.rtol64 = float64;
  s.atol32 = 2e-38;
  s.atol64 = 3e-308;
  return s;
}

template <class Op>
OpSample shapes_that_do_not_fit(const Op& op) {
  return fails("shapes", op, {uniform({2, 3}), uniform({4})},
               "shapes do not broadcast: a [2, 3], b [4]; expected sizes");
}

// What every op of two numbers must get right.
template <class Op, class F>
std::vector<OpSample> arithmetic(const Op& op, F f) {
  return {
      sample("basic", op, {uniform({3, 5}).away_from(0, 0.25), uniform({3, 5}).away_from(0, 0.25)},
             f),
      sample("mixed", op, {uniform({4}).as(kInt32), uniform({4}).away_from(0)}, f)
          .only(kFloatTypes),
      sample("long", op, {uniform({67}), uniform({67}).away_from(0)}, f).only(kFloatTypes),
      sample("special", op, {values({6, 1}, {kNaN, kInf, -kInf, 0.0, -0.0, 1.0}), special()}, f)
          .only(kFloatTypes)
          .no_gradient(),
      sample("large", op, {values({3}, {1e30, -1e-30, 3e38}), values({3}, {1e30, 1e-30, 3e38})}, f)
          .only(kFloatTypes)
          .no_gradient(),
      shapes_that_do_not_fit(op)};
}

// What every function of one number must get right; `f` is smooth on [low, high].
template <class Op, class F>
std::vector<OpSample> function(const Op& op, double low, double high, F f) {
  return {sample("basic", op, {uniform({3, 5}, low, high)}, f),
          sample("long", op, {uniform({67}, low, high)}, f).only(kFloatTypes),
          sample("special", op, {special()}, f).only(kFloatTypes).no_gradient(),
          fails("undefined_inputs", op, {}, "0 inputs given; expected 1")};
}

// Relative accuracy of a few units in the last place at these values, whatever their size; no
// gradients.
template <class Op, class F>
OpSample accurate(std::string name, const Op& op, std::vector<double> v, F f) {
  const Shape shape{static_cast<std::int64_t>(v.size())};
  return relative(sample(std::move(name), op, {values(shape, std::move(v))}, f), 5e-7, 1e-15)
      .only(kFloatTypes)
      .no_gradient();
}

}  // namespace catena::test
