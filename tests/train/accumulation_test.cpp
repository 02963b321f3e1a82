// Gradients gathered over batches equal those of one large batch.
#include "catena/train/accumulation.hpp"

#include <gtest/gtest.h>

#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/sgd.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

struct Model {
  nn::Linear layer = (manual_seed(3), nn::Linear(3, 1));
  optim::Adam adam;
  Model() : adam(layer.parameters(), {.lr = 0.1}) { layer.to(kFloat64); }
  Tensor loss(const Tensor& x) { return mean(layer(x) * layer(x)); }
};

Tensor batch(int i) { return randn({4, 3}, kFloat64) + static_cast<double>(i); }

TEST(Accumulation, StepsAsOneLargeBatch) {
  Model small, large;
  manual_seed(1);
  std::vector<Tensor> batches;
  for (int i = 0; i < 7; ++i) batches.push_back(batch(i));
  optim::GradientAccumulation accumulation(small.adam, 3);
  int steps = 0;
  for (const Tensor& x : batches) {
    EXPECT_EQ(accumulation.is_last(), accumulation.pending() == 2);
    accumulation.backward(small.loss(x));
    steps += accumulation.step();
  }
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(accumulation.pending(), 1);
  EXPECT_TRUE(accumulation.flush());
  EXPECT_FALSE(accumulation.flush());
  for (const auto& [from, to] : {std::pair{0, 3}, {3, 6}, {6, 7}}) {
    large.loss(concat(std::span(batches).subspan(from, to - from))).backward();
    large.adam.step();
    large.adam.zero_grad();
  }
  EXPECT_TRUE(close(small.layer.weight(), large.layer.weight().to_vector(), 1e-12, 1e-12));
}

TEST(Accumulation, GoesOnInTheMiddle) {
  Model a, b;
  manual_seed(1);
  const Tensor x = batch(0), y = batch(1);
  optim::GradientAccumulation first(a.adam, 2), second(b.adam, 5);
  first.backward(a.loss(x));
  first.step();
  second.load_state(first.state().clone());
  EXPECT_EQ(second.pending(), 1);
  first.backward(a.loss(y));
  second.backward(b.loss(y));
  EXPECT_TRUE(first.step());
  EXPECT_TRUE(second.step());
  EXPECT_TRUE(same_bits(a.layer.weight(), b.layer.weight()));
}

TEST(Accumulation, RefusesWrongArguments) {
  Model a;
  expect_error<ArgumentError>([&] { optim::GradientAccumulation(a.adam, 0); },
                              {"[gradient_accumulation] k is 0; expected at least 1"});
  optim::GradientAccumulation accumulation(a.adam, 2);
  State state = accumulation.state();
  state.values[1].value = std::int64_t{4};
  expect_error<ArgumentError>([&] { accumulation.load_state(state); },
                              {"the state has 4 of 2 batches"});
}

}  // namespace
}  // namespace catena::test
