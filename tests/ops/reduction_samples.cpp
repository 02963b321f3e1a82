#include <algorithm>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// Folds the last dimension of a matrix.
template <class F>
auto rows(F f) {
  return [f](const List& in) {
    const std::int64_t n = in[0].shape[0], m = in[0].shape[1];
    Array out(Shape{n});
    for (std::int64_t i = 0; i < n; ++i)
      out[i] =
          f(std::vector<double>(in[0].values.begin() + i * m, in[0].values.begin() + (i + 1) * m));
    return out;
  };
}
double total(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x;
  return s;
}

}  // namespace

std::vector<OpSample> samples_Sum() {
  return {sample("last", op::Sum{.dims = {1}}, {uniform({3, 5})}, rows(total))};
}

std::vector<OpSample> samples_Mean() {
  return {sample("last", op::Mean{.dims = {1}}, {uniform({3, 5})},
                 rows([](const std::vector<double>& v) { return total(v) / double(v.size()); }))};
}

std::vector<OpSample> samples_Max() {
  return {sample(
      "last", op::Max{.dims = {1}}, {values({2, 3}, {1, 3, 2, 6, 4, 5})},
      rows([](const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }))};
}

std::vector<OpSample> samples_Argmax() {
  return {sample("last", op::Argmax{.dim = 1}, {values({2, 3}, {1, 3, 2, 6, 4, 6})},
                 rows([](const std::vector<double>& v) {
                   return double(std::max_element(v.begin(), v.end()) - v.begin());
                 }))};
}

}  // namespace catena::test
