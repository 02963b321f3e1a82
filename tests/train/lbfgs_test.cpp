// L-BFGS: PyTorch's steps on Rosenbrock's function, state, errors.
#include "catena/train/lbfgs.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"
#include "train/optimizer_reference.hpp"

namespace catena::test {
namespace {

struct Rosenbrock {
  Tensor a, b;
  optim::LBFGS lbfgs;
  int evaluations = 0;

  Rosenbrock(const optim::LBFGSOptions& options, DType dtype = kFloat64)
      : a(parameter({-1.2, 1, 0.5}, dtype)),
        b(parameter({0.3, -0.7}, dtype)),
        lbfgs({a, b}, options) {}
  static Tensor parameter(const std::vector<double>& values, DType dtype) {
    Tensor t = tensor(values, {static_cast<std::int64_t>(values.size())}, TensorOptions(dtype));
    t.set_requires_grad();
    return t;
  }
  double step() {
    return lbfgs
        .step([&] {
          ++evaluations;
          lbfgs.zero_grad();
          const Tensor x = concat({a, b});
          const Tensor u = slice(x, 0, 0, 4), v = slice(x, 0, 1, 5);
          const Tensor loss = sum((v - u * u) * (v - u * u) * 100 + (1 - u) * (1 - u));
          loss.backward();
          return loss;
        })
        .item();
  }
  Tensor x() const { return concat({a.detach(), b.detach()}); }
};

TEST(Lbfgs, FollowsPyTorch) {
  for (std::size_t i = 0; i < kLbfgsCases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const auto& [options, losses, evaluations, params] = kLbfgsCases[i];
    Rosenbrock r(options);
    std::vector<double> found;
    for (std::size_t step = 0; step < losses.size(); ++step) found.push_back(r.step());
    EXPECT_TRUE(
        close(tensor(found, {static_cast<std::int64_t>(found.size())}), losses, 1e-7, 1e-12));
    EXPECT_EQ(r.evaluations, evaluations);
    EXPECT_TRUE(close(r.x(), params, 1e-7, 1e-9));
  }
}

TEST(Lbfgs, FindsTheSameMinimumInFloat32) {
  const LbfgsCase& c = kLbfgsCases.back();
  Rosenbrock r(c.options, kFloat32);
  r.step();
  EXPECT_NEAR(r.step(), c.losses.back(), 1e-4);
  EXPECT_TRUE(close(r.x(), c.params, 1e-2, 1e-2));
}

TEST(Lbfgs, StateGoesOnToTheSameBits) {
  for (const bool search : {false, true}) {
    const optim::LBFGSOptions options{
        .lr = search ? 1 : 1e-3, .max_iter = 4, .history_size = 5, .strong_wolfe = search};
    Rosenbrock r(options);
    r.step(), r.step();
    const State saved = r.lbfgs.state().clone();
    Rosenbrock other({});
    {
      NoGrad no_grad;
      other.a.copy_(r.a), other.b.copy_(r.b);
    }
    other.lbfgs.load_state(saved);
    EXPECT_EQ(other.lbfgs.state().values, saved.values);
    r.step(), r.step();
    other.step(), other.step();
    EXPECT_TRUE(same_bits(r.x(), other.x()));
  }
}

TEST(Lbfgs, RefusesStateThatDoesNotFit) {
  Rosenbrock r({.lr = 1e-3, .max_iter = 4});
  r.step();
  State saved = r.lbfgs.state().clone();
  Rosenbrock other({.lr = 0.5});
  State missing = saved;
  std::erase_if(missing.tensors,
                [](const NamedTensor& t) { return t.first == "params.0.old_dirs.1"; });
  expect_error<ArgumentError>([&] { other.lbfgs.load_state(missing); },
                              {"[load_state] there is no tensor 'params.0.old_dirs.1' of 3"});
  for (NamedAttr& v : saved.values)
    if (v.name == "params.0.ro") v.value = std::vector<double>{1};
  expect_error<ArgumentError>([&] { other.lbfgs.load_state(saved); },
                              {"[lbfgs] the state has 3 directions, 3 steps and 1 curvatures"});
  EXPECT_EQ(other.lbfgs.lr(), 0.5) << "a refused state must change nothing";
}

TEST(Lbfgs, RefusesWrongArguments) {
  Tensor a = ones({2}), b = ones({2}, kFloat64);
  a.set_requires_grad();
  b.set_requires_grad();
  expect_error<ArgumentError>(
      [&] {
        optim::LBFGS({a, b});
      },
      {"[lbfgs] parameter 1 is float64 on cpu, parameter 0 is float32"});
  expect_error<ArgumentError>([&] { optim::LBFGS({a}, {.history_size = 0}); },
                              {"history_size is 0; expected at least 1"});
  optim::LBFGS lbfgs({a});
  expect_error<ArgumentError>(
      [&] {
        lbfgs.add_param_group({{b}, {}});
      },
      {"[lbfgs] a second parameter group; expected one"});
  a.set_grad(ones({2}));
  optim::Optimizer& base = lbfgs;
  expect_error<ArgumentError>([&] { base.step(); },
                              {"[lbfgs] step() without a closure", "call step(", "lbfgs_test.cpp"});
  expect_error<ArgumentError>([&] { lbfgs.step([&] { return a * 2; }); },
                              {"the closure returned [2]; expected a scalar loss"});
  expect_error<ArgumentError>([&] { lbfgs.step([] { return Tensor(); }); },
                              {"the closure returned nothing"});
}

}  // namespace
}  // namespace catena::test
