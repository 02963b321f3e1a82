// The backward walk: backward, grad, vjp, higher orders, the modes.
#include "catena/graph/autograd.hpp"

#include "catena/graph/gradcheck.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

Tensor leaf(const NestedValues& values, DType dtype = kFloat64) {
  return tensor(values, {dtype, kCpu, true});
}

// --- backward ---

TEST(Backward, ChainRule) {
  Tensor x = leaf({1, 2, 3});
  (x * x * 2).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{4, 8, 12}));
}

TEST(Backward, AccumulatesUntilZeroed) {
  Tensor x = leaf({1, 2});
  x.sum().backward();
  x.sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{2, 2}));
  x.zero_grad();
  EXPECT_FALSE(x.grad().defined());
  x.sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{1, 1}));
}

TEST(Backward, GradKeepsItsObjectWhileAccumulating) {
  Tensor x = leaf({1, 2});
  x.sum().backward();
  const Tensor g = x.grad();
  x.sum().backward();
  EXPECT_TRUE(x.grad().is_same(g)) << "optimizers hold on to it";
  EXPECT_EQ(g.to_vector(), (Vec{2, 2}));
}

TEST(Backward, GivenGradient) {
  Tensor x = leaf({1, 2});
  (x * 3).backward(tensor({10, 100}, kFloat64));
  EXPECT_EQ(x.grad().to_vector(), (Vec{30, 300}));
}

TEST(Backward, SeveralOutputs) {
  Tensor x = leaf({1, 2});
  const Tensor outputs[] = {x.sum(), (x * x).sum()};
  backward(std::span<const Tensor>(outputs), {});
  EXPECT_EQ(x.grad().to_vector(), (Vec{3, 5}));
}

TEST(Backward, BroadcastGradientsAreSummed) {
  Tensor row = leaf({1, 2, 3}), scalar = tensor(2.0, {kFloat64, kCpu, true});
  const Tensor column = tensor({1, 10}, kFloat64).unsqueeze(1);
  (row * column * scalar).sum().backward();
  EXPECT_EQ(row.grad().to_vector(), (Vec{22, 22, 22}));
  EXPECT_EQ(scalar.grad().shape(), Shape());
  EXPECT_EQ(scalar.grad().item(), 66);
}

TEST(Backward, DTypesOfGradientsAreTheInputs) {
  Tensor x = leaf({1, 2}, kFloat32), y = leaf({3, 4}, kFloat64);
  (x * y).sum().backward();
  EXPECT_EQ(x.grad().dtype(), kFloat32);
  EXPECT_EQ(y.grad().dtype(), kFloat64);
  EXPECT_EQ(x.grad().to_vector(), (Vec{3, 4}));
}

TEST(Backward, SameTensorTwice) {
  Tensor x = leaf({3});
  (x * x + x).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{7}));
}

TEST(Backward, DiamondOfManyPaths) {
  Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 40; ++i) y = y + y;  // 2^40 paths, 40 nodes
  y.sum().backward();
  EXPECT_EQ(x.grad().item(), std::pow(2.0, 40));
}

TEST(Backward, OfALeafItself) {
  Tensor x = tensor(5.0, {kFloat64, kCpu, true});
  x.backward();
  EXPECT_EQ(x.grad().item(), 1);
}

// A gradient must not share memory with another tensor's gradient or with the seed.
TEST(Backward, GradientsAreTheirOwn) {
  Tensor x = leaf({1, 2}), y = leaf({3, 4});
  Tensor seed = ones({2}, kFloat64);
  (x + y).backward(seed);
  x.grad().fill_(9);
  EXPECT_EQ(y.grad().to_vector(), (Vec{1, 1}));
  EXPECT_EQ(seed.to_vector(), (Vec{1, 1}));
  Tensor z = leaf({1, 2});
  z.reshape({2, 1}).expand({2, 3}).sum().backward();
  z.grad().fill_(5);
  EXPECT_EQ(z.grad().to_vector(), (Vec{5, 5}));
}

