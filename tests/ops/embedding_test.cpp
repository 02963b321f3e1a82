// The padding row, and gradients with several threads.
#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor ints(const std::vector<std::int64_t>& v, const Shape& shape) { return tensor(v, shape); }

TEST(Embedding, PaddingRowHasNoGradient) {
  Tensor table = tensor({{1, 2}, {3, 4}, {5, 6}}).set_requires_grad();
  const Tensor index = ints({0, 2, 0, 1}, {2, 2});
  const Tensor y = embedding(table, index, -1);
  EXPECT_EQ(y.shape(), (Shape{2, 2, 2}));
  EXPECT_TRUE(close(y, {1, 2, 5, 6, 1, 2, 3, 4}));
  sum(y).backward();
  EXPECT_TRUE(close(table.grad(), {2, 2, 1, 1, 0, 0}));
  expect_error<ArgumentError>([&] { embedding(table, index, 3); },
                              {"[embedding] padding_idx 3 for table [3, 2]; expected a row, -3 to "
                               "2"});
}

TEST(Embedding, GradientIsTheSameForAnyNumberOfThreads) {
  const int before = num_threads();
  manual_seed(1);
  Tensor table = zeros({50, 64}).set_requires_grad();
  std::vector<std::int64_t> picks(4000);
  for (std::size_t i = 0; i < picks.size(); ++i)
    picks[i] = static_cast<std::int64_t>(i * i * 7 % 50);
  const Tensor index = tensor(picks, {400, 10}), g = randn({400, 10, 64});
  std::vector<Tensor> grads;
  for (const int threads : {1, 2, 4}) {
    set_num_threads(threads);
    table.zero_grad();
    embedding(table, index).backward(g);
    grads.push_back(table.grad());
  }
  set_num_threads(before);
  EXPECT_TRUE(same_bits(grads[0], grads[1]));
  EXPECT_TRUE(same_bits(grads[0], grads[2]));
}

}  // namespace
}  // namespace catena::test
