// Module: registration, names, handles, modes, state, conversion, errors.
#include <gtest/gtest.h>

#include <sstream>

#include "catena/graph/autograd.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/init.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

struct Net : nn::Module {
  nn::Linear fc1{4, 3}, fc2{3, 2};
  Net() {
    add("fc1", fc1);
    add("fc2", fc2);
  }
  Tensor forward(Tensor x) override { return fc2(relu(fc1(x))); }
};

// Parameters and buffers of its own, a part, a name that is also an op.
struct Scaled : nn::Module {
  nn::Parameter scale = register_parameter("scale", full({2}, 2.0));
  nn::Buffer shift = register_buffer("shift", ones({2}));
  nn::Buffer scratch = register_buffer("scratch", zeros({1}), false);
  Net net = register_module("net", Net());
  Tensor forward(Tensor x) override { return add(net(x) * scale, shift); }
};

std::vector<std::string> names(const std::vector<NamedTensor>& list) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : list) out.push_back(name);
  return out;
}
using Names = std::vector<std::string>;

TEST(Module, NamesFollowRegistration) {
  Scaled model;
  EXPECT_EQ(names(model.named_parameters()),
            (Names{"scale", "net.fc1.weight", "net.fc1.bias", "net.fc2.weight", "net.fc2.bias"}));
  EXPECT_EQ(names(model.named_buffers()), (Names{"shift", "scratch"}));
  EXPECT_EQ(names(model.state().tensors), (Names{"scale", "shift", "net.fc1.weight", "net.fc1.bias",
                                                 "net.fc2.weight", "net.fc2.bias"}));
  EXPECT_EQ(model.num_parameters(), 2 + 12 + 3 + 6 + 2);
  EXPECT_EQ(model.net.fc1.name(), "net.fc1");
  EXPECT_EQ(model.name(), "");
  EXPECT_EQ(model.type(), "Scaled");
}

TEST(Module, ComputesAndTrains) {
  Scaled model;
  const Tensor x = rand({5, 4});
  const Tensor y = model(x);
  const Tensor expected = model.net.forward(x) * 2 + 1;
  EXPECT_TRUE(same_bits(y.detach(), expected.detach()));
  sum(y).backward();
  for (const auto& [name, p] : model.named_parameters()) {
    ASSERT_TRUE(p.grad().defined()) << name;
    EXPECT_EQ(p.grad().shape(), p.shape()) << name;
  }
  EXPECT_FALSE(model.shift.grad().defined());
  model.zero_grad();
  for (const Tensor& p : model.parameters()) EXPECT_FALSE(p.grad().defined());
}

TEST(Module, CopiesShareParametersAndMode) {
  Net net;
  Net copy = net;
  const std::vector<Tensor> a = net.parameters(), b = copy.parameters();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].is_same(b[i]));
  copy.eval();
  EXPECT_FALSE(net.is_training());
  EXPECT_FALSE(net.fc2.is_training());
  const auto make = [] {
    Net local;
    nn::init::constant_(local.fc1.bias(), 7);
    return local;
  };
  const Net returned = make();
  EXPECT_EQ(returned.parameters()[1].to_vector()[0], 7);
  EXPECT_TRUE(returned.fc1.bias().is_same(returned.parameters()[1]));
  static_assert(!std::is_copy_assignable_v<Net> && !std::is_move_assignable_v<Net>);
  static_assert(std::is_copy_constructible_v<Net> && std::is_move_constructible_v<Net>);
}

TEST(Module, TiedTensorsAreListedOnce) {
  struct Tied : nn::Module {
    nn::Linear a{3, 3};
    nn::Linear b = a;
    Tied() {
      add("a", a);
      add("b", b);
    }
  };
  Tied tied;
  EXPECT_EQ(names(tied.named_parameters()), (Names{"a.weight", "a.bias"}));
  EXPECT_EQ(tied.num_parameters(), 12);
  EXPECT_EQ(names(tied.state().tensors), (Names{"a.weight", "a.bias", "b.weight", "b.bias"}));
  const Tensor x = ones({1, 3});
  sum(tied.b(tied.a(x))).backward();
  EXPECT_TRUE(tied.a.weight().grad().is_same(tied.b.weight().grad()));
}

