// Clipping of gradients; the numbers are PyTorch's.
#include "catena/train/clip_grad.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support.hpp"

namespace catena::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor with_gradient(const std::vector<double>& g, DType dtype = kFloat64) {
  const auto n = static_cast<std::int64_t>(g.size());
  Tensor p = zeros({n}, dtype);
  p.set_requires_grad();
  p.set_grad(tensor(g, {n}, TensorOptions(dtype)));
  return p;
}

TEST(ClipGrad, ByNorm) {
  // torch.nn.utils.clip_grad_norm_ of (3, -4), (0, 12), with max_norm 2.
  struct Case {
    double p, total;
    std::vector<double> first, second;
  };
  const std::vector<Case> cases = {
      {2, 13.0, {0.46153842603550577, -0.615384568047341}, {0.0, 1.846153704142023}},
      {1, 19.0, {0.31578945706371275, -0.4210526094182837}, {0.0, 1.263157828254851}},
      {3, 12.207054953820634, {0.4915190052948095, -0.6553586737264127}, {0.0, 1.966076021179238}},
      {kInf, 12.0, {0.4999999583333369, -0.6666666111111158}, {0.0, 1.9999998333333475}},
      {0, 2.0, {2.99999850000075, -3.999998000001}, {0.0, 11.999994000003}},
      {0.5,
       51.78460969082653,
       {0.11586453813126532, -0.1544860508416871},
       {0.0, 0.4634581525250613}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.p);
    const Tensor a = with_gradient({3, -4}), b = with_gradient({0, 12});
    const Tensor none = zeros({4});
    EXPECT_NEAR(optim::grad_norm({a, b, none}, c.p), c.total, 1e-12 * c.total);
    EXPECT_NEAR(optim::clip_grad_norm_({a, none, b}, 2, c.p), c.total, 1e-12 * c.total);
    EXPECT_TRUE(close(a.grad(), c.first, 1e-12, 1e-13));
    EXPECT_TRUE(close(b.grad(), c.second, 1e-12, 1e-13));
  }
  EXPECT_EQ(optim::grad_norm({with_gradient({3, -4}), with_gradient({0, 12})}, -kInf), 0);
}

TEST(ClipGrad, LeavesSmallGradientsAlone) {
  const Tensor a = with_gradient({0.3, 0.4}, kFloat32);
  const Tensor before = a.grad().clone();
  EXPECT_NEAR(optim::clip_grad_norm_({a}, 1), 0.5, 1e-7);
  EXPECT_TRUE(same_bits(a.grad(), before));
  EXPECT_EQ(optim::clip_grad_norm_({zeros({2})}, 1), 0);
  EXPECT_EQ(optim::clip_grad_norm_({}, 1), 0);
}

TEST(ClipGrad, HalfPrecisionDoesNotOverflow) {
  const Tensor a = with_gradient({300, 400}, kFloat16);
  EXPECT_EQ(optim::grad_norm({a}), 500);
}

TEST(ClipGrad, NonFiniteNorms) {
  const Tensor a = with_gradient({1, std::nan("")}), b = with_gradient({1, 2});
  expect_error<ArgumentError>(
      [&] {
        optim::clip_grad_norm_({a, b}, 1, 2, true);
      },
      {"[clip_grad_norm_] the norm of order 2 of the gradients is nan", "error_if_nonfinite",
       "clip_grad_test.cpp"});
  EXPECT_TRUE(close(b.grad(), {1, 2})) << "an error must change nothing";
  EXPECT_TRUE(std::isnan(optim::clip_grad_norm_({a, b}, 1)));
  EXPECT_TRUE(std::isnan(b.grad().to_vector()[0]));
  const Tensor c = with_gradient({1, kInf});
  EXPECT_EQ(optim::clip_grad_norm_({c}, 1), kInf);
  EXPECT_EQ(c.grad().to_vector()[0], 0);
  EXPECT_TRUE(std::isnan(c.grad().to_vector()[1]));
}

TEST(ClipGrad, ByValue) {
  const Tensor a = with_gradient({-3, 0.5, 7, std::nan(""), kInf});
  optim::clip_grad_value_({a, zeros({2})}, 2);
  const std::vector<double> g = a.grad().to_vector();
  EXPECT_EQ(g[0], -2);
  EXPECT_EQ(g[1], 0.5);
  EXPECT_EQ(g[2], 2);
  EXPECT_TRUE(std::isnan(g[3]));
  EXPECT_EQ(g[4], 2);
}

TEST(ClipGrad, RefusesWrongArguments) {
  const Tensor a = with_gradient({1});
  expect_error<ArgumentError>([&] { optim::clip_grad_norm_({a}, -1); }, {"max_norm is -1"});
  expect_error<ArgumentError>([&] { optim::clip_grad_norm_({a}, 1, std::nan("")); },
                              {"norm_type is nan"});
  expect_error<ArgumentError>([&] { optim::clip_grad_value_({a}, -1); },
                              {"[clip_grad_value_] clip_value is -1"});
}

}  // namespace
}  // namespace catena::test
