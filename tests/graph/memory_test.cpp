// The buffer cache: what it counts, what it gives back, and frees from other threads.
#include "catena/graph/memory.hpp"

#include <thread>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

std::int64_t in_use() { return static_cast<std::int64_t>(memory_stats().in_use); }

TEST(Memory, InUseGrowsAndFalls) {
  const std::int64_t before = in_use();
  {
    const Tensor t = zeros({1 << 20});
    EXPECT_GE(in_use() - before, 4 << 20);
    EXPECT_LT(in_use() - before, 8 << 20) << "a size class wastes less than half";
  }
  EXPECT_EQ(in_use(), before);
}

TEST(Memory, BlocksAreUsedAgain) {
  { const Tensor warm = zeros({1 << 20}); }
  const std::uint64_t calls = memory_stats().system_calls;
  for (int i = 0; i < 100; ++i) const Tensor t = zeros({1 << 20});
  EXPECT_EQ(memory_stats().system_calls, calls);
  const std::uint64_t count = memory_stats().allocations;
  const Tensor one = zeros({1 << 20});
  EXPECT_GT(memory_stats().allocations, count);
}

TEST(Memory, PeakSeesWhatWasThere) {
  reset_peak_memory();
  const std::uint64_t before = memory_stats().peak;
  { const Tensor t = zeros({3 << 20}); }
  EXPECT_GE(memory_stats().peak, before + (12u << 20));
  reset_peak_memory();
  EXPECT_LT(memory_stats().peak, before + (12u << 20));
}

TEST(Memory, CacheIsGivenBack) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "graph/memory.cpp keeps no cache under the address sanitizer";
#endif
  { const Tensor t = zeros({5 << 20}); }
  const std::uint64_t before = memory_stats().cached;
  EXPECT_GE(before, 20u << 20);
  release_cached_memory();
  EXPECT_LE(memory_stats().cached, before - (20u << 20)) << "chunks of small blocks stay";
  const Tensor again = ones({5 << 20});
  EXPECT_EQ(again[4].item(), 1);
}

TEST(Memory, CachedBlocksGoBeforeTheLimitIsPassed) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "graph/memory.cpp keeps no cache under the address sanitizer";
#endif
  release_cached_memory();
  const std::uint64_t small = memory_stats().cached;  // chunks of small blocks stay
  { const Tensor t = zeros({5 << 20}); }
  ASSERT_GE(memory_stats().cached, small + (20u << 20));
  const auto limit = static_cast<std::uint64_t>(in_use()) + (40u << 20);
  set_memory_limit(limit);
  EXPECT_GE(memory_stats().cached, small + (20u << 20)) << "below the limit they are kept";
  const Tensor other = zeros({7 << 20});  // of another size class: needs new memory
  EXPECT_LT(memory_stats().cached, small + (20u << 20));
  set_memory_limit(std::uint64_t{1} << 60);
}

// Every step must end where it began: a tape that keeps something alive shows here.
TEST(Memory, TrainingStepsLeaveNothingBehind) {
  Tensor w = zeros({64, 64}, {kFloat32, kCpu, true});
  const Tensor x = ones({32, 64});
  auto step = [&] {
    w.zero_grad();
    Tensor h = x;
    for (int i = 0; i < 4; ++i) h = tanh(matmul(h, w) + 1);
    (h * h).mean().backward();
    NoGrad off;
    w.add_(w.grad(), -0.1);
  };
  step();
  const std::int64_t before = in_use();
  for (int i = 0; i < 50; ++i) step();
  EXPECT_EQ(in_use(), before);
}

TEST(Memory, FailedBackwardLeavesNothingBehind) {
  Tensor w = zeros({1000}, {kFloat32, kCpu, true});
  auto fail = [&] {
    Tensor c = ones({1000});
    Tensor h = tanh(w * c + 1) * c;
    c.fill_(2);
    EXPECT_THROW(h.sum().backward(), ArgumentError);
  };
  fail();
  w.zero_grad();
  const std::int64_t before = in_use();
  for (int i = 0; i < 20; ++i) fail();
  w.zero_grad();
  EXPECT_EQ(in_use(), before);
}

TEST(Memory, UnsavedValuesGoAtOnce) {
  Tensor x = zeros({1 << 20}, {kFloat32, kCpu, true});
  DeferralScope off(false);
  const std::int64_t before = in_use();
  Tensor y = x + 1;
  for (int i = 0; i < 10; ++i) y = y + 1;  // the sum's gradient reads nothing
  EXPECT_LT(in_use() - before, 6 << 20) << "only the last value has memory";
  y = Tensor();
  EXPECT_EQ(in_use(), before);
}

TEST(Memory, FreesFromOtherThreads) {
  std::vector<Tensor> made;
  const std::int64_t before = in_use();
  std::thread maker([&] {
    for (int i = 0; i < 2000; ++i) made.push_back(full({100}, i));
  });
  maker.join();
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(made[static_cast<std::size_t>(i)][3].item(), i);
  made.clear();
  EXPECT_EQ(in_use(), before);
}

TEST(Memory, TensorsPassedBackAndForth) {
  const std::int64_t before = in_use();
  for (int round = 0; round < 20; ++round) {
    std::vector<Tensor> a, b;
    std::thread one([&] {
      for (int i = 0; i < 300; ++i) a.push_back(full({64 + i}, i));
    });
    std::thread two([&] {
      for (int i = 0; i < 300; ++i) b.push_back(full({300 - i}, -i));
    });
    one.join();
    two.join();
    std::thread three([&] { a.clear(); });
    std::thread four([&] { b.clear(); });
    three.join();
    four.join();
  }
  EXPECT_EQ(in_use(), before);
}

TEST(Memory, HandlesCopiedAndDroppedEverywhere) {
  Tensor shared = full({1000}, 3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&shared] {
      for (int i = 0; i < 5000; ++i) {
        const Tensor copy = shared;
        const Tensor view = copy.slice({Slice(0, 10)});
        ASSERT_EQ(view.numel(), 10);
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(shared[999].item(), 3);
}

}  // namespace
}  // namespace catena::test
