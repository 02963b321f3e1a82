// What the tape keeps and refuses: several outputs, views, shared weights, in-place writes, anomaly
// mode.
#include <cmath>

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

// What is computed with a weight and its recorded gradient reads both in order.
TEST(Products, RecordedGradientHasTheLayoutOfItsWeight) {
  const Tensor w = tensor({{1, 2, 3}, {4, 5, 6}}, {kFloat64, kCpu, true});
  const Tensor x = tensor({{1, -1, 2}}, kFloat64), z = tensor({{3, 1}}, kFloat64);
  const Tensor by_transposed = grad(matmul(x, w.t()).sum(), w, {.create_graph = true});
  EXPECT_EQ(by_transposed.to_vector(), (Vec{1, -1, 2, 1, -1, 2}));
  EXPECT_TRUE(by_transposed.is_contiguous());
  const Tensor by_whole = grad(matmul(z, w).sum(), w, {.create_graph = true});
  EXPECT_EQ(by_whole.to_vector(), (Vec{3, 3, 3, 1, 1, 1}));
  EXPECT_TRUE(by_whole.is_contiguous());
}

// --- In-place writes ---

TEST(InPlaceAndTape, RefusedWhereAGradientWouldBeLost) {
  Tensor x = leaf({1, 2});
  expect_error<ArgumentError>([&] { x.fill_(0); },
                              {"[fill_] an in-place write to a tensor that requires a gradient",
                               "NoGrad", "tape_test.cpp:"});
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
  const std::string first = "(called at tape_test.cpp:" + std::to_string(recorded) + ")";
  const std::string second = "tape_test.cpp:" + std::to_string(written);
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
                               ("tape_test.cpp:" + std::to_string(line)).c_str()});
}

TEST(Anomaly, BackwardNamesTheForwardLine) {
  Tensor x = leaf({0, 1});
  const int line = __LINE__ + 1;
  const Tensor y = sqrt(x).sum();
  DetectAnomaly on;
  expect_error<ArgumentError>([&] { y.backward(); },
                              {"anomaly in the backward pass", "infinite",
                               ("tape_test.cpp:" + std::to_string(line)).c_str()});
}

TEST(Anomaly, QuietWithoutOne) {
  DetectAnomaly on;
  Tensor x = leaf({1, 2});
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{2, 4}));
}

}  // namespace
}  // namespace catena::test
