#include <algorithm>
#include <cmath>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

template <class F>
auto per_row(F f) {
  return [f](const List& in) {
    Array out = in[0];
    const std::int64_t n = out.shape[0], m = out.shape[1];
    for (std::int64_t i = 0; i < n; ++i) {
      double top = -INFINITY, sum = 0;
      for (std::int64_t j = 0; j < m; ++j) top = std::max(top, in[0][i * m + j]);
      for (std::int64_t j = 0; j < m; ++j) sum += std::exp(in[0][i * m + j] - top);
      for (std::int64_t j = 0; j < m; ++j) out[i * m + j] = f(in[0][i * m + j] - top, sum);
    }
    return out;
  };
}

}  // namespace

std::vector<OpSample> samples_Softmax() {
  return {sample("rows", op::Softmax{.dim = 1}, {uniform({3, 5})},
                 per_row([](double x, double sum) { return std::exp(x) / sum; }))};
}

std::vector<OpSample> samples_LogSoftmax() {
  return {sample("rows", op::LogSoftmax{.dim = 1}, {uniform({3, 5})},
                 per_row([](double x, double sum) { return x - std::log(sum); }))};
}

}  // namespace catena::test
