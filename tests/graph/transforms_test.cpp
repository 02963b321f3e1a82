// Jacobians, Hessians and products with them, against closed forms.
#include "catena/graph/transforms.hpp"

#include <cmath>

#include "catena/graph/gradcheck.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;
using Tensors = std::vector<Tensor>;

Tensor vec(const NestedValues& values) { return tensor(values, kFloat64); }

// (x0 x1, x0^2 + y, 3): depends on both, on x's second element only in part, and on nothing.
Tensors several(std::span<const Tensor> in) {
  const Tensor &x = in[0], &y = in[1];
  return {x[0] * x[1], x[0] * x[0] + y, full({2}, 3, kFloat64)};
}

TEST(Jvp, OfSeveralInputsAndOutputs) {
  const Tensors at = {vec({2, 5}), vec({{1}, {7}})}, along = {vec({1, 10}), vec({{-1}, {3}})};
  const JvpResult r = jvp(several, at, along);
  ASSERT_EQ(r.tangents.size(), 3u);
  EXPECT_EQ(r.outputs[1].to_vector(), (Vec{5, 11}));
  EXPECT_EQ(r.tangents[0].to_vector(), (Vec{1 * 5 + 2 * 10}));
  EXPECT_EQ(r.tangents[1].to_vector(), (Vec{2 * 2 * 1 - 1, 2 * 2 * 1 + 3}));
  EXPECT_EQ(r.tangents[2].to_vector(), (Vec{0, 0}));
  EXPECT_EQ(r.tangents[1].shape(), (Shape{2, 1}));
}

TEST(Jvp, IsTheTransposeOfVjp) {
  manual_seed(3);
  const Tensors x = {random_normal({4, 3}, 0, 1, kFloat64)};
  const Tensors v = {random_normal({4, 3}, 0, 1, kFloat64)};
  const Tensors u = {random_normal({4, 5}, 0, 1, kFloat64)};
  const Tensor w = random_normal({3, 5}, 0, 1, kFloat64);
  const Function fn = [&](std::span<const Tensor> in) {
    return Tensors{softmax(tanh(matmul(in[0], w)) / (1 + exp(in[0]).sum({1}, true)), -1)};
  };
  const double forward = (jvp(fn, x, v).tangents[0] * u[0]).sum().item();
  const double reverse = (vjp(fn, x, u).gradients[0] * v[0]).sum().item();
  EXPECT_NEAR(forward, reverse, 1e-12);
}

