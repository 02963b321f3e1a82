// Arithmetic, comparisons and the commonest functions.
#include <algorithm>
#include <cmath>

#include "ops/pointwise_samples.hpp"

namespace catena::test {
namespace {

template <class Op, class F>
std::vector<OpSample> comparison(const Op& op, F f) {
  return {sample("basic", op,
                 {integers({4, 5}, 0, 3).as(kFloat32), integers({4, 5}, 0, 3).as(kFloat32)}, f),
          sample("each_dtype", op, {uniform({70}, 0, 3), uniform({70}, 0, 3)}, f),
          sample("mixed", op, {uniform({6}, 0, 3), integers({6}, 0, 3)}, f),
          sample("special", op, {values({6, 1}, {kNaN, kInf, -kInf, 0.0, -0.0, 1.0}), special()}, f)
              .only(kFloatTypes),
          shapes_that_do_not_fit(op)};
}

}  // namespace

std::vector<OpSample> samples_Add() {
  auto f = [](double a, double b) { return a + b; };
  auto list = arithmetic(op::Add{}, f);
  list.push_back(sample("wraps", op::Add{}, {values({2}, {250, 255}), values({2}, {10, 255})}, f)
                     .only(DTypeSet(kUInt8)));
  return list;
}

std::vector<OpSample> samples_Sub() {
  return arithmetic(op::Sub{}, [](double a, double b) { return a - b; });
}

std::vector<OpSample> samples_Mul() {
  return arithmetic(op::Mul{}, [](double a, double b) { return a * b; });
}

std::vector<OpSample> samples_Div() {
  return arithmetic(op::Div{}, [](double a, double b) { return a / b; });
}

std::vector<OpSample> samples_Neg() {
  auto f = [](double x) { return -x; };
  auto list = function(op::Neg{}, -2, 2, f);
  list.push_back(fails("bool", op::Neg{}, {booleans({3})}, "bool"));
  return list;
}

std::vector<OpSample> samples_Pow() {
  auto f = [](double a, double b) { return std::pow(a, b); };
  return {
      sample("basic", op::Pow{}, {uniform({3, 5}, 0.5, 3), uniform({3, 5}, -2, 2)}, f)
          .tolerance(5e-6, 1e-12),
      sample("long", op::Pow{}, {uniform({67}, 0.5, 3), uniform({67}, -2, 2)}, f)
          .only(kFloatTypes)
          .tolerance(5e-6, 1e-12),
      // A negative base with whole exponents: the derivative in the exponent does not exist.
      sample("whole_exponents", op::Pow{},
             {values({6}, {-1.5, -2, 1.5, -0.5, 3, -3}), values({6}, {0, 1, 2, 3, -2, -1})}, f)
          .only(kFloatTypes)
          .tolerance(5e-6, 1e-12)
          .constant(1),
      sample("zero_base", op::Pow{}, {values({3}, {0, 0, 0}), values({3}, {1, 2, 3})}, f)
          .only(kFloatTypes)
          .constant(1),
      // Within one unit in the last place; whole powers that fit are exact.
      relative(sample("wide", op::Pow{},
                      {values({9}, {1e-38, 1e30, 10, 0.999, 1.001, 1.1, 3e-3, 7.7, 1e-42}),
                       values({9}, {0.9, -1.25, 36.5, 8e4, -8e4, 900.5, 14.3, -40.1, -0.7})},
                      f),
               1.2e-7, 2.3e-16)
          .only(kFloatTypes)
          .no_gradient(),
      sample("whole", op::Pow{},
             {values({9}, {3, 7, 10, 2, -3, 5, 1.5, 0.5, -2}),
              values({9}, {4, 5, 5, 100, 15, 10, 8, 126, -7})},
             f)
          .only(kFloatTypes)
          .exact()
          .no_gradient(),
      relative(sample("larger", op::Pow{},
                      {values({4}, {10, 10, 2, 1.1}), values({4}, {300, -300, -1074, 7000})}, f),
               0, 2.3e-16)
          .only(DTypeSet(kFloat64))
          .no_gradient(),
      sample("even_exponents", op::Pow{},
             {values({3, 1}, {-2, -0.5, -1}), values({4}, {1e30, -1e30, 4294967296.0, 9e15})}, f)
          .only(kFloatTypes)
          .no_gradient(),
      // Common exponents are exact.
      sample("common_exponents", op::Pow{},
             {values({6}, {3.3, -3.3, 3.3, 3.3, 2.2, -7.7}), values({6}, {1, 2, 3, -1, 0.5, 2})},
             [](double a, double b) {
               return b == 2 ? a * a : b == 3 ? a * a * a : std::pow(a, b);
             })
          .only(kFloatTypes)
          .tolerance(1.2e-7, 0)
          .constant(1),
      sample("special", op::Pow{},
             {values({6, 1}, {kNaN, kInf, -kInf, 0.0, -0.0, 1.0}),
              values({9}, {kNaN, kInf, -kInf, 0.0, -0.0, 1.0, 2.0, 0.5, -1.0})},
             f)
          .only(kFloatTypes)
          .no_gradient(),
      sample("root_of_negative", op::Pow{}, {values({2}, {-1, -8}), values({2}, {0.5, 1.0 / 3})}, f)
          .only(kFloatTypes)
          .no_gradient(),
      shapes_that_do_not_fit(op::Pow{}),
  };
}

std::vector<OpSample> samples_Exp() {
  auto f = [](double x) { return std::exp(x); };
  auto list = function(op::Exp{}, -2, 2, f);
  list.push_back(relative(sample("extreme", op::Exp{},
                                 {values({8}, {-100, -80, -30, -1e-30, 1e-30, 30, 80, 100})}, f),
                          1e-6, 1e-14)
                     .only(kFloatTypes));
  list.push_back(sample("overflow", op::Exp{}, {values({2}, {1000, -1000})}, f)
                     .only(kFloatTypes)
                     .no_gradient());
  return list;
}

std::vector<OpSample> samples_Log() {
  auto f = [](double x) { return std::log(x); };
  auto list = function(op::Log{}, 0.5, 3, f);
  list.push_back(
      sample("extreme", op::Log{}, {values({5}, {1e-30, 1e30, 1e-38, 1.0000001, 100})}, f)
          .only(kFloatTypes)
          .no_gradient());
  list.push_back(sample("negative", op::Log{}, {values({2}, {-1, -1e-30})}, f)
                     .only(kFloatTypes)
                     .no_gradient());
  return list;
}

std::vector<OpSample> samples_Sqrt() {
  auto f = [](double x) { return std::sqrt(x); };
  auto list = function(op::Sqrt{}, 0.5, 3, f);
  list.push_back(relative(sample("extreme", op::Sqrt{}, {values({4}, {1e-30, 1e30, 0, 1e-38})}, f),
                          2e-7, 1e-15)
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(sample("negative", op::Sqrt{}, {values({2}, {-1, -1e-30})}, f)
                     .only(kFloatTypes)
                     .no_gradient());
  return list;
}

std::vector<OpSample> samples_Tanh() {
  auto f = [](double x) { return std::tanh(x); };
  auto list = function(op::Tanh{}, -2, 2, f);
  list.push_back(
      relative(sample("extreme", op::Tanh{}, {values({6}, {-100, -20, -1e-30, 1e-30, 20, 100})}, f),
               1e-6, 1e-14)
          .only(kFloatTypes));
  return list;
}

std::vector<OpSample> samples_Sigmoid() {
  auto f = [](double x) { return 1 / (1 + std::exp(-x)); };
  auto list = function(op::Sigmoid{}, -2, 2, f);
  list.push_back(relative(sample("extreme", op::Sigmoid{},
                                 {values({8}, {-100, -80, -30, -1e-30, 1e-30, 30, 80, 100})}, f),
                          1e-6, 1e-14)
                     .only(kFloatTypes));
  list.push_back(
      sample("overflow", op::Sigmoid{}, {values({2}, {1000, -1000})}, f).only(kFloatTypes));
  return list;
}

std::vector<OpSample> samples_Relu() {
  auto f = [](double x) { return x <= 0 ? 0 : x; };  // NaN stays NaN
  auto list = function(op::Relu{}, 0.2, 2, f);
  list.push_back(sample("both_sides", op::Relu{}, {uniform({33}).away_from(0)}, f).exact());
  list.push_back(sample("extreme", op::Relu{}, {values({4}, {-100, 1e-30, -1e-30, 100})}, f)
                     .only(kFloatTypes)
                     .exact()
                     .no_gradient());
  return list;
}

std::vector<OpSample> samples_Equal() {
  return comparison(op::Equal{}, [](double a, double b) { return double(a == b); });
}
std::vector<OpSample> samples_NotEqual() {
  return comparison(op::NotEqual{}, [](double a, double b) { return double(a != b); });
}
std::vector<OpSample> samples_Less() {
  return comparison(op::Less{}, [](double a, double b) { return double(a < b); });
}
std::vector<OpSample> samples_LessEqual() {
  return comparison(op::LessEqual{}, [](double a, double b) { return double(a <= b); });
}
std::vector<OpSample> samples_Greater() {
  return comparison(op::Greater{}, [](double a, double b) { return double(a > b); });
}
std::vector<OpSample> samples_GreaterEqual() {
  return comparison(op::GreaterEqual{}, [](double a, double b) { return double(a >= b); });
}

std::vector<OpSample> samples_Where() {
  auto f = [](double c, double a, double b) { return c != 0 ? a : b; };
  return {
      sample("basic", op::Where{}, {booleans({3, 5}), uniform({3, 5}), uniform({3, 5})}, f).exact(),
      sample("long", op::Where{}, {booleans({67}), uniform({67}), uniform({67})}, f).exact(),
      // The side not chosen leaves no trace, whatever it holds.
      sample("nan_not_chosen", op::Where{},
             {values({2}, {1, 0}).as(kBool), values({2}, {1, kNaN}), values({2}, {kInf, 2})}, f)
          .only(kFloatTypes)
          .exact()
          .no_gradient(),
      sample("mixed", op::Where{}, {booleans({6}), uniform({6}), integers({6}, 0, 3)}, f)
          .only(kFloatTypes),
      fails("condition_dtype", op::Where{}, {uniform({2}), uniform({2}), uniform({2})},
            "condition has dtype float32; expected bool"),
      fails("shapes", op::Where{}, {booleans({2}), uniform({3}), uniform({3})},
            "shapes do not broadcast"),
  };
}

std::vector<OpSample> samples_BinaryCrossEntropy() {
  auto f = [](double a, double b) {
    return -b * std::max(std::log(a), -100.0) - (1 - b) * std::max(std::log1p(-a), -100.0);
  };
  return {
      sample("basic", op::BinaryCrossEntropy{},
             {uniform({3, 5}, 0.05, 0.95), uniform({3, 5}, 0, 1)}, f)
          .only(kFloatTypes)
          .tolerance(5e-6, 1e-12),
      sample("ends", op::BinaryCrossEntropy{},
             {values({6}, {0, 0, 0, 1, 1, 1}), values({6}, {0, 1, 0.5, 0, 1, 0.25})}, f)
          .only(kFloatTypes)
          .no_gradient(),
      shapes_that_do_not_fit(op::BinaryCrossEntropy{}),
  };
}

}  // namespace catena::test
