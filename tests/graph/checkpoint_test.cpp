// checkpoint(): the same gradients as without, from less memory.
#include "catena/graph/checkpoint.hpp"

#include "catena/graph/memory.hpp"
#include "catena/graph/random.hpp"
#include "catena/graph/trace.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Tensors = std::vector<Tensor>;

Tensor leaf(const Shape& shape) {
  Tensor t = random_normal(shape, 0, 1, kFloat64);
  t.set_requires_grad();
  return t;
}

struct Layers {
  Tensor w = leaf({3, 3}), b = leaf({3});
  Tensor operator()(const Tensor& x) const { return tanh(matmul(x, w) + b) * x; }
};

// Gradients of x, w and b of sum(f(x)^2).
Tensors gradients(const Layers& layers, Tensor x, bool checkpointed) {
  const std::function<Tensor(const Tensor&)> fn = [&](const Tensor& t) {
    return dropout(layers(t), 0.3);
  };
  manual_seed(11);
  const Tensor h = x * 1.5;
  const Tensor y = checkpointed ? checkpoint(fn, h) : fn(h);
  Tensor loss = (y * y).sum();
  return grad(loss, Tensors{x, layers.w, layers.b});
}

TEST(Checkpoint, GivesTheSameGradientsBitForBit) {
  manual_seed(1);
  const Layers layers;
  const Tensor x = leaf({4, 3});
  const Tensors plain = gradients(layers, x, false), again = gradients(layers, x, true);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(same_bits(plain[i], again[i])) << i;
}

TEST(Checkpoint, ReachesParametersThroughBackward) {
  manual_seed(1);
  const Layers layers;
  Tensor x = full({2, 3}, 0.5, kFloat64);  // no gradient wanted: only the parameters' flow
  checkpoint(layers, x).sum().backward();
  Tensor w = layers.w;
  const Tensor with = w.grad();
  w.zero_grad();
  layers(x).sum().backward();
  EXPECT_TRUE(same_bits(with, w.grad()));
}

TEST(Checkpoint, SeveralInputsAndOutputs) {
  manual_seed(2);
  const Tensors in = {leaf({2}), leaf({2})};
  const Function fn = [](std::span<const Tensor> t) { return Tensors{t[0] * t[1], t[0] + 1}; };
  const Tensors out = checkpoint(fn, in);
  const Tensors g = grad(out[0].sum() + (out[1] * out[1]).sum(), in);
  const Tensors plain = fn(in);
  const Tensors expected = grad(plain[0].sum() + (plain[1] * plain[1]).sum(), in);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(same_bits(g[i], expected[i]));
  // One output alone.
  EXPECT_TRUE(same_bits(grad(checkpoint(fn, in)[1].sum(), in[0]), ones({2}, kFloat64)));
}

TEST(Checkpoint, ATensorAndWhatItCameFromCountOnce) {
  manual_seed(5);
  const Tensor a = leaf({3});
  const Tensor b = a * a;
  const auto fn = [&](const Tensor& x) { return x * a * b; };
  const Tensor x = exp(a);
  const Tensor found = grad(checkpoint(fn, x).sum(), a, {.retain_graph = true});
  EXPECT_TRUE(close(found, grad(fn(x).sum(), a).to_vector(), 1e-12));
}

TEST(Checkpoint, HasHigherDerivatives) {
  manual_seed(6);
  const Layers layers;
  const Tensor x = leaf({2, 3});
  const auto second = [&](bool checkpointed) {
    const Tensor h = sigmoid(x);
    const Tensor y = checkpointed ? checkpoint(layers, h) : layers(h);
    const Tensors g = grad((y * y).sum(), Tensors{x, layers.w}, {.create_graph = true});
    return grad((g[0] * g[0]).sum() + (g[1] * g[1]).sum(), Tensors{x, layers.w, layers.b});
  };
  const Tensors expected = second(false), found = second(true);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(close(found[i], expected[i].to_vector(), 1e-10, 1e-10)) << i;
}

