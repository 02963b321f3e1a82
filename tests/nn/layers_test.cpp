// Layers and initialisers against plain arithmetic and their stated distributions.
#include <gtest/gtest.h>

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/init.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/slice.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

// y[n, o] = sum_i x[n, i] w[o, i] + b[o].
std::vector<double> linear_by_hand(const Tensor& x, const Tensor& w, const Tensor& b) {
  const std::vector<double> xs = x.to_vector(), ws = w.to_vector();
  const std::vector<double> bs = b.defined() ? b.to_vector() : std::vector<double>();
  const std::size_t in = static_cast<std::size_t>(w.shape()[1]);
  const std::size_t out = static_cast<std::size_t>(w.shape()[0]);
  std::vector<double> ys;
  for (std::size_t n = 0; n < xs.size() / in; ++n)
    for (std::size_t o = 0; o < out; ++o) {
      double y = bs.empty() ? 0 : bs[o];
      for (std::size_t i = 0; i < in; ++i) y += xs[n * in + i] * ws[o * in + i];
      ys.push_back(y);
    }
  return ys;
}

TEST(Linear, ComputesForAnyNumberOfDimensions) {
  nn::Linear layer(5, 3);
  layer.to(kFloat64);
  for (const Shape& shape : {Shape{5}, Shape{1, 5}, Shape{4, 5}, Shape{2, 3, 5}, Shape{0, 5}}) {
    const Tensor x = randn(shape, kFloat64);
    const Tensor y = layer(x);
    Shape expected = shape;
    expected[shape.rank() - 1] = 3;
    EXPECT_EQ(y.shape(), expected);
    EXPECT_TRUE(close(y, linear_by_hand(x, layer.weight(), layer.bias()), 1e-12, 1e-12));
  }
  nn::Linear plain(5, 3, false);
  EXPECT_FALSE(plain.bias().defined());
  EXPECT_EQ(plain.parameters().size(), 1u);
  const Tensor x = randn({2, 5});
  EXPECT_TRUE(close(plain(x), linear_by_hand(x, plain.weight(), Tensor()), 1e-5, 1e-5));
}

TEST(Linear, GradientsAreTheProducts) {
  nn::Linear layer(3, 2);
  layer.to(kFloat64);
  Tensor x = randn({4, 3}, kFloat64);
  x.set_requires_grad();
  const Tensor g = randn({4, 2}, kFloat64);
  layer(x).backward(g);
  const std::vector<double> xs = x.to_vector(), gs = g.to_vector(), ws = layer.weight().to_vector();
  std::vector<double> dw(6), db(2), dx(12);
  for (std::size_t n = 0; n < 4; ++n)
    for (std::size_t o = 0; o < 2; ++o) {
      db[o] += gs[n * 2 + o];
      for (std::size_t i = 0; i < 3; ++i) {
        dw[o * 3 + i] += gs[n * 2 + o] * xs[n * 3 + i];
        dx[n * 3 + i] += gs[n * 2 + o] * ws[o * 3 + i];
      }
    }
  EXPECT_TRUE(close(layer.weight().grad(), dw, 1e-12, 1e-12));
  EXPECT_TRUE(close(layer.bias().grad(), db, 1e-12, 1e-12));
  EXPECT_TRUE(close(x.grad(), dx, 1e-12, 1e-12));
}

