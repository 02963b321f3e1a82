// The fast path of small pointwise calls: what it shares with the general path, and whose memory
// a result may take over.
#include "catena/graph/plain.hpp"

#include <utility>

#include "catena/graph/autograd.hpp"
#include "catena/graph/memory.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

std::int64_t in_use() { return static_cast<std::int64_t>(memory_stats().in_use); }

TEST(Temporaries, LendTheirMemoryToTheResult) {
  for (const std::int64_t n : {100, 1 << 20}) {  // the fast path; the general one
    const DeferralScope off(false);
    const Tensor x = ones({n});
    const std::int64_t before = in_use();
    const std::uint64_t allocations = memory_stats().allocations;
    const Tensor y = exp(-(x + x));
    EXPECT_EQ(y[0].item<float>(), std::exp(-2.0F));
    EXPECT_LT(in_use() - before, n * 4 + n * 2 + 4096) << "one buffer for three results";
    EXPECT_LE(memory_stats().allocations - allocations, 6U) << "y[0] makes two";
  }
}

TEST(Temporaries, UnsavedOnesGoWhenTheTapeTakesThem) {
  const DeferralScope off(false);
  const Tensor x = zeros({1 << 20}, {kFloat32, kCpu, true});
  const std::int64_t before = in_use();
  const Tensor y = sum(x + 1);  // the gradient of neither reads x + 1
  EXPECT_LT(in_use() - before, 1 << 20);
}

// A value that somebody still sees, or a gradient still reads, is left alone.
TEST(Temporaries, KeepWhatIsStillRead) {
  for (const std::int64_t n : {3, 1 << 15}) {
    const DeferralScope off(false);
    const Tensor x = full({n}, 2.0, {kFloat64, kCpu, true});
    Tensor t = x + 1;
    const Tensor view = t.detach();
    const Tensor doubled = std::move(t) * 2;
    EXPECT_EQ(view[0].item(), 3) << "a view";
    EXPECT_EQ(doubled[0].item(), 6);

    Tensor e = exp(x);  // its gradient reads its output
    const Tensor negated = -std::move(e);
    negated.sum().backward();
    EXPECT_EQ(x.grad()[0].item(), -std::exp(2.0));

    Tensor pointed = (x + 1).detach().clone();
    const double* p = std::as_const(pointed).data<double>();
    const Tensor other = pointed;  // keeps the memory that p points at
    const Tensor moved = std::move(pointed) * 5;
    EXPECT_EQ(p[0], 3);
    EXPECT_EQ(other[0].item(), 3);
    EXPECT_EQ(moved[0].item(), 15);
  }
}

TEST(Temporaries, OfAnotherShapeOrDTypeKeepTheirs) {
  const Tensor row = ones({4}), column = ones({4, 1});
  const Tensor both = (row + 1) * (column + 2);
  EXPECT_EQ(both.shape(), Shape({4, 4}));
  EXPECT_EQ(both.to_vector(), Vec(16, 6));
  const Tensor mixed = (ones({4}, kInt32) + 1) * ones({4}, kFloat32);
  EXPECT_EQ(mixed.dtype(), kFloat32);
  EXPECT_EQ(mixed.to_vector(), Vec(4, 2));
}

TEST(Plain, NumbersStandForEachElement) {
  const Tensor x = tensor({1, 2, 3}, {kFloat64, kCpu, true});
  const Tensor k = tensor({0.5}, {kFloat64, kCpu, true}).reshape({});
  const Tensor y = (2 - x * 3) / 4 + k * x;
  EXPECT_EQ(y.to_vector(), (Vec{0.25, 0, -0.25}));
  const std::vector<Tensor> g = grad(y.sum(), std::vector<Tensor>{x, k});
  EXPECT_EQ(g[0].to_vector(), (Vec{-0.25, -0.25, -0.25}));
  EXPECT_EQ(g[1].shape(), Shape());
  EXPECT_EQ(g[1].item(), 6);
}

TEST(Plain, NumbersOfHigherRankAndEmptyTensors) {
  const Tensor x = tensor({1, 2, 3}, kFloat64), one = ones({1, 1}, kFloat64);
  EXPECT_EQ((x + one).shape(), Shape({1, 3}));
  EXPECT_EQ((one * tensor(2.0, kFloat64)).shape(), Shape({1, 1}));
  EXPECT_EQ((zeros({0}, kFloat64) + 1).shape(), Shape({0}));
  EXPECT_EQ((zeros({2, 0}, kFloat64) + one).shape(), Shape({2, 0}));
}

TEST(Plain, AnOverwrittenValueIsAnError) {
  Tensor x = tensor({1, 2}, {kFloat32, kCpu, true});
  Tensor c = tensor({3, 4}, kFloat32);
  Tensor y = (x * c).sum();
  c.fill_(5);
  expect_error<ArgumentError>([&] { y.backward(); }, {"[mul]", "overwritten in place"});
}

TEST(Plain, GradientsThroughOtherThreadsTapes) {
  const Tensor x = tensor({1, 2}, {kFloat64, kCpu, true});
  Tensor y;
  std::thread([&] { y = tanh(x * 2) * 3; }).join();
  const Tensor loss = ((y + 1).reshape({2, 1}) * 2).sum();
  loss.backward();
  const auto slope = [](double v) { return 12 * (1 - std::tanh(2 * v) * std::tanh(2 * v)); };
  EXPECT_TRUE(close(x.grad(), Vec{slope(1), slope(2)}, 1e-12, 1e-14));
}

}  // namespace
}  // namespace catena::test
