// What samples of single calls do not show of the losses.
#include <cmath>
#include <limits>

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
  EXPECT_TRUE(close(x.grad(), {-p, p, 0, third, third, -2 * third}, 1e-6, 1e-6));
}

TEST(Loss, CrossEntropyOfLargeLogitsHasExactGradients) {
  for (double far : {1e4, 1e6, 1e8}) {
    Tensor x = full({1, 2}, far).set_requires_grad(), w = ones({2}).set_requires_grad();
    Tensor p = tensor({{1.0, 0.0}}).set_requires_grad();
    const Tensor target = zeros({1}, kInt64);
    EXPECT_TRUE(close(grad(cross_entropy(x, target), x), {-0.5, 0.5}));
    const Tensor inputs[] = {x, p, w};
    const std::vector<Tensor> g = grad(cross_entropy(x, p, {.weight = w}), inputs);
    EXPECT_TRUE(close(g[0], {-0.5, 0.5}));
    EXPECT_TRUE(close(g[1], {std::log(2.0), std::log(2.0)}));
    EXPECT_TRUE(close(g[2], {std::log(2.0), 0}));
    // The mean over indices divides by the weight: it has no slope.
    EXPECT_TRUE(
        close(grad(cross_entropy(x, target, {.reduction = Reduction::kSum, .weight = w}), w),
              {std::log(2.0), 0}));
  }
}

// As in PyTorch: NaN in the rows that count, 0 in the others, in any order of differentiation.
TEST(Loss, MeanOverWeightsThatAreZero) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor x = tensor({{1.0, 2.0}, {1.0, 2.0}}).set_requires_grad();
  const Tensor target = tensor({-100, 0}, kInt64), weight = tensor({0.0, 1.0});
  const auto expect = [&](const Tensor& loss, const std::vector<double>& gradient) {
    EXPECT_FALSE(std::isfinite(loss.item()));
    const std::span<const Tensor> inputs(&x, 1);
    for (bool recorded : {true, false})
      EXPECT_TRUE(same_bits(abs(grad(loss, inputs, {.create_graph = recorded})[0]),
                            tensor(gradient, {2, 2}, kFloat32)));
  };
  for (double smoothing : {0.0, 0.1})
    expect(cross_entropy(x, target, {.weight = weight, .label_smoothing = smoothing}),
           {0, 0, nan, nan});
  expect(nll_loss(x, target, {.weight = weight}), {0, 0, nan, 0});
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

// The numbers of the tests below are PyTorch's.
struct FourRows {
  Tensor x = tensor({{0.5, -1, 2}, {1, 1, -3}, {0, 0.25, -0.5}, {2, -2, 1}}).set_requires_grad();
  Tensor target = tensor({2, 0, 1, 1}, kInt64);
  Tensor probabilities = tensor({{0.2, 0.3, 0.5}, {0, 1, 0}, {0.1, 0.8, 0.1}, {1, 0, 0}});
  Tensor weight = tensor({0.5, 2, 1.25});
  void expect(const Tensor& loss, double value, const std::vector<double>& gradient) {
    EXPECT_NEAR(loss.item(), value, 2e-6);
    EXPECT_TRUE(close(grad(loss, x), gradient));
  }
};

TEST(Loss, CrossEntropyWithWeights) {
  FourRows r;
  r.expect(cross_entropy(r.x, r.target, {.weight = r.weight}), 1.9006599,
           {0.0381066, 0.0085027, -0.0466093, -0.0438728, 0.0430837, 0.0007891, 0.1203319,
            -0.1933169, 0.072985, 0.2509214, -0.3432303, 0.0923088});
}

TEST(Loss, CrossEntropyWithLabelSmoothing) {
  FourRows r;
  r.expect(cross_entropy(r.x, r.target, {.label_smoothing = 0.2}), 1.5620632,
           {0.0271559, -0.0068885, -0.0202674, -0.092801, 0.107199, -0.014398, 0.0698219,
            -0.1056132, 0.0357913, 0.1636831, -0.2133635, 0.0496803});
  r.expect(cross_entropy(r.x, r.probabilities, {.weight = r.weight, .label_smoothing = 0.2}),
           1.5746309,
           {0.0290743, -0.140524, 0.1114497, 0.2208181, -0.2041818, -0.0166363, 0.1261026,
            -0.167874, 0.0417715, 0.008894, -0.0311862, 0.0222922});
}

