// The tape and the backward walk.
#include "catena/graph/autograd.hpp"

#include <cmath>
#include <limits>

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

// --- Hooks ---

TEST(Hooks, SeeAndReplace) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  Vec seen;
  y.register_hook([&](const Tensor& g) {
    seen = g.to_vector();
    return g * 10;
  });
  (y * 3).sum().backward();
  EXPECT_EQ(seen, (Vec{3, 3}));
  EXPECT_EQ(x.grad().to_vector(), (Vec{60, 60}));
}

TEST(Hooks, OnALeafSeeTheWholeGradient) {
  Tensor x = leaf({2});
  int calls = 0;
  x.register_hook([&](const Tensor& g) {
    ++calls;
    EXPECT_EQ(g.item(), 7);
    return Tensor();
  });
  (x * x + x * 3).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(x.grad().item(), 7);
}

TEST(Hooks, InOrderAndRemoved) {
  Tensor x = leaf({1});
  HookHandle first = x.register_hook([](const Tensor& g) { return g + 1; });
  x.register_hook([](const Tensor& g) { return g * 10; });
  x.sum().backward();
  EXPECT_EQ(x.grad().item(), 20);
  first.remove();
  first.remove();
  x.zero_grad();
  x.sum().backward();
  EXPECT_EQ(x.grad().item(), 10);
}

TEST(Hooks, RetainGrad) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  y.retain_grad();
  (y * y).sum().backward();
  EXPECT_EQ(y.grad().to_vector(), (Vec{4, 8}));
  EXPECT_EQ(x.grad().to_vector(), (Vec{8, 16}));
}

TEST(Hooks, WrongShapeIsAnError) {
  Tensor x = leaf({1, 2});
  x.register_hook([](const Tensor&) { return ones({3}, kFloat64); });
  expect_error<ArgumentError>(
      [&] { x.sum().backward(); },
      {"[hook] the gradient it returned is float64 [3]; expected float64 [2]"});
}

TEST(Hooks, MayThrowAndTheTapeSurvives) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  HookHandle h = y.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("stop"); });
  const Tensor z = (y * y).sum();
  EXPECT_THROW(z.backward({}, true), std::runtime_error);
  h.remove();
  z.backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{8, 16}));
}

TEST(Hooks, MayRunABackwardOfTheirOwn) {
  Tensor x = leaf({3}), w = leaf({5});
  Tensor y = x * 2;
  y.register_hook([&](const Tensor&) {
    EnableGrad on;
    (w * w).sum().backward();
    return Tensor();
  });
  (y * y).sum().backward();
  EXPECT_EQ(x.grad().item(), 24);
  EXPECT_EQ(w.grad().item(), 10);
}

// --- Several outputs ---

TEST(MultiOutput, CrossEntropyKeepsItsSecondOutputOutOfTheTape) {
  Tensor x = tensor({{1, 2}, {3, 4}}, {kFloat64, kCpu, true});
  const Tensor target = tensor({0, 1}, kInt64);
  const std::vector<Tensor> out = call("cross_entropy", {x, target});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_TRUE(out[0].requires_grad());
  EXPECT_FALSE(out[1].requires_grad());
  backward(out[0]);
  const double p = 1 / (1 + std::exp(-1.0));
  EXPECT_TRUE(close(x.grad(), {(1 - p - 1) / 2, p / 2, (1 - p) / 2, (p - 1) / 2}, 1e-12, 1e-12));
}

// --- Views and slices ---

TEST(ViewGradients, SlicesAddUp) {
  Tensor x = leaf({1, 2, 3, 4});
  Tensor sum = zeros({}, kFloat64);
  for (int i = 0; i < 4; ++i) sum = sum + x[i] * (i + 1) + x[i] * x[i];
  sum.backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{3, 6, 9, 12}));
}

TEST(ViewGradients, OverlappingSlicesAndWholeUse) {
  Tensor x = leaf({1, 2, 3, 4});
  auto product = [&] { return (x.slice({Slice(0, 3)}) * x.slice({Slice(1, 4)})).sum(); };
  product().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{2, 1 + 3, 2 + 4, 3}));
  x.zero_grad();
  (product() + (x * 10).sum()).backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{12, 14, 16, 13}));
}