TEST(Backward, SecondTimeIsAnErrorUnlessRetained) {
  Tensor x = leaf({1, 2});
  const Tensor kept = (x * x).sum();
  kept.backward({}, true);
  kept.backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{4, 8}));
  expect_error<ArgumentError>(
      [&] { kept.backward(); },
      {"[backward] the tape behind this tensor was already freed by an earlier backward",
       "pass retain_graph = true", "(called at autograd_test.cpp:"});
  EXPECT_EQ(x.grad().to_vector(), (Vec{4, 8})) << "the failed one changes nothing";
}

TEST(Backward, SharedPartSecondTime) {
  Tensor x = leaf({2});
  const Tensor shared = x * x;
  const Tensor a = shared.sum(), b = (shared * 3).sum();
  a.backward();
  expect_error<ArgumentError>([&] { b.backward(); }, {"already freed", "'mul'"});
}

TEST(Backward, NonScalarWithoutGradientIsAnError) {
  Tensor x = leaf({1, 2});
  expect_error<ArgumentError>([&] { (x * 2).backward(); },
                              {"[backward] the output has shape [2]; expected a single element",
                               "sum() or mean()", "autograd_test.cpp:"});
}

TEST(Backward, OutputWithoutTapeIsAnError) {
  expect_error<ArgumentError>(
      [] { tensor(1.0).backward(); },
      {"[backward] the output", "does not depend on any tensor that requires",
       "set_requires_grad()", "autograd_test.cpp:"});
}

TEST(Backward, WrongGradientIsAnError) {
  Tensor x = leaf({1, 2});
  expect_error<ArgumentError>(
      [&] { (x * 2).backward(ones({3}, kFloat64)); },
      {"[backward] the gradient is float64 [3] but the output is float64 [2]"});
}

// --- grad and vjp ---

TEST(Grad, LeavesGradAlone) {
  Tensor x = leaf({1, 2});
  const Tensor y = x * x;
  const Tensor g = grad(y.sum(), x);
  EXPECT_EQ(g.to_vector(), (Vec{2, 4}));
  EXPECT_FALSE(x.grad().defined());
}

TEST(Grad, OfIntermediateTensors) {
  Tensor x = leaf({1, 2});
  const Tensor y = x * 3, z = (y * y).sum();
  const std::vector<Tensor> both{y, x};
  const std::vector<Tensor> g = grad(z, both);
  EXPECT_EQ(g[0].to_vector(), (Vec{6, 12}));
  EXPECT_EQ(g[1].to_vector(), (Vec{18, 36}));
}

TEST(Grad, OfTheOutputItself) {
  Tensor x = leaf({2});
  const Tensor y = (x * x).sum();
  EXPECT_EQ(grad(y, y).item(), 1);
}

TEST(Grad, UnusedInputs) {
  Tensor x = leaf({1}), y = leaf({1});
  const std::vector<Tensor> both{x, y};
  expect_error<ArgumentError>(
      [&] { grad((x * 2).sum(), both); },
      {"[grad] the outputs do not depend on input 1", "allow_unused", "autograd_test.cpp:"});
  const std::vector<Tensor> g = grad((x * 2).sum(), both, {.allow_unused = true});
  EXPECT_TRUE(g[0].defined());
  EXPECT_FALSE(g[1].defined());
}

TEST(Grad, RunsOnlyWhereTheInputIs) {
  Tensor x = leaf({1, 2}), w = leaf({3, 4});
  bool hooked = false;
  Tensor other = w * 2;
  other.register_hook([&](const Tensor&) {
    hooked = true;
    return Tensor();
  });
  const Tensor loss = (x * 5 + other).sum();
  EXPECT_EQ(grad(loss, x).to_vector(), (Vec{5, 5}));
  EXPECT_FALSE(hooked);
}

TEST(Grad, InputThatDoesNotRequireIsAnError) {
  Tensor x = leaf({1}), c = tensor({1}, kFloat64);
  expect_error<ArgumentError>([&] { grad((x * c).sum(), c); },
                              {"[grad] input 0 does not require a gradient"});
}