// The gradient of a weight reaches it, also through its transpose, in every way a walk can go.
TEST(Linear, TheWeightsGradientIsTheSameHoweverItIsAskedFor) {
  nn::Linear layer(3, 2, false);
  layer.to(kFloat64);
  const Tensor weight = layer.weight();
  std::vector<Tensor> xs;
  for (int i = 0; i < 4; ++i) xs.push_back(randn({1, 3}, kFloat64));
  bool transposes = false;
  const auto loss = [&] {
    Tensor total = tensor(0.0, kFloat64);
    for (const Tensor& x : xs)
      total = total + sum((transposes ? matmul(x, weight.t()) : layer(x)) *
                          (x.slice({Ellipsis, Slice(0, 2)})));
    return total;
  };
  std::vector<double> expected(6);
  for (const Tensor& x : xs) {
    const std::vector<double> v = x.to_vector();
    for (std::size_t o = 0; o < 2; ++o)
      for (std::size_t i = 0; i < 3; ++i) expected[o * 3 + i] += v[o] * v[i];
  }
  for (transposes = false;; transposes = true) {
    layer.zero_grad();
    loss().backward();
    EXPECT_TRUE(close(weight.grad(), expected, 1e-12, 1e-12));
    EXPECT_TRUE(weight.grad().is_contiguous());
    EXPECT_TRUE(close(grad(loss(), weight), expected, 1e-12, 1e-12));
    EXPECT_TRUE(close(grad(loss(), weight, {.create_graph = true}), expected, 1e-12, 1e-12));
    if (transposes) break;
  }

  // Of the transpose itself, and with a hook on it.
  Tensor transposed = weight.t();
  const Tensor x = xs[0], y = sum(matmul(x, transposed));
  const std::vector<Tensor> both = grad(y, std::vector<Tensor>{transposed, weight});
  const std::vector<double> v = x.to_vector();
  EXPECT_TRUE(close(both[0], {v[0], v[0], v[1], v[1], v[2], v[2]}, 1e-12, 1e-12));
  EXPECT_TRUE(close(both[1], {v[0], v[1], v[2], v[0], v[1], v[2]}, 1e-12, 1e-12));
  Tensor hooked = weight.t();
  hooked.register_hook([](const Tensor& g) { return g * 3; });
  EXPECT_TRUE(close(grad(sum(matmul(x, hooked)), weight),
                    {3 * v[0], 3 * v[1], 3 * v[2], 3 * v[0], 3 * v[1], 3 * v[2]}, 1e-12, 1e-12));
}

double largest(const Tensor& t) {
  double m = 0;
  for (const double v : t.to_vector()) m = std::max(m, std::abs(v));
  return m;
}
double mean_of(const Tensor& t) {
  double s = 0;
  for (const double v : t.to_vector()) s += v;
  return s / static_cast<double>(t.numel());
}
double stddev_of(const Tensor& t) {
  const double m = mean_of(t);
  double s = 0;
  for (const double v : t.to_vector()) s += (v - m) * (v - m);
  return std::sqrt(s / static_cast<double>(t.numel()));
}

// A uniform sample of half width `bound`: nothing beyond it, almost all of it used, its moments.
void expect_uniform(const Tensor& t, double bound) {
  EXPECT_LE(largest(t), bound);
  EXPECT_GT(largest(t), 0.99 * bound);
  EXPECT_NEAR(mean_of(t), 0, 0.02 * bound);
  EXPECT_NEAR(stddev_of(t), bound / std::sqrt(3), 0.02 * bound);
}

TEST(Linear, StartsAsPyTorchsDoes) {
  manual_seed(3);
  nn::Linear layer(100, 400);
  expect_uniform(layer.weight(), 0.1);
  EXPECT_LE(largest(layer.bias()), 0.1);
  EXPECT_GT(largest(layer.bias()), 0.09);
  EXPECT_TRUE(layer.weight().requires_grad() && layer.weight().is_leaf());
  manual_seed(3);
  EXPECT_TRUE(same_bits(nn::Linear(100, 400).weight().detach(), layer.weight().detach()));
}

TEST(Linear, RefusesSizesThatAreNotPositive) {
  expect_error<ArgumentError>([] { nn::Linear(0, 3); },
                              {"[linear]", "Linear(0, 3)", "layers_test.cpp"});
}

TEST(Init, HasTheStatedBoundsAndMoments) {
  manual_seed(4);
  const Tensor t = zeros({200, 300});
  expect_uniform(nn::init::xavier_uniform_(t), std::sqrt(6.0 / 500));
  expect_uniform(nn::init::xavier_uniform_(t, 2), 2 * std::sqrt(6.0 / 500));
  expect_uniform(nn::init::kaiming_uniform_(t), std::sqrt(6.0 / 300));
  expect_uniform(nn::init::kaiming_uniform_(t, std::sqrt(5.0)), 1 / std::sqrt(300.0));
  expect_uniform(nn::init::kaiming_uniform_(t, 0, nn::init::Fan::kOut), std::sqrt(6.0 / 200));
  expect_uniform(nn::init::uniform_(t, -3, 3), 3);
  nn::init::normal_(t, 5, 2);
  EXPECT_NEAR(mean_of(t), 5, 0.05);
  EXPECT_NEAR(stddev_of(t), 2, 0.05);
  EXPECT_NEAR(stddev_of(nn::init::kaiming_normal_(t)), std::sqrt(2.0 / 300), 1e-3);
  EXPECT_NEAR(stddev_of(nn::init::kaiming_normal_(t, 0, nn::init::Fan::kOut)), 0.1, 1e-3);
  EXPECT_NEAR(stddev_of(nn::init::xavier_normal_(t)), std::sqrt(2.0 / 500), 1e-3);
  EXPECT_EQ(largest(nn::init::zeros_(t)), 0);
  EXPECT_EQ(mean_of(nn::init::ones_(t)), 1);
  EXPECT_EQ(mean_of(nn::init::constant_(t, 0.5)), 0.5);
  const auto fans = nn::init::fans(zeros({4, 3, 5, 5}));
  EXPECT_EQ(fans.in, 75);
  EXPECT_EQ(fans.out, 100);
  expect_error<ArgumentError>([] { nn::init::xavier_uniform_(zeros({3})); },
                              {"[init]", "two dimensions", "[3]", "layers_test.cpp"});
}