TEST(ViewGradients, TransposeReshapeExpand) {
  Tensor x = tensor({{1, 2, 3}, {4, 5, 6}}, {kFloat64, kCpu, true});
  const Tensor weights = tensor({{1, 2}, {3, 4}, {5, 6}}, kFloat64);
  (x.t() * weights).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{1, 3, 5, 2, 4, 6}));
  x.zero_grad();
  (x.reshape({3, 2}) * weights).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{1, 2, 3, 4, 5, 6}));
  x.zero_grad();
  x.slice({Slice(), Slice(0, 1)}).expand({2, 7}).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{7, 0, 0, 7, 0, 0}));
}

// Thin products of one parameter are gathered; the sum is what single ones give.
TEST(Products, RepeatedUseOfOneWeight) {
  Tensor w = tensor({{1, 2}, {3, 4}}, {kFloat64, kCpu, true});
  const Tensor x = tensor({{1, -1}}, kFloat64);
  Tensor h = x;
  for (int i = 0; i < 5; ++i) h = tanh(matmul(h, w));
  h.sum().backward();
  const Function fn = [&](std::span<const Tensor> in) {
    Tensor y = x;
    for (int i = 0; i < 5; ++i) y = tanh(matmul(y, in[0]));
    return std::vector<Tensor>{y.sum()};
  };
  const GradcheckResult r = gradcheck(fn, {&w, 1});
  EXPECT_TRUE(r.passed) << r.report;
  const Tensor fresh = tensor({{1, 2}, {3, 4}}, {kFloat64, kCpu, true});
  const Tensor composed = grad(fn({&fresh, 1})[0], fresh, {.create_graph = true});
  EXPECT_TRUE(close(w.grad(), composed.to_vector(), 1e-12, 1e-14));
}

// --- In-place writes ---

TEST(InPlaceAndTape, RefusedWhereAGradientWouldBeLost) {
  Tensor x = leaf({1, 2});
  expect_error<ArgumentError>([&] { x.fill_(0); },
                              {"[fill_] an in-place write to a tensor that requires a gradient",
                               "NoGrad", "autograd_test.cpp:"});
  Tensor y = zeros({2}, kFloat64);
  expect_error<ArgumentError>([&] { y.copy_(x); }, {"[copy_] an in-place write from a tensor"});
  expect_error<ArgumentError>([&] { y.add_(x * 2); }, {"[add_] an in-place write from a tensor"});
  Tensor z = x * 2;
  expect_error<ArgumentError>([&] { z.mul_(2); }, {"[mul_] an in-place write to a tensor"});
  NoGrad off;
  x.add_(tensor({1, 1}, kFloat64));
  EXPECT_EQ(x.to_vector(), (Vec{2, 3}));
}

TEST(InPlaceAndTape, OverwrittenSavedValueNamesBothLines) {
  Tensor x = leaf({1, 2});
  Tensor c = tensor({3, 4}, kFloat64);
  const int recorded = __LINE__ + 1;
  const Tensor y = x * c;
  const int written = __LINE__ + 1;
  c.fill_(0);
  const std::string first = "(called at autograd_test.cpp:" + std::to_string(recorded) + ")";
  const std::string second = "autograd_test.cpp:" + std::to_string(written);
  expect_error<ArgumentError>([&] { y.sum().backward(); },
                              {"[mul] a value saved for backward was overwritten in place",
                               "float64 [2] is at version 1; expected version 0", "clone()",
                               first.c_str(), second.c_str()});
}

TEST(InPlaceAndTape, WriteThroughAViewCounts) {
  Tensor x = leaf({1, 2});
  Tensor c = tensor({3, 4}, kFloat64);
  const Tensor y = (x * c).sum();
  c.slice({Slice(0, 1)}).fill_(9);
  expect_error<ArgumentError>([&] { y.backward(); }, {"overwritten in place"});
}

TEST(InPlaceAndTape, WritesOfWhatIsNotSavedAreFine) {
  Tensor x = leaf({1, 2});
  Tensor c = tensor({3, 4}, kFloat64);
  const Tensor y = (x + c).sum(), z = (x * c.clone()).sum();
  c.fill_(0);
  y.backward();
  z.backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{4, 5}));
}

