#include <cmath>

#include "ops/pointwise_samples.hpp"

namespace catena::test {
namespace {

template <class Op, class F>
std::vector<OpSample> test_of_numbers(const Op& op, F f) {
  return {sample("basic", op, {uniform({3, 5})}, f), sample("long", op, {uniform({67}, -9, 9)}, f),
          sample("special", op, {special()}, f).only(kFloatTypes),
          sample("wide", op, {values({4}, {3e38, -3e38, 1e-42, -1e-42})}, f).only(kFloatTypes)};
}

template <class Op, class F>
std::vector<OpSample> logic(const Op& op, F f) {
  return {sample("basic", op, {booleans({3, 5}), booleans({3, 5})}, f),
          sample("long", op, {booleans({67}), booleans({67})}, f),
          sample("all_pairs", op,
                 {values({4}, {0, 0, 1, 1}).as(kBool), values({4}, {0, 1, 0, 1}).as(kBool)}, f),
          shapes_that_do_not_fit(op),
          fails("floats", op, {uniform({3}), uniform({3})},
                "no kernel for float32 on cpu; expected one of bool")};
}

}  // namespace

std::vector<OpSample> samples_Isnan() {
  return test_of_numbers(op::Isnan{}, [](double x) { return double(std::isnan(x)); });
}
std::vector<OpSample> samples_Isinf() {
  return test_of_numbers(op::Isinf{}, [](double x) { return double(std::isinf(x)); });
}
std::vector<OpSample> samples_Isfinite() {
  return test_of_numbers(op::Isfinite{}, [](double x) { return double(std::isfinite(x)); });
}

std::vector<OpSample> samples_LogicalAnd() {
  return logic(op::LogicalAnd{}, [](double a, double b) { return double(a != 0 && b != 0); });
}
std::vector<OpSample> samples_LogicalOr() {
  return logic(op::LogicalOr{}, [](double a, double b) { return double(a != 0 || b != 0); });
}
std::vector<OpSample> samples_LogicalNot() {
  auto f = [](double x) { return double(x == 0); };
  return {sample("basic", op::LogicalNot{}, {booleans({3, 5})}, f),
          sample("long", op::LogicalNot{}, {booleans({67})}, f),
          fails("floats", op::LogicalNot{}, {uniform({3})}, "expected one of bool")};
}

}  // namespace catena::test