TEST(Init, WritesParametersWithoutRecording) {
  nn::Linear layer(3, 2);
  nn::init::xavier_uniform_(layer.weight());
  EXPECT_TRUE(layer.weight().is_leaf());
  EXPECT_TRUE(layer.weight().requires_grad());
}

TEST(Dropout, ActsInTrainingOnly) {
  manual_seed(5);
  nn::Dropout drop(0.25);
  const Tensor x = ones({100, 100});
  const std::vector<double> y = drop(x).to_vector();
  double zeros = 0;
  for (const double v : y) {
    if (v == 0)
      ++zeros;
    else
      EXPECT_NEAR(v, 1 / 0.75, 1e-6);
  }
  EXPECT_NEAR(zeros / 10000, 0.25, 0.02);
  EXPECT_NE(drop(x).to_vector(), y) << "each call draws a new mask";
  drop.eval();
  EXPECT_TRUE(same_bits(drop(x), x));
  EXPECT_TRUE(same_bits(nn::Dropout(1)(x), catena::zeros({100, 100})));
  expect_error<ArgumentError>([] { nn::Dropout(1.5); }, {"[dropout] p is 1.5", "layers_test.cpp"});
  expect_error<ArgumentError>([] { nn::Dropout(-0.1); }, {"p is -0.1"});
}

TEST(Activations, AreTheFunctionsOfTheirName) {
  const std::vector<double> in = {-2, -0.5, 0, 0.5, 2};
  const Tensor x = tensor(in, {5}, kFloat64);
  std::vector<double> relu, sigmoid, tanh;
  for (const double v : in) {
    relu.push_back(std::max(v, 0.0));
    sigmoid.push_back(1 / (1 + std::exp(-v)));
    tanh.push_back(std::tanh(v));
  }
  EXPECT_TRUE(close(nn::ReLU()(x), relu, 1e-12, 1e-12));
  EXPECT_TRUE(close(nn::Sigmoid()(x), sigmoid, 1e-12, 1e-12));
  EXPECT_TRUE(close(nn::Tanh()(x), tanh, 1e-12, 1e-12));
  EXPECT_NEAR(sum(nn::Softmax()(x)).item(), 1, 1e-12);
  EXPECT_EQ(nn::Flatten()(zeros({2, 3, 4})).shape(), (Shape{2, 12}));
}

TEST(Sequential, RunsItsPartsInOrder) {
  nn::Sequential net(nn::Linear(4, 3), nn::Tanh(), nn::Linear(3, 2));
  EXPECT_EQ(net.size(), 3u);
  const Tensor x = randn({2, 4});
  EXPECT_TRUE(same_bits(net(x).detach(), net[2](net[1](net[0](x))).detach()));
  EXPECT_TRUE(same_bits(net(x).detach(), net.forward(x).detach()));
  EXPECT_EQ(net.named_parameters()[3].first, "2.bias");
  net.push_back(nn::ReLU());
  EXPECT_EQ(net.size(), 4u);
  for (const double v : net(x).to_vector()) EXPECT_GE(v, 0);
  nn::Sequential copy = net;
  copy.push_back(nn::Tanh());
  EXPECT_EQ(net.size(), 5u) << "copies are one module";
  nn::Sequential outer(net, nn::Sigmoid());
  EXPECT_EQ(outer.named_parameters()[0].first, "0.0.weight");
}

}  // namespace
}  // namespace catena::test
