#include "catena/nn/graph_module.hpp"

#include <gtest/gtest.h>

#include "catena/graph/registry.hpp"
#include "catena/graph/trace.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::expect_error;

struct Block : nn::Module {
  nn::Linear inner{3, 3};
  Block() { add("inner", inner); }
  Tensor forward(Tensor x) override { return relu(inner(x)) * 0.5; }
};
struct Net : nn::Module {
  Block block;
  nn::Linear out{3, 2};
  nn::Buffer scale = register_buffer("scale", tensor({2, 2}));
  Net() {
    add("block", block);
    add("out", out);
  }
  Tensor forward(Tensor x) override { return out(dropout(block(x), 0.5, is_training())) * scale; }
};

Graph traced(Net& net) {
  TraceOptions options;
  options.parameters = net.named_parameters();
  for (const NamedTensor& buffer : net.named_buffers()) options.parameters.push_back(buffer);
  options.dynamic_axes = {{0, 0, "batch"}};
  return trace([&](const Tensor& x) { return net(x); }, randn({4, 3}), options);
}

TEST(GraphModule, HasTheNamesOfTheModel) {
  Net net;
  nn::GraphModule loaded(traced(net));
  ASSERT_EQ(loaded.named_parameters().size(), net.named_parameters().size());
  for (std::size_t i = 0; i < net.named_parameters().size(); ++i) {
    EXPECT_EQ(loaded.named_parameters()[i].first, net.named_parameters()[i].first);
    EXPECT_TRUE(loaded.named_parameters()[i].second.is_same(net.named_parameters()[i].second));
  }
  EXPECT_EQ(loaded.num_parameters(), net.num_parameters());
  std::vector<std::string> buffers;
  for (const auto& [name, t] : loaded.named_buffers()) buffers.push_back(name);
  EXPECT_EQ(buffers, (std::vector<std::string>{"scale", "constants.constant_0"}));
  // A state of the model is a state of the graph.
  EXPECT_NO_THROW(loaded.load_state(net.state()));
}

TEST(GraphModule, ObeysTheMode) {
  Net net;
  nn::GraphModule loaded(traced(net));
  const Tensor x = randn({64, 3});
  net.eval();
  loaded.eval();
  EXPECT_TRUE(test::same_bits(loaded(x), net(x)));
  loaded.train();
  EXPECT_FALSE(test::same_bits(loaded(x), net(x)));
}

// Names come from files, hostile ones too.
TEST(GraphModule, RefusesATreeTooDeepToWalk) {
  Graph graph;
  const Graph::ValueId x = graph.add_input("x", kFloat32, {1});
  std::string name = "a";
  for (int i = 0; i < 100'000; ++i) name += ".a";
  graph.add_output(
      "y", graph.add_node(OpValue(get_op("mul")), {x, graph.add_parameter(name, ones({1}))}));
  expect_error<ArgumentError>([&] { nn::GraphModule module(graph); },
                              {"a tensor's name has 100000 dots", "expected at most 100"});
}

TEST(GraphModule, SaysWhereItWasCalled) {
  Net net;
  nn::GraphModule loaded(traced(net));
  expect_error<ArgumentError>(
      [&] {
        loaded(randn({4, 5}));
      },
      {"input 'x' has shape [4, 5]; expected [batch, 3]", "graph_module_test.cpp"});
  nn::GraphModule two(
      trace([](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] + in[1]}; },
            {ones({1}), ones({1})}));
  expect_error<ArgumentError>([&] { two(ones({1})); }, {"2 inputs and 1 outputs"});
  EXPECT_TRUE(test::close(two.forward({ones({1}), ones({1})})[0], {2}));
}

}  // namespace
}  // namespace catena