TEST(Module, ModesReachAllParts) {
  struct Model : nn::Module {
    nn::Sequential body = add("body", nn::Sequential(nn::Linear(2, 2), nn::Dropout(0.5)));
  };
  Model model;
  EXPECT_TRUE(model.is_training());
  model.eval();
  EXPECT_FALSE(model.body[1].is_training());
  model.train();
  EXPECT_TRUE(model.body[1].is_training());
  model.requires_grad(false);
  EXPECT_EQ(model.num_parameters(), 6);
  EXPECT_EQ(model.num_parameters(true), 0);
  EXPECT_FALSE(model.body(ones({1, 2})).requires_grad());
}

TEST(Module, StateGoesIntoAnotherModel) {
  Scaled a, b;
  const Tensor x = rand({3, 4});
  EXPECT_FALSE(same_bits(a(x).detach(), b(x).detach()));
  b.load_state(a.state());
  EXPECT_TRUE(same_bits(a(x).detach(), b(x).detach()));
  EXPECT_FALSE(a.scale.is_same(b.scale)) << "values are copied";
  const State snapshot = a.state().clone();
  nn::init::zeros_(a.scale);
  EXPECT_TRUE(close(*snapshot.find_tensor("scale"), {2, 2}));
}

TEST(Module, LoadingNamesEverythingThatDoesNotFit) {
  Net net;
  State state = net.state().clone();
  state.tensors[0].first = "fc3.weight";
  state.tensors[3].second = zeros({5});
  const Tensor before = net.fc1.bias().detach().clone();
  state.tensors[1].second = full({3}, 9.0);
  expect_error<ArgumentError>([&] { net.load_state(state); },
                              {"[load_state]", "does not fit Net", "missing: 'fc1.weight'",
                               "not in the model: 'fc3.weight'",
                               "'fc2.bias' is [5], the model's is [2]", "module_test.cpp"});
  EXPECT_TRUE(same_bits(net.fc1.bias().detach(), before)) << "a refused state must change nothing";
  state.tensors[3].second = zeros({2});
  const nn::LoadStateReport report = net.load_state(state, false);
  EXPECT_EQ(report.missing, (Names{"fc1.weight"}));
  EXPECT_EQ(report.unexpected, (Names{"fc3.weight"}));
  EXPECT_TRUE(close(net.fc1.bias(), {9, 9, 9}));
}

TEST(Module, AParameterKeepsTheTensorThatIsRegistered) {
  Scaled model;
  model.scale = model.scale;
  expect_error<ArgumentError>([&] { model.scale = zeros({2}); },
                              {"[parameter]", "is assigned another", "copy_(value)"});
  EXPECT_TRUE(model.scale.is_same(model.parameters()[0]));
  EXPECT_TRUE(close(model.scale, {2, 2}));
  nn::Parameter later;
  later = model.scale;
  EXPECT_TRUE(later.is_same(model.scale));
}

TEST(Module, ListsItsPartsAsHandles) {
  Scaled model;
  Names children, modules, types;
  for (const auto& [name, child] : model.net.named_children()) children.push_back(name);
  for (const auto& [name, module] : model.named_modules()) {
    modules.push_back(name);
    types.push_back(module.type());
  }
  EXPECT_EQ(children, (Names{"fc1", "fc2"}));
  EXPECT_EQ(modules, (Names{"", "net", "net.fc1", "net.fc2"}));
  EXPECT_EQ(types, (Names{"Scaled", "Net", "Linear", "Linear"}));

  std::vector<nn::Module> parts = model.net.children();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_TRUE(parts[1].parameters()[0].is_same(model.net.fc2.weight()));
  parts[0].eval();
  EXPECT_FALSE(model.net.fc1.is_training());
  int calls = 0;
  parts[1].register_forward_hook([&](nn::Module& m, const Tensor&, const Tensor&) {
    EXPECT_EQ(m.type(), "Linear");
    ++calls;
    return Tensor();
  });
  model(ones({1, 4}));
  EXPECT_EQ(calls, 1);
  expect_error<UnsupportedError>(
      [&] {
        parts[0](ones({1, 4}));
      },
      {"[Linear] a handle of Linear without its forward",
       "call the member or the container's entry"});
}

TEST(Module, AppliesAFunctionToPartsFirst) {
  Scaled model;
  Names order;
  model.apply([&](nn::Module& m) {
    order.push_back(m.type());
    if (m.type() == "Linear") nn::init::constant_(*m.state().find_tensor("bias"), 3);
  });
  EXPECT_EQ(order, (Names{"Linear", "Linear", "Net", "Scaled"}));
  EXPECT_TRUE(close(model.net.fc2.bias(), {3, 3}));
  EXPECT_TRUE(close(model.scale, {2, 2}));
}

