// Hooks on gradients.
#include "catena/graph/autograd.hpp"

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

Tensor leaf(const NestedValues& values, DType dtype = kFloat64) {
  return tensor(values, {dtype, kCpu, true});
}

TEST(Hooks, SeeAndReplace) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  Vec seen;
  y.register_hook([&](const Tensor& g) {
    seen = g.to_vector();
    return g * 10;
  });
  (y * 3).sum().backward();
  EXPECT_EQ(seen, (Vec{3, 3}));
  EXPECT_EQ(x.grad().to_vector(), (Vec{60, 60}));
}

TEST(Hooks, OnALeafSeeTheWholeGradient) {
  Tensor x = leaf({2});
  int calls = 0;
  x.register_hook([&](const Tensor& g) {
    ++calls;
    EXPECT_EQ(g.item(), 7);
    return Tensor();
  });
  (x * x + x * 3).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(x.grad().item(), 7);
}

TEST(Hooks, InOrderAndRemoved) {
  Tensor x = leaf({1});
  HookHandle first = x.register_hook([](const Tensor& g) { return g + 1; });
  x.register_hook([](const Tensor& g) { return g * 10; });
  x.sum().backward();
  EXPECT_EQ(x.grad().item(), 20);
  first.remove();
  first.remove();
  x.zero_grad();
  x.sum().backward();
  EXPECT_EQ(x.grad().item(), 10);
}

TEST(Hooks, RetainGrad) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  y.retain_grad();
  (y * y).sum().backward();
  EXPECT_EQ(y.grad().to_vector(), (Vec{4, 8}));
  EXPECT_EQ(x.grad().to_vector(), (Vec{8, 16}));
}

TEST(Hooks, WrongShapeIsAnError) {
  Tensor x = leaf({1, 2});
  x.register_hook([](const Tensor&) { return ones({3}, kFloat64); });
  expect_error<ArgumentError>(
      [&] { x.sum().backward(); },
      {"[hook] the gradient it returned is float64 [3]; expected float64 [2]"});
}

TEST(Hooks, MayThrowAndTheTapeSurvives) {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  HookHandle h = y.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("stop"); });
  const Tensor z = (y * y).sum();
  EXPECT_THROW(z.backward({}, true), std::runtime_error);
  h.remove();
  z.backward();
  EXPECT_EQ(x.grad().to_vector(), (Vec{8, 16}));
}

TEST(Hooks, MayRunABackwardOfTheirOwn) {
  Tensor x = leaf({3}), w = leaf({5});
  Tensor y = x * 2;
  y.register_hook([&](const Tensor&) {
    EnableGrad on;
    (w * w).sum().backward();
    return Tensor();
  });
  (y * y).sum().backward();
  EXPECT_EQ(x.grad().item(), 24);
  EXPECT_EQ(w.grad().item(), 10);
}

}  // namespace
}  // namespace catena::test