TEST(Vjp, GivesOutputsAndGradients) {
  const Tensor x = tensor({1, 2}, kFloat64), v = tensor({1, 10}, kFloat64);
  const VjpResult r =
      vjp([](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] * in[0]}; }, {&x, 1},
          {&v, 1});
  EXPECT_EQ(r.outputs[0].to_vector(), (Vec{1, 4}));
  EXPECT_EQ(r.gradients[0].to_vector(), (Vec{2, 40}));
  EXPECT_FALSE(r.outputs[0].requires_grad());
  EXPECT_FALSE(x.requires_grad());
}

TEST(Grad, AFreedTapeIsAnErrorNotAZero) {
  const Tensor x = leaf({2, 3}), w = leaf({5, 7});
  const Tensor h = x * x;
  h.sum().backward();
  expect_error<ArgumentError>([&] { grad((h * x).sum(), x); },
                              {"already freed by an earlier backward: 'mul'", "detach()"});
  // Up to h itself nothing was freed.
  EXPECT_EQ(grad((h * w).sum(), h).to_vector(), (Vec{5, 7}));
  EXPECT_EQ(grad((h.detach() * w).sum(), w).to_vector(), (Vec{4, 9}));
}

// --- Higher order ---

TEST(CreateGraph, SecondAndThirdDerivative) {
  Tensor x = leaf({2});
  const Tensor y = (x * x * x * x).sum();
  const Tensor d1 = grad(y, x, {.create_graph = true});
  const Tensor d2 = grad(d1.sum(), x, {.create_graph = true});
  const Tensor d3 = grad(d2.sum(), x);
  EXPECT_EQ(d1.item(), 32);
  EXPECT_EQ(d2.item(), 48);
  EXPECT_EQ(d3.item(), 48);
}

TEST(CreateGraph, BackwardLeavesADifferentiableGrad) {
  Tensor x = leaf({3});
  (x * x * x).sum().backward({}, false, true);
  EXPECT_TRUE(x.grad().requires_grad());
  const Tensor g = x.grad();
  x.zero_grad();
  (g * g).sum().backward();  // d/dx (3x^2)^2 = 36 x^3
  EXPECT_EQ(x.grad().item(), 36 * 27);
}

TEST(CreateGraph, GradientPenalty) {
  Tensor w = leaf({0.5, -1.5});
  const Function penalty = [](std::span<const Tensor> in) {
    EnableGrad on;
    Tensor x = tensor({1, 2}, {kFloat64, kCpu, true});
    const Tensor out = tanh(x * in[0]).sum();
    const Tensor g = grad(out, x, {.create_graph = true});
    return std::vector<Tensor>{(g * g).sum()};
  };
  const GradcheckResult r = gradcheck(penalty, {&w, 1});
  EXPECT_TRUE(r.passed) << r.report;
}

// --- Modes ---

TEST(Modes, NoGradAndEnableGrad) {
  Tensor x = leaf({1});
  EXPECT_TRUE(grad_enabled());
  {
    NoGrad off;
    EXPECT_FALSE(grad_enabled());
    EXPECT_FALSE((x * 2).requires_grad());
    {
      EnableGrad on;
      EXPECT_TRUE((x * 2).requires_grad());
    }
    EXPECT_FALSE((x * 2).requires_grad());
  }
  EXPECT_TRUE((x * 2).requires_grad());
}

TEST(Modes, Detach) {
  Tensor x = leaf({3});
  const Tensor y = x * 2, d = y.detach();
  EXPECT_FALSE(d.requires_grad());
  EXPECT_TRUE(d.is_leaf());
  EXPECT_TRUE(d.shares_storage(y));
  (y * d).sum().backward();
  EXPECT_EQ(x.grad().item(), 12);
}

TEST(Modes, ConstantsRecordNothing) {
  const Tensor y = tensor({1, 2}) * 3 + tensor({1, 1});
  EXPECT_FALSE(y.requires_grad());
  EXPECT_TRUE(y.is_leaf());
}

}  // namespace
}  // namespace catena::test
