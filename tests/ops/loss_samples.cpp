#include <cmath>

#include "op_suite.hpp"

namespace catena::test {

using List = std::vector<Array>;

std::vector<OpSample> samples_CrossEntropy() {
  return {sample("indices", op::CrossEntropy{}, {uniform({4, 5}), integers({4}, 0, 5)},
                 [](const List& in) {
                   Array loss((Shape())), lse(Shape{4});
                   for (std::int64_t i = 0; i < 4; ++i) {
                     double sum = 0;
                     for (std::int64_t j = 0; j < 5; ++j) sum += std::exp(in[0].at({i, j}));
                     lse[i] = std::log(sum);
                     loss[0] += (lse[i] - in[0].at({i, static_cast<std::int64_t>(in[1][i])})) / 4;
                   }
                   return List{loss, lse};
                 })};
}

std::vector<OpSample> samples_MseLoss() {
  return {sample("mean", op::MseLoss{}, {uniform({3, 4}), uniform({3, 4})}, [](const List& in) {
    Array loss((Shape()));
    for (std::size_t i = 0; i < 12; ++i)
      loss[0] += std::pow(in[0].values[i] - in[1].values[i], 2) / 12;
    return loss;
  })};
}

std::vector<OpSample> samples_BceWithLogits() {
  return {sample("mean", op::BceWithLogits{}, {uniform({3, 4}), uniform({3, 4}, 0, 1)},
                 [](const List& in) {
                   Array loss((Shape()));
                   for (std::size_t i = 0; i < 12; ++i) {
                     const double x = in[0].values[i], t = in[1].values[i];
                     loss[0] += (std::log1p(std::exp(x)) - x * t) / 12;
                   }
                   return loss;
                 })};
}

}  // namespace catena::test
