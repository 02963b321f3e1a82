// Products of gradients with few rows that wait for others with the same matrix
// (graph/walk_rows.cpp): nothing is differentiated too early, and nothing twice.
#include <algorithm>
#include <random>
#include <stdexcept>

#include "catena/graph/autograd.hpp"
#include "catena/graph/memory.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr std::int64_t kWidth = 64;  // of square matrices that are large enough to be waited for
const TensorOptions kLeaf{kFloat64, kCpu, true};

std::size_t products_in_backward(const Tensor& loss) {
  Profiler profiler;
  loss.backward();
  profiler.stop();
  const auto& events = profiler.events();
  return static_cast<std::size_t>(std::count_if(
      events.begin(), events.end(), [](const ProfileEvent& e) { return e.name == "matmul"; }));
}

TEST(WaitingRows, IndependentRowsAreOneProduct) {
  const Tensor weight = randn({kWidth, kWidth}, kLeaf);
  std::vector<Tensor> leaves;
  for (int i = 0; i < 8; ++i) leaves.push_back(randn({1, kWidth}, kLeaf));
  Tensor loss = tensor(0.0, kFloat64);
  for (const Tensor& x : leaves) loss = loss + tanh(linear(x, weight)).sum();
  EXPECT_EQ(products_in_backward(loss), 2u) << "one for the rows and one for the weight";
  for (const Tensor& x : leaves) {
    const Tensor y = linear(x.detach(), weight.detach());
    const Tensor expected = matmul(1 - tanh(y) * tanh(y), weight.detach());
    EXPECT_TRUE(close(x.grad(), expected.to_vector(), 1e-12, 1e-12));
  }
}

TEST(WaitingRows, ValuesThatAreUsedTwiceWaitToo) {
  const Tensor weight = randn({kWidth, kWidth}, kLeaf);
  Tensor loss = tensor(0.0, kFloat64);
  for (int i = 0; i < 8; ++i) {
    Tensor x = randn({1, kWidth}, kLeaf);
    for (int layer = 0; layer < 3; ++layer) x = tanh(linear(x, weight)) + x;
    loss = loss + x.sum();
  }
  EXPECT_EQ(products_in_backward(loss), 4u) << "one for each layer and one for the weight";
}

// An optimizer may step in a hook, as soon as a weight's gradient is there.
TEST(WaitingRows, AHookOfALeafMayWriteToTheMatrix) {
  const Tensor x = randn({1, kWidth}, kLeaf);
  Tensor weight = randn({kWidth, kWidth}, kLeaf);
  const Tensor expected = weight.detach().clone().sum({0}).reshape({1, kWidth});
  weight.register_hook([&](const Tensor& g) {
    const NoGrad no_grad;
    weight.fill_(0);
    return g;
  });
  linear(x, weight).sum().backward();
  EXPECT_TRUE(close(x.grad(), expected.to_vector(), 1e-12, 1e-12));
}

TEST(WaitingRows, ManyRowsAndSmallMatricesDoNotWait) {
  const Tensor small = randn({8, 8}, kLeaf), large = randn({kWidth, kWidth}, kLeaf);
  const auto count = [](const Tensor& weight, std::int64_t rows) {
    Tensor loss = tensor(0.0, kFloat64);
    for (int i = 0; i < 4; ++i)
      loss = loss + linear(randn({rows, weight.shape()[1]}, kLeaf), weight).sum();
    return products_in_backward(loss);
  };
  EXPECT_EQ(count(small, 1), 5u);
  EXPECT_EQ(count(large, 100), 5u);
  EXPECT_EQ(count(large, 1), 2u);
}

TEST(WaitingRows, OneAfterTheOtherIsRightToo) {
  const Tensor weight = randn({kWidth, kWidth}, kLeaf);
  const Tensor x = randn({1, kWidth}, kLeaf);
  Tensor state = x;
  for (int i = 0; i < 5; ++i) state = tanh(matmul(state, weight)) + x;
  const Tensor wanted[] = {x, weight};
  const std::vector<Tensor> expected = grad(state.sum(), wanted, {.create_graph = true});
  state.sum().backward();
  EXPECT_TRUE(close(x.grad(), expected[0].to_vector(), 1e-12, 1e-12));
  EXPECT_TRUE(close(weight.grad(), expected[1].to_vector(), 1e-12, 1e-12));
}

