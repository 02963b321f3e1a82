// ModuleList, ModuleDict and hooks of modules.
#include "catena/graph/autograd.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/module_list.hpp"
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
  expect_error<ArgumentError>([&] { list.at<nn::Linear>(0); },
                              {"[ModuleList] '0' is a ReLU; expected a Linear"});
  expect_error<UnsupportedError>([&] { list(ones({1})); }, {"ModuleList has no forward"});
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
