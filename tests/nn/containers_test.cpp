// ModuleList, ModuleDict, Sequential as a container, and hooks of modules.
#include <iterator>

#include "catena/graph/autograd.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/module_list.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(ModuleList, RegistersByNumber) {
  struct Net : nn::Module {
    nn::ModuleList layers;
    Net() {
      for (int i = 1; i <= 3; ++i) layers.push_back(nn::Linear(i, i + 1));
      add("layers", layers);
    }
  } net;
  const auto parameters = net.named_parameters();
  ASSERT_EQ(parameters.size(), 6u);
  EXPECT_EQ(parameters[4].first, "layers.2.weight");
  EXPECT_EQ(net.layers.at<nn::Linear>(-1).out_features(), 4);
  EXPECT_EQ(net.layers.size(), 3u);
}

TEST(ModuleList, Errors) {
  nn::ModuleList list(nn::ReLU(), nn::Linear(1, 1));
  expect_error<ArgumentError>([&] { list.at(2); },
                              {"[ModuleList] there is no module 2; expected -2 to 1"});
  expect_error<ArgumentError>([&] { list[2]; },
                              {"[ModuleList] there is no module 2", "containers_test.cpp"});
  EXPECT_EQ(list[-1].type(), "Linear");
  expect_error<ArgumentError>([&] { list.at<nn::Linear>(0); },
                              {"[ModuleList] '0' is a ReLU; expected a Linear"});
  expect_error<UnsupportedError>([&] { list(ones({1})); }, {"ModuleList has no forward"});
}

TEST(Containers, AreIteratedOver) {
  const Tensor x = ones({1, 2});
  nn::Sequential net(nn::Linear(2, 3), nn::ReLU());
  Tensor y = x;
  for (nn::Module& layer : net) y = layer(y);
  EXPECT_TRUE(same_bits(y, net(x)));
  nn::ModuleList list(nn::Linear(2, 2), nn::Linear(2, 3));
  y = x;
  for (nn::Module& layer : list) y = layer(y);
  EXPECT_EQ(y.shape(), (Shape{1, 3}));
  nn::ModuleDict heads;
  for (auto [name, head] : heads) ADD_FAILURE() << name;
  heads.insert("digit", nn::Linear(2, 10));
  heads.insert("artist", nn::Linear(2, 3));
  std::vector<std::string> names;
  for (auto [name, head] : heads) {
    names.push_back(name);
    EXPECT_EQ(head(x).shape()[1], name == "digit" ? 10 : 3);
  }
  EXPECT_EQ(names, heads.keys());
  static_assert(std::forward_iterator<nn::ModuleList::Iterator>);
}

TEST(Sequential, SaysWhichModuleThereIsNot) {
  nn::Sequential inner(nn::Linear(1, 1));
  nn::Sequential net(inner, nn::ReLU());
  expect_error<ArgumentError>(
      [&] { net[3]; },
      {"[Sequential] there is no module 3; expected -2 to 1", "containers_test.cpp"});
  expect_error<ArgumentError>([&] { inner.at(1); }, {"[Sequential] 0: there is no module 1"});
  expect_error<ArgumentError>([] { nn::Sequential()[0]; }, {"the container is empty"});
}

TEST(ModuleDict, KeepsTheOrderAndFindsByName) {
  nn::ModuleDict heads;
  heads.insert("digit", nn::Linear(2, 10));
  heads.insert("artist", nn::Linear(2, 3));
  EXPECT_EQ(heads.keys(), (std::vector<std::string>{"digit", "artist"}));
  EXPECT_TRUE(heads.contains("digit"));
  EXPECT_EQ(heads["artist"](ones({1, 2})).shape(), (Shape{1, 3}));
  EXPECT_EQ(heads.at<nn::Linear>("digit").out_features(), 10);
  EXPECT_EQ(heads.named_parameters()[0].first, "digit.weight");
  expect_error<ArgumentError>([&] { heads["digits"]; },
                              {"there is no module 'digits'; did you mean 'digit'"});
  expect_error<ArgumentError>([&] { heads.insert("digit", nn::ReLU()); }, {"is used already"});
}

TEST(ModuleHooks, ReplaceInputOutputAndGradient) {
  nn::Linear layer(2, 1, false);
  {
    NoGrad off;
    Tensor w = layer.weight();
    w.fill_(1);
  }
  HookHandle before =
      layer.register_forward_pre_hook([](nn::Module&, const Tensor& x) { return x * 10; });
  HookHandle after =
      layer.register_forward_hook([](nn::Module& m, const Tensor& x, const Tensor& y) {
        EXPECT_EQ(m.type(), "Linear");
        EXPECT_EQ(x.to_vector(), (std::vector<double>{10, 20}));
        return y + 1;
      });
  HookHandle gradient = layer.register_backward_hook([](const Tensor& g) { return g * 7; });
  const Tensor x = tensor({{1, 2}});
  const Tensor y = layer(x);
  EXPECT_EQ(y.item(), 31);
  y.sum().backward();
  EXPECT_EQ(layer.weight().grad().to_vector(), (std::vector<double>{70, 140}));
  for (HookHandle* h : {&before, &after, &gradient}) h->remove();
  EXPECT_EQ(layer(x).item(), 3);
}

// A hook on x itself would be called for the whole gradient of x, and would stay.
TEST(ModuleHooks, TheGradientOfAModuleThatReturnsItsInput) {
  nn::Identity module;
  int calls = 0;
  HookHandle handle = module.register_backward_hook([&](const Tensor& g) {
    ++calls;
    return g * 0;
  });
  Tensor x = ones({1});
  x.set_requires_grad();
  for (int pass = 1; pass <= 3; ++pass) {
    x.zero_grad();
    sum(x * 2 + module(x)).backward();
    EXPECT_EQ(calls, pass);
    EXPECT_EQ(x.grad().item(), 2);
  }
  handle.remove();
  x.zero_grad();
  sum(x * 2 + module(x)).backward();
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(x.grad().item(), 3);
}

TEST(ModuleHooks, TheGradientOfAModuleThatReturnsItsParameter) {
  struct Constant : nn::Module {
    nn::Parameter value = register_parameter("value", ones({2}));
    Tensor forward(Tensor) override { return value; }
  } module;
  int calls = 0;
  module.register_backward_hook([&](const Tensor&) {
    ++calls;
    return Tensor();
  });
  for (int pass = 0; pass < 3; ++pass) sum(module(Tensor())).backward();
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(close(module.value.grad(), {3, 3}));
}

TEST(ModuleHooks, AModuleMayReturnNothing) {
  struct Nothing : nn::Module {
    Tensor forward(Tensor) override { return {}; }
  } module;
  int calls = 0;
  module.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& y) {
    EXPECT_FALSE(y.defined());
    ++calls;
    return Tensor();
  });
  module.register_backward_hook([](const Tensor&) { return Tensor(); });
  EXPECT_FALSE(module(ones({1})).defined());
  EXPECT_EQ(calls, 1);
}

TEST(ModuleHooks, ReturningNothingChangesNothing) {
  nn::Linear layer(2, 1);
  int calls = 0;
  layer.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) {
    ++calls;
    return Tensor();
  });
  const Tensor x = ones({1, 2});
  EXPECT_TRUE(same_bits(layer(x), layer.forward(x))) << "forward(x) itself runs no hooks";
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace catena::test