TEST(Loss, CrossEntropyWithIgnoredRows) {
  FourRows r;
  r.expect(
      cross_entropy(r.x, r.target, {.weight = r.weight, .ignore_index = 1, .label_smoothing = 0.2}),
      0.8808249,
      {0.1061598, -0.0482529, -0.0579069, -0.0635901, 0.1078385, -0.0442484, 0, 0, 0, 0, 0, 0});
  r.expect(nll_loss(r.x, r.target, {.weight = r.weight, .ignore_index = 0}), 0.1904762,
           {0, 0, -0.2380952, 0, 0, 0, 0, -0.3809524, 0, 0, -0.3809524, 0});
  const Tensor none = cross_entropy(r.x, full({4}, -100, kInt64));
  EXPECT_TRUE(std::isnan(none.item()));
  EXPECT_TRUE(close(grad(none, r.x), std::vector<double>(12, 0), 0, 0));
}

// Two samples of two classes at three positions; the numbers are PyTorch's.
TEST(Loss, CrossEntropyOfPositions) {
  Tensor x =
      tensor({{{0.5, -1, 2}, {1, 1, -3}}, {{0, 0.25, -0.5}, {2, -2, 1}}}).set_requires_grad();
  const Tensor target = tensor({{0, 1, 1}, {1, 0, 1}}, kInt64), weight = tensor({0.5, 2});
  const Tensor mean = cross_entropy(x, target, {.weight = weight});
  EXPECT_NEAR(mean.item(), 1.2734567, 2e-6);
  EXPECT_TRUE(
      close(grad(mean, x), {-0.0345811, 0.0264895, 0.2207349, 0.0345811, -0.0264895, -0.2207349,
                            0.0264895, -0.0052972, 0.0405390, -0.0264895, 0.0052972, -0.0405390}));
  const Tensor each = cross_entropy(x, target, {.reduction = Reduction::kNone, .weight = weight});
  EXPECT_EQ(each.shape(), (Shape{2, 3}));
  EXPECT_TRUE(close(each, {0.4870385, 0.2538561, 10.0134306, 0.2538561, 0.0501033, 0.4028267}));
  EXPECT_TRUE(
      close(nll_loss(log_softmax(x, 1), target, {.reduction = Reduction::kNone, .weight = weight}),
            each.to_vector()));
  const Tensor p = tensor({{{0.2, 0.3, 1}, {0.8, 0.7, 0}}, {{0.5, 0, 0.1}, {0.5, 1, 0.9}}});
  EXPECT_NEAR(cross_entropy(x, p, {.weight = weight}).item(), 1.1937859, 2e-6);
  expect_error<ArgumentError>(
      [&] {
        cross_entropy(x, tensor({0, 1, 1, 1, 0, 1}, kInt64));
      },
      {"[cross_entropy] scores have shape [2, 2, 3]", "target has [6]", "class indices [2, 3]",
       "loss_test.cpp"});
}

