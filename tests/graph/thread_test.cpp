// Several threads, each with a tape of its own, over shared parameters.
#include <atomic>
#include <thread>
#include <vector>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

template <class F>
void in_threads(int n, F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& t : threads) t.join();
}

class Threads : public ::testing::TestWithParam<bool> {
 protected:
  DeferralScope scope{GetParam(), GetParam() ? 1 : 16384};
};

TEST_P(Threads, OwnTapesOverSharedParameters) {
  const bool deferred = GetParam();
  const Tensor w = full({8, 8}, 0.125, {kFloat64, kCpu, true});
  std::vector<Tensor> results(4);
  auto work = [&](int i) {
    set_deferral(deferred);
    const Tensor x = full({3, 8}, i + 1, kFloat64);
    Tensor g;
    for (int k = 0; k < 50; ++k) g = grad((tanh(matmul(x, w)) * x).sum(), w);
    results[static_cast<std::size_t>(i)] = g;
  };
  in_threads(4, work);
  const std::vector<Tensor> parallel = results;
  for (int i = 0; i < 4; ++i) {
    work(i);
    EXPECT_TRUE(
        same_bits(results[static_cast<std::size_t>(i)], parallel[static_cast<std::size_t>(i)]));
  }
}

// The gradients of one leaf from several threads all arrive.
TEST_P(Threads, BackwardIntoOneLeaf) {
  const bool deferred = GetParam();
  const Tensor w = full({100}, 1.0, {kFloat64, kCpu, true});
  in_threads(4, [&](int) {
    set_deferral(deferred);
    for (int k = 0; k < 100; ++k) (w * 2).sum().backward();
  });
  EXPECT_EQ(w.grad().to_vector(), std::vector<double>(100, 800));
}

TEST_P(Threads, OneTapeContinuedOnAnotherThread) {
  const Tensor x = full({10}, 2.0, {kFloat64, kCpu, true});
  Tensor y;
  in_threads(1, [&](int) { y = x * x; });
  Tensor z = y * y;
  in_threads(1, [&](int) { z.sum().backward(); });
  EXPECT_EQ(x.grad().to_vector(), std::vector<double>(10, 32));
}

// One forward, read by several backward walks at once.
TEST_P(Threads, SharedTapeRetained) {
  const Tensor x = full({50}, 2.0, {kFloat64, kCpu, true});
  const Tensor y = (x * x * x).sum();
  std::vector<Tensor> g(4);
  in_threads(4, [&](int i) {
    for (int k = 0; k < 30; ++k)
      g[static_cast<std::size_t>(i)] = grad(y, x, {.retain_graph = true});
  });
  for (const Tensor& t : g) EXPECT_EQ(t.to_vector(), std::vector<double>(50, 12));
}

// A pending value is computed once, whoever reads it first.
TEST_P(Threads, ReadersOfOnePendingValue) {
  for (int round = 0; round < 50; ++round) {
    const Tensor x = full({3000}, 1.0, kFloat64);
    const Tensor y = tanh(x * 2) + 1;
    std::atomic<int> wrong{0};
    const double expected = std::tanh(2.0) + 1;
    in_threads(3, [&](int) {
      for (double v : y.to_vector()) wrong += std::abs(v - expected) > 1e-12;
    });
    EXPECT_EQ(wrong, 0);
  }
}

TEST_P(Threads, PendingInputsOfAnotherThread) {
  const Tensor x = full({3000}, 1.0, kFloat64);
  const Tensor y = x * 2;
  std::vector<double> sums(3);
  in_threads(3, [&](int i) { sums[static_cast<std::size_t>(i)] = (y + i).sum().item(); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sums[static_cast<std::size_t>(i)], 3000 * (2 + i));
}

TEST_P(Threads, ModesAreLocal) {
  NoGrad off;
  bool recorded = false;
  const Tensor x = full({2}, 1.0, {kFloat64, kCpu, true});
  in_threads(1, [&](int) { recorded = (x * 2).requires_grad(); });
  EXPECT_TRUE(recorded);
  EXPECT_FALSE((x * 2).requires_grad());
}

INSTANTIATE_TEST_SUITE_P(Graph, Threads, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Deferred") : std::string("Eager");
});

// All threads that work on a call treat denormal numbers as the caller does.
TEST(FlushDenormals, HoldsForAllThreadsOfACall) {
  if (!set_flush_denormals(true)) GTEST_SKIP() << "the processor has no such mode";
  set_flush_denormals(false);
  const int before = num_threads();
  const DeferralScope off(false);
  const Tensor x = full({1 << 18}, 1e-30, kFloat32);
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    EXPECT_GT(min(x * 1e-10).item(), 0);
    set_flush_denormals(true);
    EXPECT_TRUE(flush_denormals());
    EXPECT_EQ(max(x * 1e-10).item(), 0);
    set_flush_denormals(false);
  }
  std::thread([] { EXPECT_FALSE(flush_denormals()); }).join();
  set_num_threads(before);
}

}  // namespace
}  // namespace catena::test
