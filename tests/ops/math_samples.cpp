#include <cmath>

#include "ops/pointwise_samples.hpp"

namespace catena::test {
namespace {

const std::vector<double> kWide{-3e38,  -1e20,  -88.5,  -30,   -3,    -1,    -1e-4,
                                -1e-10, -1e-38, -1e-42, 1e-42, 1e-38, 1e-10, 1e-4,
                                0.3,    1,      3,      30,    88.5,  1e20,  3e38};
const std::vector<double> kHalves{-2.5, -1.5, -0.5, -0.4, -1e-40, 1e-40,     0.4,        0.5,
                                  1.5,  2.5,  2.6,  -2.6, 1e9,    8388609.0, 0.49999997, 1e20};

// Functions with whole results: their slope is 0 off the steps, and nothing depends on it.
template <class Op, class F>
std::vector<OpSample> steps(const Op& op, F f) {
  InputSpec off = uniform({3, 5});
  for (double at : {-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0}) off = off.away_from(at, 0.05);
  return {sample("basic", op, {off}, f).exact().no_second_order(),
          sample("long", op, {uniform({67}, -9, 9)}, f).exact().no_gradient(),
          sample("special", op, {special()}, f).only(kFloatTypes).exact().no_gradient(),
          sample("halves", op, {values({16}, kHalves)}, f).only(kFloatTypes).exact().no_gradient(),
          fails("bool", op, {booleans({3})}, "bool")};
}

// The lesser or greater of two.
template <class Op, class F>
std::vector<OpSample> extremum(const Op& op, F f) {
  InputSpec even = uniform({3, 5}), odd = uniform({3, 5});
  for (int i = -4; i < 4; ++i) {
    even = even.away_from(i * 0.5, 0.11);
    odd = odd.away_from(i * 0.5 + 0.25, 0.15);
  }
  return {
      sample("basic", op, {even, odd}, f).exact(),
      sample("whole", op, {uniform({70}, 0, 9), uniform({70}, 0, 9)}, f).exact().no_gradient(),
      sample("mixed", op, {uniform({6}), integers({6}, 0, 3)}, f).only(kFloatTypes).no_gradient(),
      sample("special", op, {values({6, 1}, {kNaN, kInf, -kInf, 0.0, -0.0, 1.0}), special()}, f)
          .only(kFloatTypes)
          .exact()
          .no_gradient(),
      shapes_that_do_not_fit(op)};
}

}  // namespace

std::vector<OpSample> samples_Abs() {
  auto f = [](double x) { return std::abs(x); };
  return {sample("basic", op::Abs{}, {uniform({3, 5}).away_from(0)}, f).exact(),
          sample("long", op::Abs{}, {uniform({67}, -9, 9).away_from(0)}, f).exact(),
          sample("special", op::Abs{}, {special()}, f).only(kFloatTypes).exact().no_gradient(),
          accurate("wide", op::Abs{}, kWide, f), fails("bool", op::Abs{}, {booleans({3})}, "bool")};
}

std::vector<OpSample> samples_Sign() {
  return steps(op::Sign{}, [](double x) { return double(x > 0) - double(x < 0); });
}
std::vector<OpSample> samples_Floor() {
  return steps(op::Floor{}, [](double x) { return std::floor(x); });
}
std::vector<OpSample> samples_Ceil() {
  return steps(op::Ceil{}, [](double x) { return std::ceil(x); });
}
std::vector<OpSample> samples_Round() {
  return steps(op::Round{}, [](double x) { return std::nearbyint(x); });
}
std::vector<OpSample> samples_Trunc() {
  return steps(op::Trunc{}, [](double x) { return std::trunc(x); });
}

std::vector<OpSample> samples_Minimum() {
  return extremum(op::Minimum{}, [](double a, double b) { return a != a || a <= b ? a : b; });
}
std::vector<OpSample> samples_Maximum() {
  return extremum(op::Maximum{}, [](double a, double b) { return a != a || a >= b ? a : b; });
}

std::vector<OpSample> samples_Clamp() {
  auto within = [](double low, double high) {
    return [=](double x) { return x < low ? (low > high ? high : low) : x > high ? high : x; };
  };
  return {
      sample("basic", op::Clamp{-1, 1}, {uniform({3, 5}).away_from(-1).away_from(1)}, within(-1, 1))
          .only(kFloatTypes | DTypeSet(kInt32, kInt64))
          .exact(),
      sample("bytes", op::Clamp{1, 300}, {uniform({70}, 0, 9)}, within(1, 255))
          .only(DTypeSet(kUInt8))
          .exact(),
      sample("below_bytes", op::Clamp{-5, 3}, {uniform({70}, 0, 9)}, within(0, 3))
          .only(DTypeSet(kUInt8))
          .exact(),
      sample("only_min", op::Clamp{.min = 0.5}, {uniform({67}).away_from(0.5)}, within(0.5, kInf))
          .only(kFloatTypes)
          .exact(),
      sample("only_max", op::Clamp{.max = 0}, {uniform({67}).away_from(0)}, within(-kInf, 0))
          .only(kFloatTypes | DTypeSet(kInt32, kInt64))
          .exact(),
      sample("no_bound", op::Clamp{}, {uniform({7})}, within(-kInf, kInf)).exact(),
      // Where the bounds are the wrong way round, max holds.
      sample("crossed", op::Clamp{2, 1}, {uniform({7})}, [](double) { return 1; })
          .only(kFloatTypes)
          .exact(),
      sample("special", op::Clamp{-1, 2}, {special()}, within(-1, 2))
          .only(kFloatTypes)
          .exact()
          .no_gradient(),
      fails("bool", op::Clamp{0, 1}, {booleans({3})}, "bool"),
  };
}

std::vector<OpSample> samples_Reciprocal() {
  auto f = [](double x) { return 1 / x; };
  auto list = function(op::Reciprocal{}, 0.5, 3, f);
  list.push_back(accurate("wide", op::Reciprocal{}, kWide, f));
  return list;
}

std::vector<OpSample> samples_Rsqrt() {
  auto f = [](double x) { return 1 / std::sqrt(x); };
  auto list = function(op::Rsqrt{}, 0.5, 3, f);
  list.push_back(accurate("wide", op::Rsqrt{}, kWide, f));
  return list;
}

std::vector<OpSample> samples_Expm1() {
  auto f = [](double x) { return std::expm1(x); };
  auto list = function(op::Expm1{}, -2, 2, f);
  list.push_back(accurate("wide", op::Expm1{}, kWide, f));
  list.push_back(accurate("largest", op::Expm1{}, {61, 80, 88.4, 88.7, 89, 709, 710}, f));
  return list;
}

std::vector<OpSample> samples_Log1p() {
  auto f = [](double x) { return std::log1p(x); };
  auto list = function(op::Log1p{}, -0.5, 3, f);
  list.push_back(accurate("wide", op::Log1p{}, kWide, f));
  list.push_back(accurate("near_pole", op::Log1p{}, {-0.999, -0.9999999, -1, -1.001}, f));
  return list;
}

std::vector<OpSample> samples_Erf() {
  auto f = [](double x) { return std::erf(x); };
  auto list = function(op::Erf{}, -2, 2, f);
  list.push_back(accurate("wide", op::Erf{}, kWide, f));
  list.push_back(
      accurate("middle", op::Erf{}, {-6, -5, -2.2, -1, -0.9999, 0.5, 0.7, 2.21, 3.9}, f));
  return list;
}

std::vector<OpSample> samples_Erfc() {
  auto f = [](double x) { return std::erfc(x); };
  auto list = function(op::Erfc{}, -2, 2, f);
  list.push_back(accurate("wide", op::Erfc{}, kWide, f));
  list.push_back(accurate("middle", op::Erfc{}, {-6, -2.2, -0.5, 0.49, 0.51, 1, 2.21, 5, 9}, f));
  list.push_back(accurate("far", op::Erfc{}, {10, 15, 20, 26}, f).only(DTypeSet(kFloat64)));
  return list;
}

std::vector<OpSample> samples_Lerp() {
  auto f = [](double a, double b, double w) { return a + w * (b - a); };
  return {
      sample("basic", op::Lerp{}, {uniform({3, 5}), uniform({3, 5}), uniform({3, 5})}, f),
      sample("long", op::Lerp{}, {uniform({67}), uniform({67}), uniform({67}, 0, 1)}, f)
          .only(kFloatTypes),
      sample("mixed", op::Lerp{}, {integers({6}, 0, 3), uniform({6}), uniform({6})}, f)
          .only(kFloatTypes),
      // Both ends are met exactly.
      sample("ends", op::Lerp{},
             {values({2, 1}, {0.1, 1e8}), values({1}, {0.3}), values({2}, {0, 1})},
             [](double a, double b, double w) { return w == 0 ? a : b; })
          .only(kFloatTypes)
          .exact()
          .no_gradient(),
      fails("shapes", op::Lerp{}, {uniform({2}), uniform({3}), uniform({3})},
            "shapes do not broadcast"),
  };
}

}  // namespace catena::test