TEST(Checkpoint, Nests) {
  manual_seed(7);
  const Layers layers;
  const Tensor x = leaf({2, 3});
  const std::function<Tensor(const Tensor&)> inner = layers;
  const auto outer = [&](const Tensor& t) { return checkpoint(inner, checkpoint(inner, t)); };
  EXPECT_TRUE(same_bits(grad(checkpoint(outer, x).sum(), x), grad(layers(layers(x)).sum(), x)));
}

TEST(Checkpoint, KeepsOnlyTheInputs) {
  const Tensor x = full({1 << 18}, 0.5, {kFloat32, kCpu, true});
  const auto deep = [](const Tensor& t) {
    Tensor y = t;
    for (int i = 0; i < 20; ++i) y = sigmoid(y) * y;
    return y;
  };
  const DeferralScope eager(false);
  const auto held = [&](bool checkpointed) {
    const std::uint64_t before = memory_stats().in_use;
    const Tensor y = checkpointed ? checkpoint(deep, x) : deep(x);
    return memory_stats().in_use - before;
  };
  EXPECT_LT(held(true), 3u << 20) << "one output of 1 MiB";
  EXPECT_GT(held(false), 20u << 20);
}

TEST(Checkpoint, WithoutGradientsIsTheFunction) {
  const Tensor x = full({2}, 3.0);
  const auto twice = [](const Tensor& t) { return t * 2; };
  EXPECT_FALSE(checkpoint(twice, x).requires_grad());
  const Tensor w = full({2}, 3.0, {kFloat32, kCpu, true});
  NoGrad off;
  EXPECT_FALSE(checkpoint(twice, w).requires_grad());
}

TEST(Checkpoint, ATraceHoldsWhatTheFunctionCalls) {
  const Graph g =
      trace([](Tensor x) { return checkpoint([](const Tensor& t) { return exp(t); }, x); },
            full({2}, 1.0));
  ASSERT_EQ(g.nodes().size(), 1u);
  EXPECT_STREQ(g.nodes()[0].op.info().name, "exp");
}

TEST(Checkpoint, Errors) {
  const auto square = [](const Tensor& t) { return t * t; };
  {
    Tensor w = full({2}, 2.0, {kFloat32, kCpu, true});
    const Tensor y = checkpoint([w](const Tensor& t) { return t * w; }, full({2}, 1.0));
    {
      NoGrad off;
      w.fill_(5);
    }
    expect_error<ArgumentError>([&] { y.sum().backward(); },
                                {"[checkpoint] a value saved for backward was overwritten in place",
                                 "checkpoint_test.cpp"});
  }
  {
    int calls = 0;
    const Tensor x = full({2}, 2.0, {kFloat32, kCpu, true});
    const Tensor y = checkpoint([&calls](const Tensor& t) { return calls++ ? t.sum() : t * t; }, x);
    expect_error<ArgumentError>([&] { y.sum().backward(); },
                                {"[checkpoint] the function returned other shapes or dtypes"});
  }
  {
    Tensor w = full({2}, 2.0, {kFloat32, kCpu, true});
    const Tensor y = checkpoint([&w](const Tensor& t) { return t * w; }, full({2}, 1.0));
    w = w.clone().detach();
    expect_error<ArgumentError>([&] { y.sum().backward(); }, {"did not use a tensor [2] again"});
  }
  {
    bool first = true;
    const Tensor x = full({2}, 2.0, {kFloat32, kCpu, true});
    const Tensor y = checkpoint(
        [&first](const Tensor& t) { return std::exchange(first, false) ? t * 1 : dropout(t, 0.5); },
        x);
    expect_error<ArgumentError>([&] { y.sum().backward(); }, {"[random] more random numbers"});
  }
  expect_error<ArgumentError>([&] { checkpoint(square, Tensor()); },
                              {"[checkpoint] input 0 is an undefined tensor"});
}

}  // namespace
}  // namespace catena::test
