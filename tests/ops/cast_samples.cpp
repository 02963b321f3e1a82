#include <cmath>

#include "op_suite.hpp"

namespace catena::test {

std::vector<OpSample> samples_Cast() {
  auto same = [](double x) { return x; };
  auto truncated = [](double x) { return std::trunc(x); };
  return {sample("to_float64", op::Cast{kFloat64}, {uniform({3, 4})}, same),
          sample("to_int32", op::Cast{kInt32}, {uniform({3, 4})}, truncated)};
}

std::vector<OpSample> samples_Clone() {
  return {sample("basic", op::Clone{}, {uniform({3, 4})}, [](double x) { return x; }).exact()};
}

}  // namespace catena::test
