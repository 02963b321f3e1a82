// Calls computed with other tensors: what is replaced, and what a backward recomputes.
#include "catena/graph/substitution.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/graph/checkpoint.hpp"
#include "catena/graph/transforms.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;
using Tensors = std::vector<Tensor>;

Tensor number(double v, bool grad = false) { return full({1}, v, {kFloat64, kCpu, grad}); }

TEST(Substitution, ReachesDetachButNotInPlaceWrites) {
  Tensor w = number(2);
  const Tensor other = number(5, true);
  const Substitution there(Tensors{w}, Tensors{other});
  EXPECT_EQ(w.detach().item(), 5);
  EXPECT_EQ((w.detach() * 1).item(), 5);
  EXPECT_EQ((w * 1).detach().item(), 5);
  EXPECT_FALSE(w.detach().requires_grad());
  EXPECT_EQ(w.item(), 2) << "what is read outside of calls is its own";
  w.mul_(3);
  EXPECT_EQ(w.item(), 6);
}

TEST(Substitution, AllInForceCountTheInnermostFirst) {
  const Tensor a = number(1), b = number(2), c = number(3);
  const Substitution outer(Tensors{a, b}, Tensors{number(10), number(20)});
  {
    const Substitution inner(Tensors{b, c}, Tensors{number(200), a});
    EXPECT_EQ((a * 1).item(), 10);
    EXPECT_EQ((b * 1).item(), 200);
    EXPECT_EQ((c * 1).item(), 10) << "a stands for c, and another for a";
  }
  EXPECT_EQ((b * 1).item(), 20);
  EXPECT_EQ((c * 1).item(), 3);
}

TEST(Substitution, ABackwardComputesWithWhatWasRecorded) {
  const Tensor w = number(2), x = number(3, true);
  const Tensor y = x * w;
  const Substitution there(Tensors{w}, Tensors{number(5)});
  EXPECT_EQ(grad(y, x, {.create_graph = true}).item(), 2);
}

// x w x: the replacement is in force again when backward calls the function again, and only it.
TEST(Substitution, OfACheckpointLastsUntilItsBackward) {
  const Tensor w = number(2), v = number(7);
  const auto fn = [&](const Tensor& t) { return t * w * t * v; };
  for (const bool learned : {false, true}) {
    const Tensor x = number(3, true), other = number(5, learned);
    Tensor y;
    {
      const Substitution outer(Tensors{v}, Tensors{number(1)});
      const Substitution there(Tensors{w}, Tensors{other});
      y = checkpoint(fn, x);
    }
    EXPECT_EQ(y.item(), 45);
    const Substitution later(Tensors{w}, Tensors{number(1000)});
    y.backward();
    EXPECT_EQ(x.grad().item(), 30);
    if (learned) {
      EXPECT_EQ(other.grad().item(), 9);
    }
  }
  // Without one at the time there is none later.
  const Tensor x = number(3, true), y = checkpoint(fn, x);
  const Substitution later(Tensors{w}, Tensors{number(1000)});
  y.backward();
  EXPECT_EQ(x.grad().item(), 84);
}

TEST(Substitution, OfTheInputOfACheckpointOrTransform) {
  const Tensor w = number(2, true), other = number(5, true);
  const auto square = [](const Tensor& t) { return t * t; };
  const Substitution there(Tensors{w}, Tensors{other});
  checkpoint(square, w).backward();
  EXPECT_EQ(other.grad().item(), 10);
  EXPECT_FALSE(w.grad().defined());
  EXPECT_EQ(jacobian(square, w).item(), 10);
}

TEST(Substitution, Errors) {
  expect_error<ArgumentError>(
      [] { const Substitution there(Tensors{Tensor()}, Tensors{number(1)}); },
      {"[substitution] tensor 0 is float64 [1] on cpu; expected a tensor to stand for",
       "substitution_test.cpp:"});
  expect_error<ArgumentError>(
      [] { const Substitution there(Tensors{number(1)}, Tensors{Tensor()}); },
      {"[substitution] tensor 0 is undefined; expected float64 [1] on cpu like the one"});
}

}  // namespace
}  // namespace catena::test
