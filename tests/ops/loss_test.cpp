// What samples of single calls do not show of the losses.
#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Loss, ErrorsNameTheLineOfTheCaller) {
  const Tensor logits = ones({5, 10});
  expect_error<ArgumentError>([&] { cross_entropy(logits, zeros({4}, kInt64)); },
                              {"[cross_entropy] target has 4 rows but logits have 5",
                               "target [4], logits [5, 10]", "(called at ", "loss_test.cpp:"});
  expect_error<ArgumentError>(
      [&] { cross_entropy(logits, full({5}, 10, kInt64)); },
      {"target of row 0 is class 10, but logits have 10 classes", "loss_test.cpp:"});
  expect_error<ArgumentError>(
      [&] {
        mse_loss(ones({5, 1}), ones({5}));
      },
      {"[mse_loss] prediction has shape [5, 1] but target has shape [5]", "loss_test.cpp:"});
  expect_error<ArgumentError>(
      [&] { bce_with_logits(ones({5}), ones({4})); },
      {"[bce_with_logits] logits has shape [5] but target has shape [4]", "loss_test.cpp:"});
}

TEST(Loss, ReductionNames) {
  for (Reduction r : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
    EXPECT_EQ(reduction_from_name(name_of(r)), r);
  expect_error<ArgumentError>(
      [] { reduction_from_name("means"); },
      {"unknown reduction \"means\"; expected \"mean\", \"sum\" or \"none\"",
       "did you mean 'mean'"});
}

// relu(x) and -|x| both have a kink at 0; their sum must not.
TEST(Loss, BinaryCrossEntropyHasItsGradientAtZero) {
  Tensor x = zeros({3}).set_requires_grad();
  bce_with_logits(x, tensor({0, 1, 0.25}), Reduction::kSum).backward();
  EXPECT_TRUE(close(x.grad(), {0.5, -0.5, 0.25}));
}

TEST(Loss, CrossEntropyIsStableFarFromZero) {
  Tensor x = tensor({{1e4, 1e4 + 1, -1e30}, {-1e4, -1e4, -1e4}}).set_requires_grad();
  const Tensor losses = cross_entropy(x, tensor({0, 2}, kInt64), Reduction::kNone);
  EXPECT_TRUE(close(losses, {std::log1p(std::exp(1.0)), std::log(3.0)}));
  sum(losses).backward();
  const double p = 1 / (1 + std::exp(-1.0)), third = 1.0 / 3;
  EXPECT_TRUE(close(x.grad(), {-p, p, 0, third, third, -2 * third}, 0, 1e-3));
}

TEST(Loss, IndicesAndOneHotProbabilitiesAgree) {
  const Tensor logits = tensor({{1, 2, 3}, {3, -1, 0.5}});
  const Tensor one_hot = tensor({{0, 0, 1}, {0, 1, 0}});
  for (Reduction r : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
    EXPECT_TRUE(close(cross_entropy(logits, tensor({2, 1}, kInt32), r),
                      cross_entropy(logits, one_hot, r).to_vector()));
}

TEST(Loss, CrossEntropyIsLogSoftmaxPicked) {
  Tensor x = tensor({{0.5, -1, 2}, {1, 1, -3}}).set_requires_grad();
  const Tensor target = tensor({{0.2, 0.3, 0.5}, {0, 1, 0}});
  const Tensor fused = grad(cross_entropy(x, target), x);
  const Tensor composed = grad(mean(sum(-target * log_softmax(x, 1), {1})), x);
  EXPECT_TRUE(close(fused, composed.to_vector()));
}

}  // namespace
}  // namespace catena::test
