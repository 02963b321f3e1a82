// References are PyTorch's formulas in double, in forms that neither overflow nor cancel.
#include <algorithm>
#include <cmath>

#include "ops/pointwise_samples.hpp"

namespace catena::test {
namespace {

const std::vector<double> kWide{-1e30, -1000, -100,   -80,    -30,   -12,   -5,   -3.1, -1,
                                -0.1,  -1e-4, -1e-10, -1e-30, 1e-30, 1e-10, 1e-4, 0.1,  1,
                                3.1,   12,    19.9,   20.1,   30,    100,   1000, 1e30};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
double ramp(double x) { return std::min(std::max(x + 3, 0.0), 6.0) / 6; }

// What every activation must get right; `kinks` have no derivative.
template <class Op, class F>
std::vector<OpSample> activation(const Op& op, std::vector<double> kinks, F f) {
  InputSpec off = uniform({3, 5}, -4, 4);
  for (double at : kinks) off = off.away_from(at);
  InputSpec row = off;
  row.shape = {67};
  return {sample("basic", op, {off}, f), sample("long", op, {row}, f).only(kFloatTypes),
          sample("special", op, {special()}, f).only(kFloatTypes).no_gradient(),
          relative(sample("wide", op, {values({26}, kWide)}, f), 1e-6, 4e-15)
              .only(kFloatTypes)
              .no_gradient(),
          fails("undefined_inputs", op, {}, "0 inputs given; expected 1")};
}
template <class Op, class F>
void add_with(std::vector<OpSample>& list, const char* name, const Op& op,
              std::vector<double> kinks, F f) {
  InputSpec off = uniform({33}, -4, 4);
  for (double at : kinks) off = off.away_from(at);
  list.push_back(sample(name, op, {off}, f).only(kFloatTypes));
}
// The gradient's gradient must be 0, not NaN, where another branch would overflow.
template <class Op, class F>
void add_far(std::vector<OpSample>& list, const Op& op, F f) {
  list.push_back(
      sample("far", op, {values({4}, {-800, -100, 100, 800})}, f).only(DTypeSet(kFloat64)));
}

auto exponential_unit(double slope, double scale, double width) {
  return [=](double x) { return x > 0 ? slope * x : x <= 0 ? scale * std::expm1(x / width) : x; };
}

}  // namespace

std::vector<OpSample> samples_LeakyRelu() {
  auto with = [](double slope) { return [=](double x) { return x > 0 ? x : x * slope; }; };
  auto list = activation(op::LeakyRelu{}, {0}, with(0.01));
  add_with(list, "slope", op::LeakyRelu{0.3}, {0}, with(0.3));
  add_with(list, "negative_slope", op::LeakyRelu{-2}, {0}, with(-2));
  return list;
}
std::vector<OpSample> samples_Elu() {
  auto list = activation(op::Elu{}, {0}, exponential_unit(1, 1, 1));
  add_with(list, "alpha", op::Elu{0.3}, {0}, exponential_unit(1, 0.3, 1));
  add_with(list, "negative_alpha", op::Elu{-0.5}, {0}, exponential_unit(1, -0.5, 1));
  add_far(list, op::Elu{}, exponential_unit(1, 1, 1));
  return list;
}
std::vector<OpSample> samples_Selu() {
  const double scale = 1.0507009873554804934, alpha = 1.6732632423543772848;
  auto f = exponential_unit(scale, scale * alpha, 1);
  auto list = activation(op::Selu{}, {0}, f);
  add_far(list, op::Selu{}, f);
  return list;
}
std::vector<OpSample> samples_Celu() {
  auto list = activation(op::Celu{}, {0}, exponential_unit(1, 1, 1));
  add_with(list, "alpha", op::Celu{0.3}, {0}, exponential_unit(1, 0.3, 0.3));
  add_far(list, op::Celu{2}, exponential_unit(1, 2, 2));
  return list;
}
std::vector<OpSample> samples_Gelu() {
  auto exact = [](double x) { return x * (0.5 * std::erfc(-x * std::sqrt(0.5))); };
  auto tanh = [](double x) {
    return x * logistic(std::sqrt(8 / M_PI) * (x + 0.044715 * x * x * x));
  };
  auto list = activation(op::Gelu{}, {}, exact);
  for (OpSample& s : list)  // at -12 the rounding of x / sqrt(2) costs x^2 units
    if (s.name == "wide") s.rtol32 = 1e-5, s.rtol64 = 2e-14;
  add_far(list, op::Gelu{}, exact);
  add_with(list, "tanh", op::Gelu{true}, {}, tanh);
  list.push_back(relative(sample("tanh_wide", op::Gelu{true},
                                 {values({8}, {-1e3, -9, -5, -1e-10, 1e-10, 5, 9, 1e3})}, tanh),
                          1e-5, 1e-13)
                     .only(kFloatTypes));
  return list;
}
std::vector<OpSample> samples_Silu() {
  auto f = [](double x) { return x * logistic(x); };
  auto list = activation(op::Silu{}, {}, f);
  add_far(list, op::Silu{}, f);
  return list;
}
std::vector<OpSample> samples_Mish() {
  auto f = [](double x) { return x > 30 ? x : x * std::tanh(std::log1p(std::exp(x))); };
  auto list = activation(op::Mish{}, {}, f);
  add_far(list, op::Mish{}, f);
  return list;
}
std::vector<OpSample> samples_Softplus() {
  auto with = [](double beta, double threshold) {
    return [=](double x) {
      const double z = beta * x;
      return z > threshold ? x : (std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)))) / beta;
    };
  };
  auto stable = [=](double x) { return std::isnan(x) ? x : with(1, 20)(x); };
  auto list = activation(op::Softplus{}, {}, stable);
  add_with(list, "beta", op::Softplus{2, 20}, {}, with(2, 20));
  add_with(list, "threshold", op::Softplus{2, 1}, {0.5}, with(2, 1));
  add_with(list, "negative_beta", op::Softplus{-1.5, 20}, {}, with(-1.5, 20));
  list.push_back(relative(sample("high_threshold", op::Softplus{1, 1e6},
                                 {values({4}, {-100, 90, 800, 1e5})}, with(1, 1e6)),
                          1e-6, 1e-14)
                     .only(kFloatTypes));
  add_far(list, op::Softplus{}, stable);
  return list;
}
std::vector<OpSample> samples_Softsign() {
  return activation(op::Softsign{}, {0}, [](double x) { return x / (1 + std::abs(x)); });
}
std::vector<OpSample> samples_Hardtanh() {
  auto with = [](double low, double high) {
    return [=](double x) { return x < low ? low : x > high ? high : x; };
  };
  auto list = activation(op::Hardtanh{}, {-1, 1}, with(-1, 1));
  add_with(list, "bounds", op::Hardtanh{-0.5, 2.5}, {-0.5, 2.5}, with(-0.5, 2.5));
  return list;
}
std::vector<OpSample> samples_Hardsigmoid() {
  return activation(op::Hardsigmoid{}, {-3, 3},
                    [](double x) { return std::isnan(x) ? x : ramp(x); });
}
std::vector<OpSample> samples_Hardswish() {
  return activation(op::Hardswish{}, {-3, 3}, [](double x) { return x * ramp(x); });
}
std::vector<OpSample> samples_Step() {
  auto with = [](double at_zero) {
    return [=](double x) { return x > 0 ? 1 : x == 0 ? at_zero : 0; };
  };
  auto list = activation(op::Step{}, {0}, with(0));
  list.push_back(
      sample("at_zero", op::Step{0.5}, {special()}, with(0.5)).only(kFloatTypes).no_gradient());
  for (OpSample& s : list) s.second_order = false;  // nothing depends on the zero gradient
  return list;
}
std::vector<OpSample> samples_LogSigmoid() {
  auto f = [](double x) {
    return std::isnan(x) ? x : std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x)));
  };
  auto list = activation(op::LogSigmoid{}, {}, f);
  add_far(list, op::LogSigmoid{}, f);
  return list;
}

}  // namespace catena::test
