#include <cmath>

#include "ops/pointwise_samples.hpp"

namespace catena::test {
namespace {

const std::vector<double> kAngles{1e-42,     -1e-38, 1e-10,      1e-4, -0.7,      0.8,
                                  1.5707963, 2.5,    -3.1415927, 4.7,  15.676709, 199,
                                  201,       -1e4,   1e6,        3e7,  -1e20,     3e38};
const std::vector<double> kReals{-3e38, -1e20, -1000,  -89,    -88.6, -10,  -1,   -0.6,
                                 -0.3,  -1e-4, -1e-10, -1e-42, 1e-38, 1e-3, 0.49, 0.51,
                                 0.99,  2,     20,     88.6,   89.4,  710,  1e10, 3e38};
const std::vector<double> kUnit{-1,   -0.9999999, -0.99, -0.6, -0.5, -1e-3, -1e-10, -1e-42, 1e-38,
                                1e-5, 0.2,        0.49,  0.51, 0.75, 0.999, 1,      1.5,    -2};

template <class Op, class F>
std::vector<OpSample> function_on(const Op& op, double low, double high,
                                  const std::vector<double>& wide, F f) {
  auto list = function(op, low, high, f);
  list.push_back(accurate("wide", op, wide, f));
  return list;
}

}  // namespace

std::vector<OpSample> samples_Sin() {
  return function_on(op::Sin{}, -4, 4, kAngles, [](double x) { return std::sin(x); });
}
std::vector<OpSample> samples_Cos() {
  return function_on(op::Cos{}, -4, 4, kAngles, [](double x) { return std::cos(x); });
}
std::vector<OpSample> samples_Tan() {
  return function_on(op::Tan{}, -1.2, 1.2, kAngles, [](double x) { return std::tan(x); });
}
std::vector<OpSample> samples_Asin() {
  return function_on(op::Asin{}, -0.8, 0.8, kUnit, [](double x) { return std::asin(x); });
}
std::vector<OpSample> samples_Acos() {
  return function_on(op::Acos{}, -0.8, 0.8, kUnit, [](double x) { return std::acos(x); });
}
std::vector<OpSample> samples_Atan() {
  return function_on(op::Atan{}, -3, 3, kReals, [](double x) { return std::atan(x); });
}
std::vector<OpSample> samples_Sinh() {
  return function_on(op::Sinh{}, -2, 2, kReals, [](double x) { return std::sinh(x); });
}
std::vector<OpSample> samples_Cosh() {
  return function_on(op::Cosh{}, -2, 2, kReals, [](double x) { return std::cosh(x); });
}
std::vector<OpSample> samples_Asinh() {
  return function_on(op::Asinh{}, -3, 3, kReals, [](double x) { return std::asinh(x); });
}
std::vector<OpSample> samples_Acosh() {
  return function_on(op::Acosh{}, 1.5, 4, kReals, [](double x) { return std::acosh(x); });
}
std::vector<OpSample> samples_Atanh() {
  return function_on(op::Atanh{}, -0.8, 0.8, kUnit, [](double x) { return std::atanh(x); });
}

}  // namespace catena::test