TEST(InPlaceAndTape, OptimizerStepAfterBackward) {
  Tensor w = leaf({1, 2});
  for (int step = 0; step < 3; ++step) {
    w.zero_grad();
    (w * w).sum().backward();
    NoGrad off;
    w.add_(w.grad(), -0.25);
  }
  EXPECT_EQ(w.to_vector(), (Vec{0.125, 0.25}));
}

// --- Anomaly mode ---

TEST(Anomaly, ForwardNamesOpLineAndPass) {
  DetectAnomaly on;
  const Tensor x = tensor({1, -1}, kFloat64);
  const int line = __LINE__ + 1;
  const auto compute = [&] { log(x); };
  expect_error<ArgumentError>(compute,
                              {"[log] anomaly in the forward pass: element 1 of a float64 [2] "
                               "result is NaN",
                               ("autograd_test.cpp:" + std::to_string(line)).c_str()});
}

TEST(Anomaly, BackwardNamesTheForwardLine) {
  Tensor x = leaf({0, 1});
  const int line = __LINE__ + 1;
  const Tensor y = sqrt(x).sum();
  DetectAnomaly on;
  expect_error<ArgumentError>([&] { y.backward(); },
                              {"anomaly in the backward pass", "infinite",
                               ("autograd_test.cpp:" + std::to_string(line)).c_str()});
}

TEST(Anomaly, QuietWithoutOne) {
  DetectAnomaly on;
  Tensor x = leaf({1, 2});
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{2, 4}));
}

// --- gradcheck itself must be able to fail ---

TEST(Gradcheck, FindsAWrongGradient) {
  Tensor x = leaf({1, 2});
  // The value is x^2, the gradient that of x * constant.
  const Function wrong = [](std::span<const Tensor> in) {
    return std::vector<Tensor>{in[0] * in[0].detach()};
  };
  const GradcheckResult r = gradcheck(wrong, {&x, 1});
  EXPECT_FALSE(r.passed);
  EXPECT_NE(r.report.find("d output 0 [0] / d input 0 [0]: analytic 1, numeric 2"),
            std::string::npos)
      << r.report;
}

TEST(Gradcheck, FindsAWrongSecondGradient) {
  Tensor x = leaf({0.5, 2});
  const Function fn = [](std::span<const Tensor> in) {
    const Tensor x = in[0];
    const Tensor hidden =
        x.detach() * x.detach();  // right first derivative of x * c by chance only
    return std::vector<Tensor>{x * hidden};
  };
  EXPECT_FALSE(gradgradcheck(fn, {&x, 1}).passed);
  const Function good = [](std::span<const Tensor> in) { return std::vector<Tensor>{tanh(in[0])}; };
  EXPECT_TRUE(gradcheck(good, {&x, 1}).passed);
  EXPECT_TRUE(gradgradcheck(good, {&x, 1}).passed);
}

TEST(Gradcheck, FindsANondeterministicGradient) {
  Tensor x = leaf({1});
  const Function fn = [](std::span<const Tensor> in) {
    Tensor y = in[0] * 1;
    auto calls = std::make_shared<int>(0);
    if (y.requires_grad())
      y.register_hook([calls](const Tensor& g) { return g * (1 + 1e-9 * ++*calls); });
    return std::vector<Tensor>{y};
  };
  const GradcheckResult r = gradcheck(fn, {&x, 1});
  EXPECT_FALSE(r.passed);
  EXPECT_NE(r.report.find("same bits"), std::string::npos) << r.report;
}

TEST(Gradcheck, RefusesWhatItCannotCheck) {
  Tensor x = leaf({1}, kFloat32), c = tensor({1}, kFloat64);
  const Function fn = [](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] * 2}; };
  expect_error<ArgumentError>(
      [&] {
        gradcheck(fn, {&x, 1});
      },
      {"[gradcheck] input 0 is float32; expected float64", "autograd_test.cpp:"});
  expect_error<ArgumentError>(
      [&] {
        gradcheck(fn, {&c, 1});
      },
      {"[gradcheck] no input requires a gradient"});
}

}  // namespace
}  // namespace catena::test
