// clone(): a copy that shares nothing.
#include "catena/nn/clone.hpp"

#include "catena/graph/trace.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/graph_module.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/module_list.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

struct Net : nn::Module {
  nn::Linear fc{3, 3};
  nn::Parameter scale = register_parameter("scale", full({1}, 2.0));
  nn::Buffer calls = register_buffer("calls", zeros({1}));
  nn::ModuleList rest{nn::Linear(3, 3), nn::ReLU(), nn::Sequential(nn::Linear(3, 2))};
  Net() {
    add("fc", fc);
    add("rest", rest);
  }
  Tensor forward(Tensor x) override {
    calls.add_(ones({1}));
    x = fc(x) * scale;
    for (nn::Module& module : rest) x = module(x);
    return x;
  }
};

const Tensor kX = tensor({{1, -2, 3}, {0, 1, 1}});

TEST(Clone, ComputesTheSameWithTensorsOfItsOwn) {
  manual_seed(1);
  Net net;
  net.eval();
  Net copy = nn::clone(net);
  EXPECT_TRUE(same_bits(copy(kX), net(kX)));
  EXPECT_FALSE(copy.is_training());
  EXPECT_EQ(copy.calls.item(), 1);
  const auto a = net.named_parameters(), b = copy.named_parameters();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_FALSE(a[i].second.shares_storage(b[i].second)) << a[i].first;
    EXPECT_TRUE(b[i].second.requires_grad());
  }
  copy(kX).sum().backward();
  for (const auto& [name, t] : a) EXPECT_FALSE(t.grad().defined()) << name;
  for (const auto& [name, t] : b) EXPECT_TRUE(t.grad().defined()) << name;
}

TEST(Clone, ACopyOfTheCopyIsAHandleOfTheCopy) {
  Net net;
  Net copy = nn::clone(net);
  Net handle = copy;
  EXPECT_TRUE(handle.scale.is_same(copy.scale));
  EXPECT_FALSE(handle.scale.is_same(net.scale));
}

TEST(Clone, AFrozenParameterStaysFrozen) {
  Net net;
  net.fc.freeze();
  const Net copy = nn::clone(net);
  EXPECT_FALSE(copy.fc.weight().requires_grad());
  EXPECT_TRUE(copy.scale.requires_grad());
}

TEST(Clone, OfAPartIsAModelOfItsOwn) {
  Net net;
  const nn::Linear copy = nn::clone(net.fc);
  EXPECT_EQ(net.fc.name(), "fc");
  EXPECT_EQ(copy.name(), "");
  EXPECT_TRUE(same_bits(copy.weight(), net.fc.weight()));
}

struct Tied : nn::Module {
  nn::Parameter table = register_parameter("table", ones({4, 3}));
  nn::Linear out{3, 4, false};
  Tied() {
    add("out", out);
    register_parameter("again", table);
  }
};

TEST(Clone, WhatIsTiedStaysTied) {
  Tied model;
  Tied copy = nn::clone(model);
  EXPECT_EQ(copy.named_parameters().size(), 2u);
  const State state = copy.state();
  EXPECT_TRUE(state.find_tensor("table")->is_same(*state.find_tensor("again")));
  EXPECT_TRUE(copy.table.is_same(*state.find_tensor("table")));
}

TEST(Clone, OfALoadedGraph) {
  manual_seed(2);
  nn::Sequential net(nn::Linear(3, 2), nn::Tanh());
  TraceOptions options;
  options.parameters = net.named_parameters();
  nn::GraphModule model(trace([&](Tensor x) { return net(x) + tensor({5, 6}); }, kX, options));
  nn::GraphModule copy = nn::clone(model);
  const Tensor before = model(kX);
  for (Tensor& t : copy.parameters()) {
    NoGrad off;
    t.zero_();
  }
  EXPECT_TRUE(same_bits(model(kX), before));
  EXPECT_EQ(copy(kX).to_vector(), (std::vector<double>{5, 6, 5, 6}));
}

TEST(Clone, HooksAreCopiedAndRemovedApart) {
  nn::Linear net(3, 1);
  int calls = 0;
  HookHandle hook = net.register_forward_pre_hook([&](nn::Module&, const Tensor&) {
    ++calls;
    return Tensor();
  });
  nn::Linear copy = nn::clone(net);
  copy(kX);
  EXPECT_EQ(calls, 1);
  hook.remove();
  net(kX);
  EXPECT_EQ(calls, 1);
  copy(kX);
  EXPECT_EQ(calls, 2);
}

struct Careless : nn::Module {
  Tensor w = register_parameter("w", ones({2}));
};
struct Pointing : nn::Module {
  std::shared_ptr<nn::Linear> fc = register_module("fc", std::make_shared<nn::Linear>(2, 2));
};
struct Derived : Careless {};

TEST(Clone, WhatTheCopyWouldShareIsAnError) {
  const Careless careless;
  expect_error<ArgumentError>(
      [&] { nn::clone(careless); },
      {"[clone] Careless keeps 'w' in a member of type Tensor", "nn::Parameter", "clone_test.cpp"});
  const Pointing pointing;
  expect_error<ArgumentError>([&] { nn::clone(pointing); },
                              {"[clone] Pointing holds its part 'fc' by a pointer"});
  const Derived derived;
  const Careless& base = derived;
  expect_error<ArgumentError>([&] { nn::clone(base); },
                              {"[clone] the model is a Derived, not a Careless"});
  EXPECT_TRUE(Careless(careless).w.is_same(careless.w)) << "a plain copy is a handle";
}

}  // namespace
}  // namespace catena::test