// A network of calls that share three matrices, values used several times, ops of several outputs.
class RandomNetwork {
 public:
  explicit RandomNetwork(unsigned seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) leaves_.push_back(randn({kWidth, kWidth}, kLeaf) * 0.1);
    for (Tensor& t : leaves_) t = t.detach().set_requires_grad();
    for (int i = 0; i < 4; ++i) leaves_.push_back(randn({1, kWidth}, kLeaf));
    for (std::size_t i = 3; i < leaves_.size(); ++i) values_.push_back(leaves_[i]);
    values_.push_back(randn({1, kWidth}, kFloat64));
    for (int i = 0; i < 30; ++i) add_call();
    loss_ = tensor(0.0, kFloat64);
    for (int i = 0; i < 5; ++i) loss_ = loss_ + (any_value() * any_value()).sum();
  }
  const std::vector<Tensor>& leaves() const { return leaves_; }
  const Tensor& loss() const { return loss_; }
  const Tensor& any_value() { return values_[random_() % values_.size()]; }

 private:
  void add_call() {
    const Tensor a = any_value(), b = any_value(), matrix = leaves_[random_() % 3];
    switch (random_() % 8) {
      case 0:
        return values_.push_back(tanh(a));
      case 1:
        return values_.push_back(a + b);
      case 2:
        return values_.push_back(concat({slice(a, 1, 0, 20), slice(b, 1, 20, kWidth)}, 1));
      case 3: {
        const auto [sorted, order] = sort(a, 1);
        return values_.push_back(sorted);
      }
      case 4:
        return values_.push_back(tanh(matmul(a, matrix)));
      case 5:
        return values_.push_back(tanh(matmul(a, transpose(matrix, 0, 1))));
      case 6:
        return values_.push_back(linear(a.reshape({kWidth}), matrix).reshape({1, kWidth}));
      default:
        return values_.push_back(tanh(linear(a, matrix)));
    }
  }

  std::mt19937 random_;
  std::vector<Tensor> leaves_, values_;
  Tensor loss_;
};

TEST(WaitingRows, RandomNetworks) {
  const int programs = soak() ? 5000 : 300;
  for (int seed = 0; seed < programs; ++seed) {
    manual_seed(seed);
    RandomNetwork network(static_cast<unsigned>(seed));
    if (!network.loss().requires_grad()) continue;
    GradOptions options{.create_graph = true, .allow_unused = true};  // nothing waits in this walk
    std::vector<Tensor> wanted = network.leaves();
    for (int i = 0; i < 3; ++i)
      if (const Tensor& t = network.any_value(); t.requires_grad()) wanted.push_back(t);
    const std::vector<Tensor> expected = grad(network.loss(), wanted, options);
    options = {.retain_graph = false, .allow_unused = true};
    const std::vector<Tensor> found = grad(network.loss(), wanted, options);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(found[i].defined(), expected[i].defined()) << "seed " << seed;
      if (found[i].defined())
        ASSERT_TRUE(close(found[i], expected[i].to_vector(), 1e-9, 1e-9))
            << "seed " << seed << ", tensor " << i;
    }
  }
}

TEST(WaitingRows, RandomNetworksIntoLeaves) {
  for (int seed = 0; seed < 100; ++seed) {
    manual_seed(seed);
    RandomNetwork network(static_cast<unsigned>(seed));
    if (!network.loss().requires_grad()) continue;
    const std::vector<Tensor> expected =
        grad(network.loss(), network.leaves(), {.create_graph = true, .allow_unused = true});
    network.loss().backward();
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (expected[i].defined())
        ASSERT_TRUE(close(network.leaves()[i].grad(), expected[i].to_vector(), 1e-9, 1e-9))
            << "seed " << seed << ", leaf " << i;
  }
}

TEST(WaitingRows, AFailureLeavesNothingBehind) {
  const Tensor weight = randn({kWidth, kWidth}, kLeaf);
  const auto fail = [&] {
    const Tensor x = randn({1, kWidth}, kLeaf), other = randn({1, kWidth}, kLeaf);
    Tensor y = tanh(other);
    y.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("no"); });
    const Tensor loss = y.sum() + linear(tanh(x), weight).sum();
    EXPECT_THROW(loss.backward(), std::runtime_error);
  };
  fail();
  const std::uint64_t before = memory_stats().in_use;
  fail();
  EXPECT_EQ(memory_stats().in_use, before);
}

}  // namespace
}  // namespace catena::test
