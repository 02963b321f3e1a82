// Chains of pointwise calls (docs/chains.md): what gets memory, when they run, and that nothing of
// it shows in values.
#include <cmath>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/chain_report.hpp"
#include "catena/graph/memory.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr std::int64_t kMany = 1 << 18;

// The most memory that f() takes beyond what there is before it, in tensors of kMany floats.
template <class F>
double peak_of(const F& f) {
  reset_peak_memory();
  const double before = static_cast<double>(memory_stats().in_use);
  f();
  return (static_cast<double>(memory_stats().peak) - before) / (4.0 * kMany);
}

Tensor w3(const Tensor& x) { return (tanh(x * 1.5 + 0.25) * sigmoid(x) + relu(x)).sum(); }

TEST(Chain, EndsInASumWithoutMemory) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer's build counts no memory";
#endif
  const DeferralScope on(true, 16384);
  Tensor x = randn({kMany}).set_requires_grad();
  Tensor loss;
  EXPECT_LT(peak_of([&] { loss = w3(x); }), 0.1);
  EXPECT_LT(peak_of([&] { loss.backward(); }), 1.3) << "more than the gradient of x";
  const Tensor target = randn({kMany});
  EXPECT_LT(peak_of([&] { loss = mse_loss(x, target); }), 0.1);
  EXPECT_LT(peak_of([&] { loss = huber_loss(x, target); }), 0.1);
  EXPECT_LT(peak_of([&] { loss = bce_with_logits(x, sigmoid(target)); }), 1.3);
}

TEST(Chain, IsReadRowByRowWithoutMemory) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer's build counts no memory";
#endif
  const DeferralScope on(true, 16384);
  Tensor x = randn({kMany / 64, 64}), b = randn({64});
  const Tensor target = zeros({kMany / 64}, kInt64);
  Tensor y;
  const auto peak = [&](const auto& f) { return peak_of([&] { y = f(); }); };
  const auto all = [&] {
    EXPECT_LT(peak([&] { return softmax(x * 2 + b, 1); }), 1.3);
    EXPECT_LT(peak([&] { return softmax(x * 2 + b, 0); }), 1.3);
    EXPECT_LT(peak([&] { return log_softmax(x * 2 + b, 1); }), 1.3);
  };
  all();
  x.set_requires_grad();
  all();  // their gradients do not read what they are made of
  const NoGrad off;
  EXPECT_LT(peak([&] { return layer_norm(x * 2 + b, {64}); }), 1.3);
  EXPECT_LT(peak([&] { return rms_norm(x * 2 + b, {64}); }), 1.3);
  EXPECT_LT(peak([&] { return cross_entropy(x * 2 + b, target); }), 0.2);
}

TEST(Chain, WithoutGradientsTemporariesHaveNoMemory) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer's build counts no memory";
#endif
  const DeferralScope on(true, 16384);
  const NoGrad off;
  const Tensor x = randn({kMany});
  Tensor y;
  EXPECT_LT(peak_of([&] {
              y = exp(-(x * x) / 2) * 0.5 + x;
              run_pending();
            }),
            1.3);
}

TEST(Chain, AResultTakesOverMemoryNobodyNeeds) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer's build counts no memory";
#endif
  const DeferralScope on(true, 16384);
  const NoGrad off;
  const Tensor g = randn({kMany});
  Tensor p = randn({kMany}), m = zeros({kMany}), v = zeros({kMany});
  const Tensor p0 = p.clone();
  EXPECT_LT(peak_of([&] {
              m = m * 0.5 + g * 0.5;
              v = v * 0.5 + g * g * 0.5;
              p.add_(m / (sqrt(v) + 1e-8), -0.1);
            }),
            0.1)
      << "an Adam step in place";
  const std::vector<double> gs = g.to_vector<double>(), before = p0.to_vector<double>(),
                            after = p.to_vector<double>();
  for (std::size_t i = 0; i < gs.size(); i += 1000)
    EXPECT_NEAR(after[i], before[i] - 0.1 * (0.5 * gs[i]) / (std::sqrt(0.5 * gs[i] * gs[i]) + 1e-8),
                1e-5);
}

TEST(Chain, ASavedValueIsComputedAgainEachTime) {
  const DeferralScope on(true, 1);
  Tensor x = tensor({0.5, -1.0, 2.0}).set_requires_grad();
  const Tensor loss = (tanh(x * 2) * sigmoid(x)).sum();
  backward(loss, {}, {.retain_graph = true});
  const Tensor first = x.grad().clone();
  x.zero_grad();
  loss.backward();
  EXPECT_EQ(x.grad().to_vector<double>(), first.to_vector<double>());
}

// An in-place write keeps what a tape has yet to compute.
TEST(Chain, OldValuesAreComputedBeforeAWrite) {
  const DeferralScope on(true, 1);
  Tensor x = tensor({0.5, -1.0, 2.0}).set_requires_grad();
  const Tensor loss = exp(x * 2).sum();  // exp saves its result only
  {
    NoGrad off;
    x.add_(x * 100);
  }
  loss.backward();
  const std::vector<double> g = x.grad().to_vector<double>();
  EXPECT_NEAR(g[0], 2 * std::exp(1.0), 1e-5);
  EXPECT_NEAR(g[2], 2 * std::exp(4.0), 1e-3);
}