TEST(Jacobian, HasOutputThenInputSizes) {
  const auto j = jacobian(several, Tensors{vec({2, 5}), vec({{1}, {7}})});
  ASSERT_EQ(j.size(), 3u);
  EXPECT_EQ(j[0][0].shape(), (Shape{2}));
  EXPECT_EQ(j[0][0].to_vector(), (Vec{5, 2}));
  EXPECT_EQ(j[0][1].to_vector(), (Vec{0, 0}));
  EXPECT_EQ(j[1][0].shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(j[1][0].to_vector(), (Vec{4, 0, 4, 0}));
  EXPECT_EQ(j[1][1].shape(), (Shape{2, 1, 2, 1}));
  EXPECT_EQ(j[1][1].to_vector(), (Vec{1, 0, 0, 1}));
  EXPECT_EQ(j[2][0].to_vector(), (Vec{0, 0, 0, 0}));
}

TEST(Jacobian, OfALinearMapIsItsMatrix) {
  const Tensor a = vec({{1, 2, 3}, {4, 5, 6}});
  const Tensor j = jacobian([&](const Tensor& x) { return matmul(a, x); }, vec({7, 8, 9}));
  EXPECT_TRUE(same_bits(j, a));
  EXPECT_FALSE(j.requires_grad());
}

TEST(Jacobian, HasTheDtypeOfItsInput) {
  const Tensor x = tensor({1, 2});
  for (const bool create_graph : {false, true})
    EXPECT_EQ(jacobian([](const Tensor& t) { return t.to(kFloat64) * 2; }, x,
                       {.create_graph = create_graph})
                  .dtype(),
              kFloat32);
}

TEST(Jacobian, OfNoElements) {
  const Tensor j = jacobian([](const Tensor& x) { return x * 2; }, zeros({0, 3}, kFloat64));
  EXPECT_EQ(j.shape(), (Shape{0, 3, 0, 3}));
}

TEST(Jacobian, CanBeDifferentiated) {
  Tensor x = vec({0.3, -0.8});
  x.set_requires_grad();
  const Tensor j = jacobian([](const Tensor& t) { return t * t * t; }, x, {.create_graph = true});
  j.sum().backward();  // sum of 3 x^2
  EXPECT_TRUE(close(x.grad(), {6 * 0.3, -6 * 0.8}));
}

TEST(Hessian, OfAQuadraticFormIsItsMatrix) {
  const Tensor a = vec({{2, 1}, {1, 5}});
  const Tensor h =
      hessian([&](const Tensor& x) { return (x * matmul(a, x)).sum() * 0.5; }, vec({3, -4}));
  EXPECT_TRUE(same_bits(h, a));
}

TEST(Hessian, OfSeveralInputsHasBlocks) {
  const Function fn = [](std::span<const Tensor> in) {
    return Tensors{(in[0] * in[0] * in[1]).sum()};
  };
  const auto h = hessian(fn, Tensors{vec({2}), vec({5})});
  EXPECT_EQ(h[0][0].item(), 10);
  EXPECT_EQ(h[0][1].item(), 4);
  EXPECT_EQ(h[1][0].item(), 4);
  EXPECT_EQ(h[1][1].item(), 0);
}

TEST(Hessian, OfALinearFunctionIsZero) {
  const Tensor h = hessian([](const Tensor& x) { return x.sum(); }, vec({1, 2}));
  EXPECT_EQ(h.to_vector(), (Vec{0, 0, 0, 0}));
}

TEST(Hvp, EqualsTheHessianTimesTheVector) {
  manual_seed(4);
  const Tensor x = random_normal({6}, 0, 1, kFloat64), v = random_normal({6}, 0, 1, kFloat64);
  const auto fn = [](const Tensor& t) { return (sigmoid(t) * t * t.sum()).sum(); };
  const Function of_list = [&](std::span<const Tensor> in) { return Tensors{fn(in[0])}; };
  const HvpResult r = hvp(of_list, Tensors{x}, Tensors{v});
  EXPECT_TRUE(close(r.products[0], matmul(hessian(fn, x), v).to_vector(), 1e-12, 1e-12));
  EXPECT_EQ(r.output.item(), fn(x).item());
}

// A network whose weights are used as they are, transposed, and twice.
Tensor network(std::span<const Tensor> w, const Tensor& x) {
  const Tensor first = tanh(linear(x, w[0], w[1]));
  const Tensor second = tanh(matmul(first, w[2]) + linear(first, w[2]));
  return (linear(second, w[0].transpose(0, 1)) * x).sum() + (w[2] * w[2]).sum();
}

struct NetworkCase {
  Tensors weights, directions;
  Tensor x;
};
NetworkCase network_case() {
  manual_seed(5);
  NetworkCase c;
  for (const Shape& shape : {Shape{4, 3}, Shape{4}, Shape{4, 4}}) {
    c.weights.push_back(random_normal(shape, 0, 1, kFloat64));
    c.directions.push_back(random_normal(shape, 0, 1, kFloat64));
  }
  c.x = random_normal({5, 3}, 0, 1, kFloat64);
  return c;
}

TEST(Hvp, OfProductsEqualsTheGradientOfTheGradient) {
  const NetworkCase c = network_case();
  Tensors weights;
  for (const Tensor& w : c.weights) weights.push_back(w.clone().set_requires_grad());
  const Tensors gradients = grad(network(weights, c.x), weights, {.create_graph = true});
  const Tensors expected = grad(gradients, weights, {}, c.directions);
  const HvpResult found = hvp([&](std::span<const Tensor> w) { return Tensors{network(w, c.x)}; },
                              c.weights, c.directions);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(close(found.products[i], expected[i].to_vector(), 1e-12, 1e-12)) << i;
}

TEST(Jvp, OfProductsEqualsADifference) {
  const NetworkCase c = network_case();
  const JvpResult found = jvp([&](std::span<const Tensor> w) { return Tensors{network(w, c.x)}; },
                              c.weights, c.directions);
  const auto at = [&](double step) {
    Tensors moved;
    for (std::size_t i = 0; i < c.weights.size(); ++i)
      moved.push_back(c.weights[i] + c.directions[i] * step);
    return network(moved, c.x).item<double>();
  };
  EXPECT_NEAR(found.tangents[0].item<double>(), (at(1e-5) - at(-1e-5)) / 2e-5, 1e-6);
}

// Of y = x W^T: y itself, x V^T, and the gradient of the weight; not the weight's first gradient.
TEST(Hvp, ComputesNoGradientThatNobodyReads) {
  const Tensor x = randn({2, 3});
  const Function fn = [&](std::span<const Tensor> w) {
    return Tensors{exp(linear(x, w[0])).sum()};
  };
  const Tensors weight{randn({4, 3})}, direction{randn({4, 3})};
  Profiler profiler;
  hvp(fn, weight, direction);
  profiler.stop();
  int products = 0;
  for (const ProfileEvent& event : profiler.events())
    products += event.name == "matmul" || event.name == "linear";
  EXPECT_EQ(products, 3);
}

TEST(Transforms, LeaveInputsAndTheTapeAlone) {
  Tensor x = vec({1, 2});
  x.set_requires_grad();
  const Tensor y = x * x;
  hessian([](const Tensor& t) { return (t * t * t).sum(); }, x);
  jacobian([](const Tensor& t) { return t * t; }, x);
  EXPECT_FALSE(x.grad().defined());
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{2, 4}));
}

