// A chain of 300,000 calls must be recorded, differentiated, traced and freed without recursion, on
// the default stack, by whatever route the last handle goes.
#include <thread>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/graph/trace.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr int kDepth = 300000;

Tensor scalar_leaf() { return tensor(1.0, {kFloat64, kCpu, true}); }

Tensor chain(const Tensor& x, int depth = kDepth) {
  Tensor y = x;
  for (int i = 0; i < depth; ++i) y = std::move(y) + 1;
  return y;
}

TEST(DeepGraph, RecordedAndFreed) {
  Tensor x = scalar_leaf();
  Tensor y = chain(x);
  EXPECT_EQ(y.item(), kDepth + 1);
  y = Tensor();
}

TEST(DeepGraph, RecordedAndFreedWithNamedOperands) {
  Tensor x = scalar_leaf();
  std::vector<Tensor> all{x};
  for (int i = 0; i < kDepth; ++i) all.push_back(all.back() * 1);
  const Tensor last = all.back();
  all.clear();
  EXPECT_EQ(last.item(), 1);
}

TEST(DeepGraph, Backward) {
  Tensor x = scalar_leaf();
  chain(x).backward();
  EXPECT_EQ(x.grad().item(), 1);
}

TEST(DeepGraph, BackwardRetainedThenFreed) {
  Tensor x = scalar_leaf();
  {
    const Tensor y = chain(x);
    y.backward({}, true);
    y.backward({}, true);
  }
  EXPECT_EQ(x.grad().item(), 2);
}

TEST(DeepGraph, GradOfADeepInput) {
  Tensor x = scalar_leaf();
  const Tensor y = chain(x);
  EXPECT_EQ(grad(y, x).item(), 1);
}

TEST(DeepGraph, CreateGraph) {
  Tensor x = scalar_leaf();
  Tensor y = x;
  for (int i = 0; i < kDepth / 4; ++i) y = y * 1;
  const Tensor g = grad(y * y, x, {.create_graph = true});
  EXPECT_EQ(g.item(), 2);
  EXPECT_EQ(grad(g, x).item(), 2);
}

TEST(DeepGraph, FreedByAnotherThread) {
  Tensor x = scalar_leaf();
  Tensor y = chain(x);
  std::thread([t = std::move(y)]() mutable { t = Tensor(); }).join();
  EXPECT_EQ(x.item(), 1);
}

TEST(DeepGraph, BackwardOnAnotherThread) {
  Tensor x = scalar_leaf();
  Tensor y = chain(x);
  std::thread([&] { y.backward(); }).join();
  EXPECT_EQ(x.grad().item(), 1);
}

TEST(DeepGraph, Pending) {
  DeferralScope on(true, 1);
  Tensor x = full({2}, 1.0, {kFloat64, kCpu, true});
  Tensor y = chain(x);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (std::vector<double>{1, 1}));
  EXPECT_EQ(pending_values(), 0);
  Tensor dropped = chain(x);
  dropped = Tensor();  // never computed
  Tensor constant = full({2}, 1.0, kFloat64);
  EXPECT_EQ(chain(constant).to_vector()[0], kDepth + 1);
}

TEST(DeepGraph, MultiOutputNodes) {
  // cross_entropy has two outputs, hence a node of its own between tensors.
  Tensor x = tensor({{0, 0}}, {kFloat64, kCpu, true});
  const Tensor target = tensor({0}, kInt64);
  constexpr int depth = 60000;
  Tensor y = x;
  for (int i = 0; i < depth; ++i) y = expand(reshape(cross_entropy(y, target), {1, 1}), {1, 2});
  EXPECT_TRUE(close(y, {std::log(2), std::log(2)}, 1e-12, 0));
  {
    const Tensor freed = y;
    y = Tensor();
  }
  y = x;
  for (int i = 0; i < depth; ++i) y = expand(reshape(cross_entropy(y, target), {1, 1}), {1, 2});
  y.sum().backward();
  EXPECT_TRUE(x.grad().defined());
}

TEST(DeepGraph, Traced) {
  Graph graph = trace([](const Tensor& x) { return chain(x); }, ones({1}, kFloat64));
  EXPECT_EQ(graph.nodes().size(), static_cast<std::size_t>(kDepth));
  const Tensor one = ones({1}, kFloat64);
  Tensor x = one.clone().set_requires_grad();
  const std::vector<Tensor> y = graph.run({&x, 1});
  EXPECT_EQ(y[0].item(), kDepth + 1);
  backward(y[0]);
  EXPECT_EQ(x.grad().item(), 1);
  EXPECT_GT(graph.to_dot().size(), static_cast<std::size_t>(kDepth));
}

}  // namespace
}  // namespace catena::test