TEST(Loss, NllOfLogSoftmaxIsCrossEntropy) {
  FourRows r;
  for (Reduction how : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
    EXPECT_TRUE(
        close(nll_loss(log_softmax(r.x, 1), r.target, {.reduction = how, .weight = r.weight}),
              cross_entropy(r.x, r.target, {.reduction = how, .weight = r.weight}).to_vector()));
}

TEST(Loss, BinaryCrossEntropyAtTheEnds) {
  Tensor p = tensor({0, 0, 1, 1, 0.3}).set_requires_grad();
  const Tensor loss = bce_loss(p, tensor({0, 1, 0, 1, 0.6}), Reduction::kSum);
  EXPECT_NEAR(loss.item(), 200.86505, 1e-4);
  EXPECT_TRUE(close(grad(loss, p), {0, -1e12, 1e12, 0, -1.4285715}));
}

TEST(Loss, BinaryCrossEntropyWithWeights) {
  Tensor x = tensor({0.5, -2, 0}).set_requires_grad();
  const Tensor loss = bce_with_logits(x, tensor({1, 0.25, 0}), Reduction::kMean,
                                      tensor({2, 1, 0.5}), tensor({3, 0.5, 1}));
  EXPECT_NEAR(loss.item(), 1.1840326, 1e-6);
  EXPECT_TRUE(close(grad(loss, x), {-0.7550814, -0.0068991, 0.0833333}));
}

TEST(Loss, BinaryCrossEntropyKeepsSmallLosses) {
  const Tensor x = tensor({17.0, 25.0, -17.0}), t = tensor({1.0, 1.0, 0.0});
  EXPECT_TRUE(close(bce_with_logits(x, t, Reduction::kNone),
                    {4.139937633089747e-8, 1.388794386486e-11, 4.139937633089747e-8}, 1e-6, 0));
  EXPECT_TRUE(close(bce_with_logits(x, t, Reduction::kNone, {}, tensor({3.0, 0.1, 3.0})),
                    {1.241981289926924e-7, 1.388794386486e-12, 4.139937633089747e-8}, 1e-6, 0));
}

TEST(Loss, LogTargetsOfProbabilityZeroAddNothing) {
  const double inf = std::numeric_limits<double>::infinity();
  Tensor x = tensor({-1.0, -2.0, -inf}).set_requires_grad();
  Tensor t = tensor({-inf, 0.0, -inf}).set_requires_grad();
  const Tensor loss = kl_div(x, t, Reduction::kNone, true);
  EXPECT_TRUE(close(loss, {0, 2, 0}, 0, 0));
  EXPECT_TRUE(close(grad(sum(loss), x), {0, -1, 0}, 0, 0));
}

TEST(Loss, QuadraticLossesHaveTheirCurvatureWhereBothAreEqual) {
  Tensor d = tensor({0.0, 0.25, -0.25, 2.0}).set_requires_grad();
  const auto curvature = [&](const Tensor& loss) {
    const std::span<const Tensor> inputs(&d, 1);
    return grad(sum(grad(sum(loss), inputs, {.create_graph = true})[0]), d);
  };
  const Tensor zero = zeros({4});
  EXPECT_TRUE(close(curvature(huber_loss(d, zero, Reduction::kNone)), {1, 1, 1, 0}));
  EXPECT_TRUE(close(curvature(smooth_l1_loss(d, zero, Reduction::kNone, 0.5)), {2, 2, 2, 0}));
}

TEST(Loss, HuberOfInfinityHasAGradient) {
  const double inf = std::numeric_limits<double>::infinity();
  Tensor d = tensor({0, 1, -1, 3, inf}).set_requires_grad();
  const Tensor loss = huber_loss(d, zeros({5}), Reduction::kNone);
  EXPECT_TRUE(close(loss, {0, 0.5, 0.5, 2.5, inf}));
  EXPECT_TRUE(close(grad(sum(loss), d), {0, 1, -1, 1, 1}));
}

TEST(Loss, EqualValuesHaveNoAbsoluteErrorAndNoGradient) {
  Tensor x = ones({3}).set_requires_grad();
  mae_loss(x, ones({3})).backward();
  EXPECT_TRUE(close(x.grad(), {0, 0, 0}, 0, 0));
}

TEST(Loss, CosinesOfAZeroVector) {
  Tensor a = tensor({{1, 2}, {0, 0}, {3, -1}}).set_requires_grad();
  const Tensor b = tensor({{2, 0.5}, {1, 1}, {-3, 2}});
  const Tensor cosine = cosine_similarity(a, b);
  EXPECT_TRUE(close(cosine, {0.6507914, 0, -0.9647638}));
  EXPECT_TRUE(close(grad(sum(cosine), a),
                    {0.3037027, -0.1518513, 70710680, 70710680, 0.0263118, 0.0789352}));
  const Tensor loss =
      cosine_embedding_loss(a, b, tensor({1, -1, 1}, kInt64), Reduction::kNone, 0.1);
  EXPECT_TRUE(close(loss, {0.3492087, 0, 1.9647639}));
  EXPECT_TRUE(close(grad(sum(loss), a), {-0.3037027, 0.1518513, 0, 0, -0.0263118, -0.0789352}));
}

}  // namespace
}  // namespace catena::test