TEST(Module, APartThatIsSharedIsListedOnce) {
  nn::Linear shared(2, 2);
  nn::Sequential net(shared, nn::ReLU(), shared);
  EXPECT_EQ(net.named_modules().size(), 3u);
  EXPECT_EQ(net.children().size(), 3u);
}

TEST(Module, ConvertsInPlace) {
  Net net;
  const Tensor weight = net.fc1.weight();
  const std::vector<double> before = weight.to_vector();
  sum(net(ones({1, 4}))).backward();
  net.to(kFloat64);
  EXPECT_EQ(weight.dtype(), kFloat64);
  EXPECT_TRUE(weight.is_same(net.fc1.weight())) << "optimizers hold this tensor";
  EXPECT_TRUE(weight.requires_grad());
  EXPECT_EQ(weight.grad().dtype(), kFloat64);
  EXPECT_TRUE(close(weight, before, 0, 0));
  EXPECT_EQ(net(ones({1, 4}, kFloat64)).dtype(), kFloat64);
  net.to(kFloat32);
  EXPECT_TRUE(close(weight, before, 0, 0));
}

TEST(Module, ATapeNoticesThatAValueItSavedWasConverted) {
  Scaled model;
  const Tensor loss = sum(model(ones({1, 4})));
  model.to(kFloat64);
  model.to(kFloat32);
  expect_error<ArgumentError>([&] { loss.backward(); }, {"version"});
}

TEST(Module, ShapeErrorsNameTheLayerAndTheLineOfItsCall) {
  struct Wrong : nn::Module {
    nn::Linear first = add("first", nn::Linear(4, 3)), second = add("second", nn::Linear(5, 2));
    int line = 0;
    Tensor forward(Tensor x) override {
      line = __LINE__ + 1;
      return second(first(x));
    }
  };
  Wrong model;
  try {
    model(ones({2, 4}));
    FAIL() << "nothing was thrown";
  } catch (const ArgumentError& e) {
    EXPECT_EQ(std::string(e.what()),
              "[linear] second: x is [2, 3], but Linear(5, 2) takes [.., 5]; its weight is [2, 5]. "
              "(called at module_test.cpp:" +
                  std::to_string(model.line) + ")");
  }
  nn::Sequential sequence(nn::Linear(4, 3), nn::ReLU(), nn::Linear(5, 2));
  const Tensor x = ones({2, 4});
  const std::string line = "module_test.cpp:" + std::to_string(__LINE__ + 1);
  const auto call_sequence = [&] { return sequence(x); };
  expect_error<ArgumentError>(call_sequence, {"[linear] 2: x is [2, 3]", line.c_str()});
  expect_error<ArgumentError>(
      [&] {
        model.first(ones({2, 4}, kFloat64));
      },
      {"x is float64", "the weight is float32"});
  expect_error<ArgumentError>([&] { model.first(tensor(1.0)); }, {"x is []"});
}

TEST(Module, RefusesWrongRegistrations) {
  struct Empty : nn::Module {};
  Empty m, part;
  expect_error<ArgumentError>([&] { m.add("", part); }, {"[register_module]", "empty"});
  expect_error<ArgumentError>([&] { m.add("a.b", part); }, {"'a.b'", "dot"});
  m.add("part", part);
  expect_error<ArgumentError>([&] { m.register_parameter("part", ones({1})); },
                              {"[register_parameter]", "'part' is used already"});
  expect_error<ArgumentError>([&] { part.add("m", m); }, {"cannot be a part of itself"});
  expect_error<ArgumentError>([&] { m.add("self", m); }, {"cannot be a part of itself"});
  expect_error<ArgumentError>([&] { m.register_buffer("b", Tensor()); }, {"not a tensor"});
  expect_error<ArgumentError>([&] { m.register_parameter("i", zeros({1}, kInt64)); }, {"int64"});
  expect_error<UnsupportedError>([&] { m(ones({1})); }, {"[Empty]", "override", "forward"});
}

TEST(Module, PrintsItsParts) {
  Scaled model;
  std::ostringstream out;
  out << model;
  EXPECT_EQ(out.str(),
            "Scaled(\n"
            "  (net): Net(\n"
            "    (fc1): Linear(in_features=4, out_features=3, bias=true)\n"
            "    (fc2): Linear(in_features=3, out_features=2, bias=true)\n"
            "  )\n"
            ")");
}

}  // namespace
}  // namespace catena::test
