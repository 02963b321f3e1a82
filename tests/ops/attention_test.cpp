#include "catena/ops/attention.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/graph/memory.hpp"
#include "catena/graph/trace.hpp"
#include "catena/nn/graph_module.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Attention, DefaultsAndGroups) {
  const Tensor q = randn({2, 4, 5, 9}), k = randn({2, 2, 6, 9}), v = randn({2, 2, 6, 3});
  expect_error<ArgumentError>(
      [&] { scaled_dot_product_attention(q, k, v); },
      {"[scaled_dot_product_attention] query [2, 4, 5, 9] has 4 heads and key [2, 2, 6, 9] has 2",
       "enable_gqa", "attention_test.cpp"});
  const Tensor y = scaled_dot_product_attention(q, k, v, {.enable_gqa = true});
  for (std::int64_t head = 0; head < 4; ++head) {
    const Tensor weights =
        softmax(matmul(select(q, 1, head), transpose(select(k, 1, head / 2), 1, 2)) / 3, -1);
    EXPECT_TRUE(
        close(select(y, 1, head), matmul(weights, select(v, 1, head / 2)).to_vector(), 1e-4, 1e-5));
  }
}

// Rows that see nothing are 0 and have no gradient, whatever else they hold.
TEST(Attention, RowsWithoutPositions) {
  Tensor q = randn({2, 3, 4}).set_requires_grad(), k = randn({2, 5, 4}).set_requires_grad();
  const Tensor mask = tensor(std::vector<std::int64_t>{1, 0, 1}, {3, 1}, kBool);
  for (const bool create_graph : {false, true}) {
    const Tensor y = scaled_dot_product_attention(q, k, k, {.attn_mask = mask});
    EXPECT_EQ(select(y, 1, 1).to_vector(), std::vector<double>(8, 0.0));
    const Tensor g = grad(sum(y * y), q, {.create_graph = create_graph});
    EXPECT_EQ(select(g, 1, 1).to_vector(), std::vector<double>(8, 0.0));
    EXPECT_GT(sum(abs(select(g, 1, 0))).item(), 0);
  }
}

TEST(Attention, DropoutOfATraceSleepsInEvaluation) {
  const Tensor x = randn({2, 3, 4});
  nn::GraphModule graph(trace(
      [](const Tensor& in) { return scaled_dot_product_attention(in, in, in, {.dropout_p = 0.5}); },
      x));
  EXPECT_FALSE(close(graph(x), scaled_dot_product_attention(x, x, x).to_vector()));
  graph.eval();
  EXPECT_TRUE(close(graph(x), scaled_dot_product_attention(x, x, x).to_vector(), 1e-5, 1e-6));
}

// 2 x 4096 x 4096 scores would take 128 MiB.
TEST(Attention, TheScoresAreNeverStored) {
  const Tensor x = randn({2, 4096, 8}).set_requires_grad();
  reset_peak_memory();
  const std::uint64_t before = memory_stats().peak;
  scaled_dot_product_attention(x, x, x, {.is_causal = true}).sum().backward();
  EXPECT_LT(memory_stats().peak - before, std::uint64_t{8} << 20);
}

}  // namespace
}  // namespace catena::test