TEST(Chain, IsWrittenInPlaceOnlyWhereItReadsTheSameElement) {
  const DeferralScope on(true, 1);
  const NoGrad off;
  // More than one block, so that a later one would read what an earlier one wrote.
  Tensor large = rand({80, 80});
  const Tensor sum = large.clone() + large.t().clone() * 10;
  const std::vector<double> expected = sum.to_vector<double>();
  large.add_(large.t() * 10);
  EXPECT_EQ(large.to_vector<double>(), expected);
  Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  x.add_(x.t() * 10);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{11, 32, 23, 44}));
  x.copy_(x.t() + 1);
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{12, 24, 33, 45}));
  const Tensor kept = x * 2;
  x.mul_(3);
  EXPECT_EQ(kept.to_vector<double>(), (std::vector<double>{24, 48, 66, 90}));
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{36, 72, 99, 135}));
}

TEST(Chain, SlicesThatCoverATensorGiveItsGradient) {
  for (const bool deferred : {false, true}) {
    const DeferralScope scope(deferred, 1);
    Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}).set_requires_grad();
    // The columns in another order, each with its factor.
    (slice(x, 1, 2, 3) * 3.0 + slice(x, 1, 0, 1) * -1.0 + slice(x, 1, 1, 2) * 2.0).sum().backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{-1, 2, 3, -1, 2, 3}));
    // Some that overlap, and some that leave a gap.
    x.zero_grad();
    (slice(x, 1, 0, 2) * slice(x, 1, 0, 2)).sum().backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2, 4, 0, 8, 10, 0}));
    x.zero_grad();
    (slice(x, 1, 0, 2).sum() + slice(x, 1, 1, 3).sum() + slice(x, 0, 0, 1).sum()).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2, 3, 2, 1, 2, 1}));
  }
}

// Casts, masks and dropout are parts of chains, and give the same bits at any thread count.
TEST(Chain, SameBitsEagerDeferredAndAtAnyThreadCount) {
  const int threads_before = num_threads();
  manual_seed(3);
  const Tensor start = randn({3, 40000}), bias = randn({40000}), scale = rand({3, 1});
  std::vector<double> values, gradients;
  for (const bool deferred : {false, true})
    for (const int threads : {1, 2, 3}) {
      const DeferralScope scope(deferred, 16384);
      set_num_threads(threads);
      manual_seed(4);
      Tensor x = start.clone().set_requires_grad();
      const Tensor y = dropout(gelu(x + bias), 0.3) * scale + where(x > 0, x, x * 0.1);
      const Tensor wide = y.to(kFloat64) * 0.5;
      const Tensor loss = (wide * wide).mean() + y.to(kFloat16).to(kFloat32).sum();
      loss.backward();
      if (values.empty()) {
        values = y.to_vector<double>();
        gradients = x.grad().to_vector<double>();
      }
      EXPECT_EQ(y.to_vector<double>(), values) << deferred << " " << threads;
      EXPECT_EQ(x.grad().to_vector<double>(), gradients) << deferred << " " << threads;
    }
  set_num_threads(threads_before);
}

Tensor twice(Operand x) {
  const NoGrad off;
  return add(detail::call_op(op::Sum{}, x), detail::call_op(op::Mean{}, x));
}

TEST(Chain, IsReported) {
  const DeferralScope on(true, 16);
  std::vector<std::string> seen;
  set_chain_observer([&](const ChainReport& report) {
    EXPECT_GT(report.seconds, 0);
    const std::string text = to_string(report);
    seen.push_back(text.substr(0, text.rfind(", ")));
  });
  Tensor x = randn({4, 8}).set_requires_grad();
  const Tensor y = tanh(x * 2), b = randn({8});
  const double total = (y + b).sum().item<double>();
  y.mean().backward();
  set_chain_observer(nullptr);
  EXPECT_NE(total, 0);
  run_pending();
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "2 calls (mul, tanh) on [4, 8]: 2 inputs, 1 result (float32)",
                      "1 call (add) on [4, 8]: 2 inputs, read by the kernel of the call after it",
                      "2 calls (tanh', mul') on [4, 8]: 3 inputs, 1 result (float32)"}));
}

TEST(Chain, AnOperandServesOneCall) {
  expect_error<ArgumentError>([] { twice(randn({3}) * 2); },
                              {"given to another call before", "operand.tensor()"});
}

TEST(Chain, NothingAHandleSeesIsPendingAfterBackward) {
  const DeferralScope on(true, 1);
  Tensor x = tensor({0.5, -1.0, 2.0}).set_requires_grad();
  const Tensor kept = sigmoid(x) * 3, other = kept + 1;
  EXPECT_GT(pending_values(), 0);
  kept.sum().backward();
  EXPECT_EQ(pending_values(), 0);
  EXPECT_NEAR(other.to_vector<double>()[0], 3 / (1 + std::exp(-0.5)) + 1, 1e-6);
}

}  // namespace
}  // namespace catena::test