TEST(Transforms, Errors) {
  const Function fn = [](std::span<const Tensor> in) { return Tensors{in[0] * 2}; };
  expect_error<ArgumentError>(
      [&] {
        jvp(fn, Tensors{vec({1, 2})}, Tensors{vec({1})});
      },
      {"[jvp] tangent 0 is float64 [1]; expected float64 [2]", "transforms_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        jvp(fn, Tensors{vec({1, 2})}, Tensors{});
      },
      {"[jvp] 0 tangents for 1 inputs"});
  expect_error<ArgumentError>(
      [&] {
        hessian([](const Tensor& x) { return x * x; }, vec({1, 2}));
      },
      {"[hessian] the function returned a tensor of shape [2]; expected one tensor of one "
       "element"});
  expect_error<ArgumentError>(
      [&] {
        jacobian(fn, Tensors{tensor({1, 2}, kInt64)});
      },
      {"[jacobian] input 0 is int64; expected a floating tensor"});
  expect_error<ArgumentError>(
      [&] {
        jacobian(fn, Tensors{zeros({1, 1, 1, 1, 1}, kFloat64)});
      },
      {"give 10 dimensions; expected at most 8"});
}

TEST(InferenceMode, RecordsNothingAndStaysSo) {
  const Tensor x = tensor({1, 2}, {kFloat32, kCpu, true});
  {
    InferenceMode on;
    EXPECT_FALSE((x * 2).requires_grad());
    expect_error<ArgumentError>([] { EnableGrad inside; }, {"[enable_grad]", "inference mode"});
    EXPECT_FALSE(grad_enabled());
  }
  EXPECT_TRUE((x * 2).requires_grad());
}

}  // namespace
}  // namespace catena::test
