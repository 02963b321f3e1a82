#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>

#include "../support.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/nn/clone.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "catena/serialization/save_load.hpp"
#include "onnx_builder.hpp"

namespace catena {
namespace {

using namespace test;

// y = relu(x w^T + b), x [n, 2], w [3, 2].
GraphParts linear_parts() {
  return {{node("Gemm", {"x", "fc.weight", "fc.bias"}, {"h"}, {integer_attribute("transB", 1)}),
           node("Relu", {"h"}, {"y"})},
          {floats("fc.weight", {3, 2}, {1, 2, 3, 4, 5, 6}), floats("fc.bias", {3}, {0, -20, 1})},
          {value("x", {-1, 2})},
          {value("y", {-1, 3})}};
}

TEST(OnnxImport, AModelComputes) {
  OnnxModel m = parse_onnx(model(linear_parts()));
  EXPECT_EQ(m(tensor({{1, 1}, {2, 0}})).to_vector<float>(),
            (std::vector<float>{3, 0, 12, 2, 0, 11}));
  ASSERT_EQ(m.inputs().size(), 1u);
  EXPECT_EQ(m.inputs()[0].name, "x");
  EXPECT_EQ(m.inputs()[0].shape[0].name, "n");
  EXPECT_EQ(m.inputs()[0].shape[1].size, 2);
  EXPECT_EQ(m.info().opset, 17);
  EXPECT_EQ(m.info().producer, "tests");
  EXPECT_FALSE(m.is_training());
}

TEST(OnnxImport, ParametersKeepTheirNamesAndTrain) {
  OnnxModel m = parse_onnx(model(linear_parts()));
  const auto parameters = m.named_parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].first, "fc.weight");
  EXPECT_EQ(parameters[1].first, "fc.bias");
  sum(m(tensor({{1, 1}}))).backward();
  EXPECT_EQ(parameters[0].second.grad().to_vector<float>(), (std::vector<float>{1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(parameters[1].second.grad().to_vector<float>(), (std::vector<float>{1, 0, 1}));
}

TEST(OnnxImport, ACloneHasItsOwnParameters) {
  OnnxModel m = parse_onnx(model(linear_parts()));
  OnnxModel copy = nn::clone(m);
  {
    NoGrad off;
    m.parameters()[0].fill_(0);
  }
  EXPECT_EQ(copy(tensor({{1, 1}})).to_vector<float>(), (std::vector<float>{3, 0, 12}));
  EXPECT_EQ(m(tensor({{1, 1}})).to_vector<float>(), (std::vector<float>{0, 0, 1}));
}

TEST(OnnxImport, OneInitializerInTwoPlacesIsOneParameter) {
  GraphParts p = linear_parts();
  p.nodes = {node("MatMul", {"x", "w"}, {"h"}), node("MatMul", {"h", "w"}, {"y"})};
  p.initializers = {floats("w", {2, 2}, {1, 0, 1, 1})};
  p.outputs = {value("y", {-1, 2})};
  OnnxModel m = parse_onnx(model(p));
  ASSERT_EQ(m.parameters().size(), 1u);
  sum(m(tensor({{1, 2}}))).backward();
  EXPECT_EQ(m.parameters()[0].grad().to_vector<float>(), (std::vector<float>{4, 5, 4, 6}));
}

TEST(OnnxImport, AGraphFollowsTheNamedSize) {
  OnnxModel m = parse_onnx(model(linear_parts()));
  const Graph graph = m.to_graph();
  ASSERT_EQ(graph.axes().size(), 1u);
  EXPECT_EQ(graph.axes()[0].name, "n");
  EXPECT_EQ(graph.inputs()[0].name, "x");
  EXPECT_EQ(graph.parameters()[0].name, "fc.weight");
  const Tensor x = tensor({{1, 1}, {2, 0}, {0, 1}});
  EXPECT_TRUE(same_bits(graph({x})[0], m(x)));
}

// Shape -> Gather -> Concat -> Reshape, as exporters write a flattening.
TEST(OnnxImport, ShapeArithmeticEndsInAttributes) {
  GraphParts p;
  p.nodes = {node("Shape", {"x"}, {"s"}),
             node("Gather", {"s", "zero"}, {"n"}, {integer_attribute("axis", 0)}),
             node("Unsqueeze", {"n", "axes"}, {"n1"}),
             node("Mul", {"two", "three"}, {"six"}),
             node("Concat", {"n1", "six"}, {"to"}, {integer_attribute("axis", 0)}),
             node("Reshape", {"x", "to"}, {"y"})};
  p.initializers = {tensor<std::int64_t>("zero", {}, 7, {0}), integers("axes", {0}),
                    integers("two", {2}), integers("three", {3})};
  p.inputs = {value("x", {-1, 2, 3})};
  p.outputs = {value("y", {-1, 6})};
  OnnxModel m = parse_onnx(model(p));
  EXPECT_TRUE(m.parameters().empty());
  const Graph graph = m.to_graph();
  EXPECT_EQ(graph.nodes().size(), 1u) << graph;
  EXPECT_EQ(graph({zeros({5, 2, 3})})[0].shape(), Shape({5, 6}));
}

GraphParts batch_norm_parts() {
  return {{node("BatchNormalization", {"x", "scale", "shift", "mean", "var"}, {"h"}),
           node("Dropout", {"h", "ratio"}, {"y"})},
          {floats("scale", {2}, {1, 1}), floats("shift", {2}, {0, 0}), floats("mean", {2}, {1, 2}),
           floats("var", {2}, {4, 4}), floats("ratio", {}, {0.5})},
          {value("x", {-1, 2})},
          {value("y", {-1, 2})}};
}

TEST(OnnxImport, BatchNormAndDropoutComeBackToTraining) {
  OnnxModel m = parse_onnx(model(batch_norm_parts()));
  ASSERT_EQ(m.parameters().size(), 2u);
  const auto buffers = m.named_buffers();
  ASSERT_EQ(buffers.size(), 2u);
  EXPECT_EQ(buffers[0].first, "mean");
  const Tensor x = tensor({{1, 2}, {5, 10}});
  EXPECT_TRUE(close(m(x), {0, 0, 2, 4}, 1e-4));
  m.train();
  const std::vector<float> y = m(x).to_vector<float>();
  for (const float v : y) EXPECT_TRUE(v == 0 || std::abs(std::abs(v) - 2) < 1e-4) << v;
  // 0.9 old + 0.1 new, the variance unbiased.
  EXPECT_TRUE(close(buffers[0].second, {1.2, 2.4}));
  EXPECT_TRUE(close(buffers[1].second, {4.4, 6.8}));

  OnnxLoadOptions keep;
  keep.keep_evaluation = true;
  OnnxModel kept = parse_onnx(model(batch_norm_parts()), keep);
  kept.train();
  EXPECT_TRUE(close(kept(x), {0, 0, 2, 4}, 1e-4));
}

TEST(OnnxImport, OtherOutputsLeaveOutWhatTheyDoNotNeed) {
  GraphParts p = linear_parts();
  p.nodes.push_back(node("MatMul", {"y", "head"}, {"z"}));
  p.nodes.push_back(node("NoSuchOperator", {"z"}, {"end"}));
  p.initializers.push_back(floats("head", {3, 1}, {1, 1, 1}));
  p.outputs = {value("end", {-1, 1})};
  OnnxLoadOptions options;
  options.outputs = {"y"};
  OnnxModel m = parse_onnx(model(p), options);
  EXPECT_EQ(m.parameters().size(), 2u);
  EXPECT_EQ(m(tensor({{1, 1}})).shape(), Shape({1, 3}));
  options.outputs = {"nothing"};
  expect_error<ArgumentError>([&] { parse_onnx(model(p), options); },
                              {"[load_onnx]", "no value 'nothing'"});
}

TEST(OnnxImport, FixedInputs) {
  GraphParts p;
  p.nodes = {node("Reshape", {"x", "to"}, {"y"})};
  p.inputs = {value("x", {2, 3}), value("to", {2}, 7)};
  p.outputs = {value("y", {3, 2})};
  OnnxModel asks = parse_onnx(model(p));
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}}), to = tensor({3, 2}, kInt64);
  EXPECT_EQ(asks.forward({x, to})[0].shape(), Shape({3, 2}));
  expect_error<ArgumentError>([&] { asks.to_graph({x, to}); }, {"read on the host", "Reshape"});
  OnnxLoadOptions options;
  options.fixed_inputs = {{"to", to}};
  OnnxModel fixed = parse_onnx(model(p), options);
  EXPECT_EQ(fixed.inputs().size(), 1u);
  EXPECT_EQ(fixed.to_graph()({x})[0].shape(), Shape({3, 2}));
}

// An old file lists its initializers as inputs too.
TEST(OnnxImport, InitializersAsInputs) {
  GraphParts p = linear_parts();
  p.inputs.push_back(value("fc.weight", {3, 2}));
  p.inputs.push_back(value("fc.bias", {3}));
  EXPECT_EQ(parse_onnx(model(p)).inputs().size(), 1u);
}

TEST(OnnxImport, AFunctionIsPutInPlaceOfItsCall) {
  // twice(a) = a * by + a, with the attribute "by" of the call.
  const std::string constant = node(
      "Constant", {}, {"k"},
      {[] { return Message().bytes(1, "value_float").number(20, 1).bytes(21, "by").bytes(); }()});
  const std::string function = Message()
                                   .bytes(1, "scaled")
                                   .bytes(4, "a")
                                   .bytes(5, "b")
                                   .bytes(6, "by")
                                   .bytes(7, constant)
                                   .bytes(7, node("Mul", {"a", "k"}, {"m"}))
                                   .bytes(7, node("Add", {"m", "a"}, {"b"}))
                                   .bytes(9, Message().number(2, 17).bytes())
                                   .bytes(10, "own");
  GraphParts p;
  p.nodes = {node("scaled", {"x"}, {"h"}, {real_attribute("by", 2)}, "own"),
             node("scaled", {"h"}, {"y"}, {real_attribute("by", 3)}, "own")};
  p.inputs = {value("x", {2})};
  p.outputs = {value("y", {2})};
  OnnxModel m = parse_onnx(model(p, 17, {function}));
  EXPECT_EQ(m(tensor({1, 2})).to_vector<float>(), (std::vector<float>{12, 24}));
}

TEST(OnnxImport, OpsOfTheRegistryHaveTheDomainCatena) {
  const std::string slope = Message()
                                .bytes(1, "negative_slope")
                                .bytes(5, tensor<double>("", {}, 11, {0.25}))
                                .number(20, 4);
  GraphParts p;
  p.nodes = {
      node("leaky_relu", {"x"}, {"y"}, {slope, integer_attribute("op_version", 1)}, "catena")};
  p.inputs = {value("x", {2})};
  p.outputs = {value("y", {2})};
  EXPECT_EQ(parse_onnx(model(p))(tensor({-4, 2})).to_vector<float>(), (std::vector<float>{-1, 2}));
  p.nodes = {node("leaky_relu", {"x"}, {"y"}, {integer_attribute("op_version", 9)}, "catena")};
  expect_error<UnsupportedError>(
      [&] {
        parse_onnx(model(p))(tensor({-4, 2}));
      },
      {"version 9 of the op; this process has version 1"});
  p.nodes = {node("no_such_op", {"x"}, {"y"}, {}, "catena")};
  expect_error<UnsupportedError>([&] { parse_onnx(model(p)); }, {"catena.no_such_op"});
}

TEST(OnnxImport, EverythingUnsupportedIsNamedAtOnce) {
  GraphParts p = linear_parts();
  p.nodes = {node("NonMaxSuppression", {"x", "x"}, {"a"}), node("FancyOp", {"a"}, {"b"}),
             node("Thing", {"b"}, {"y"}, {}, "com.example")};
  expect_error<UnsupportedError>([&] { parse_onnx(model(p)); },
                                 {"[load_onnx] (memory): needs what is not supported: ",
                                  "FancyOp, NonMaxSuppression", "com.example.Thing"});
  p.nodes = {node("Relu", {"x"}, {"h"}), node("Gelu", {"h"}, {"y"})};
  expect_error<UnsupportedError>([&] { parse_onnx(model(p, 17)); },
                                 {"Gelu (opset 17; known from 20)"});
  expect_error<UnsupportedError>([&] { parse_onnx(model(p, 99)); },
                                 {"Relu (opset 99; known up to 28)"});
}

TEST(OnnxImport, DamagedGraphs) {
  const auto broken = [](const GraphParts& p, std::initializer_list<const char*> parts) {
    expect_error<SystemError>([&] { parse_onnx(model(p)); }, parts);
  };
  GraphParts p = linear_parts();
  p.nodes = {node("Relu", {"later"}, {"y"}), node("Relu", {"x"}, {"later"})};
  broken(p, {"node 'Relu_node' (Relu): its input 'later' is not defined before it"});
  p.nodes = {node("Relu", {"x"}, {"y"}), node("Tanh", {"x"}, {"y"})};
  broken(p, {"'y' is defined twice"});
  p.nodes = {node("Relu", {"x"}, {"z"})};
  broken(p, {"output: 'y' is not defined"});
  p.outputs.clear();
  broken(p, {"output: the graph has none"});
  p = linear_parts();
  p.initializers[1] = floats("fc.bias", {3}, {1});
  broken(p, {"initializer 'fc.bias'", "raw_data: 4 bytes; float32 [3] needs 12"});
  expect_error<SystemError>([] { parse_onnx("not a model"); }, {"not an ONNX model"});
  expect_error<SystemError>([] { parse_onnx(""); }, {"ir_version: missing"});
}

TEST(OnnxImport, Budgets) {
  OnnxLoadOptions options;
  options.max_nodes = 1;
  expect_error<ArgumentError>([&] { parse_onnx(model(linear_parts()), options); },
                              {"more than 1 nodes; raise max_nodes"});
  options = {};
  options.max_bytes = 300;
  GraphParts p;
  p.nodes = {node("ConstantOfShape", {"s"}, {"y"})};
  p.initializers = {integers("s", {1 << 20, 1 << 20, 1 << 10})};
  p.outputs = {value("y", {})};
  expect_error<ArgumentError>(
      [&] { parse_onnx(model(p), options); },
      {"ConstantOfShape", "needs more than the 300 bytes", "raise max_bytes"});
  options.max_bytes = 10;
  expect_error<ArgumentError>([&] { parse_onnx(model(p), options); }, {"the options allow 10"});
  // All operators whose result may be larger than what they are given, by a number in the file.
  options.max_bytes = 4000;
  const std::string sizes = integers("sizes", {1 << 15, 1 << 15});
  const auto too_large = [&](const std::string& enlarging) {
    GraphParts q;
    q.nodes = {enlarging};
    q.initializers = {sizes,
                      integers("pads", {0, 0, 1 << 15, 1 << 15}),
                      floats("scales", {2}, {1e4f, 1e4f}),
                      tensor<std::int64_t>("zero", {}, 7, {0}),
                      tensor<std::int64_t>("one", {}, 7, {1}),
                      tensor<std::int64_t>("many", {}, 7, {1 << 30}),
                      integers("hot", {0, 1})};
    q.inputs = {value("x", {1, 1})};
    q.outputs = {value("y", {})};
    expect_error<ArgumentError>(
        [&] {
          parse_onnx(model(q), options).forward({ones({1, 1})});
        },
        {"needs more than the 4000 bytes", "raise max_bytes"});
  };
  too_large(node("ConstantOfShape", {"sizes"}, {"y"}));
  too_large(node("Expand", {"x", "sizes"}, {"y"}));
  too_large(node("Tile", {"x", "sizes"}, {"y"}));
  too_large(node("Pad", {"x", "pads"}, {"y"}));
  too_large(node("Range", {"zero", "many", "one"}, {"y"}));
  too_large(node("Resize", {"x", "", "", "sizes"}, {"y"}));
  too_large(node("Resize", {"x", "", "scales"}, {"y"}));
  too_large(node("OneHot", {"one", "many", "hot"}, {"y"}));
  too_large(node("RandomNormal", {}, {"y"}, {integers_attribute("shape", {1 << 15, 1 << 15})}));
  // A function that calls itself never ends.
  const std::string endless = Message()
                                  .bytes(1, "f")
                                  .bytes(4, "a")
                                  .bytes(5, "b")
                                  .bytes(7, node("f", {"a"}, {"b"}, {}, "own"))
                                  .bytes(9, Message().number(2, 17).bytes())
                                  .bytes(10, "own");
  p = linear_parts();
  p.nodes = {node("f", {"x"}, {"y"}, {}, "own")};
  expect_error<ArgumentError>([&] { parse_onnx(model(p, 17, {endless})); },
                              {"nested deeper than 64; raise max_depth"});
  // Bodies in bodies: protobuf's own limit comes first.
  std::string body = graph({{node("Identity", {"x"}, {"y"})}, {}, {}, {value("y", {2})}});
  for (int i = 0; i < 1000; ++i)
    body =
        graph({{node("If", {"c"}, {"y"},
                     {graph_attribute("then_branch", body), graph_attribute("else_branch", "")})},
               {},
               {},
               {value("y", {2})}});
  p = linear_parts();
  p.nodes = {node("If", {"c"}, {"y"}, {graph_attribute("then_branch", body)})};
  expect_error<SystemError>([&] { parse_onnx(model(p)); }, {"not an ONNX model"});
}

// Models that would take hours where a reader compares each name with each.
TEST(OnnxImport, FloodsAreReadQuickly) {
  constexpr int kBits = 12;
  GraphParts p;
  std::vector<std::string> names;
  for (int i = 0; i < 1 << kBits; ++i) {  // as modules all have the same name
    std::string name = "w";
    for (int b = 0; b < kBits; ++b) name += i >> b & 1 ? ".." : "__";
    p.initializers.push_back(floats(name, {1}, {1}));
    names.push_back(name);
  }
  names.insert(names.begin(), "x");
  p.nodes = {node("Sum", names, {"y"})};
  for (int i = 0; i < 50'000; ++i)
    p.nodes.push_back(node("Relu", {"y"}, {"y" + std::to_string(i)}));
  p.inputs = {value("x", {1})};
  p.outputs = {value("y49999", {1})};
  for (int i = 0; i < 5'000; ++i) p.outputs.push_back(value("y", {1}));
  OnnxLoadOptions options;
  options.max_seconds = 60;
  OnnxModel m = parse_onnx(model(p), options);
  EXPECT_EQ(m.named_parameters().size(), std::size_t{1} << kBits);
  EXPECT_EQ(m.to_graph().outputs().size(), 5'001u);
}

TEST(OnnxImport, ABranchAndALoop) {
  // y = loop 3 times { v = v + x }, from v = 0, gathering each v; then negated if c.
  const std::string body =
      graph({{node("Identity", {"go"}, {"go_on"}), node("Add", {"v", "x"}, {"w"}),
              node("Identity", {"w"}, {"each"})},
             {},
             {value("i", {}, 7), value("go", {}, 9), value("v", {2})},
             {value("go_on", {}, 9), value("w", {2}), value("each", {2})}});
  const std::string yes = graph({{node("Neg", {"end"}, {"a"})}, {}, {}, {value("a", {2})}});
  const std::string no = graph({{node("Identity", {"end"}, {"b"})}, {}, {}, {value("b", {2})}});
  GraphParts p;
  p.nodes = {node("Loop", {"n", "", "zero"}, {"end", "all"}, {graph_attribute("body", body)}),
             node("If", {"c"}, {"y"},
                  {graph_attribute("then_branch", yes), graph_attribute("else_branch", no)})};
  p.initializers = {tensor<std::int64_t>("n", {}, 7, {3}), floats("zero", {2}, {0, 0})};
  p.inputs = {value("x", {2}), value("c", {}, 9)};
  p.outputs = {value("y", {2}), value("all", {3, 2})};
  OnnxModel m = parse_onnx(model(p));
  Tensor x = tensor({1, 2});
  x.set_requires_grad();
  const std::vector<Tensor> out = m.forward({x, full({}, true, kBool)});
  EXPECT_EQ(out[0].to_vector<float>(), (std::vector<float>{-3, -6}));
  EXPECT_EQ(out[1].to_vector<float>(), (std::vector<float>{1, 2, 2, 4, 3, 6}));
  sum(out[0]).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{-3, -3}));
  EXPECT_EQ(m.forward({x, full({}, false, kBool)})[0].to_vector<float>(),
            (std::vector<float>{3, 6}));

  // Without a number of rounds it goes on until the budget ends it.
  p.nodes[0] = node("Loop", {"", "", "zero"}, {"end"}, {graph_attribute("body", body)});
  p.outputs.pop_back();
  OnnxLoadOptions options;
  options.max_steps = 1000;
  OnnxModel endless = parse_onnx(model(p), options);
  expect_error<ArgumentError>(
      [&] {
        endless.forward({x, full({}, true, kBool)});
      },
      {"more than 1000 nodes", "raise max_steps"});
  options = {};
  options.max_seconds = 0.02;
  OnnxModel timed = parse_onnx(model(p), options);
  expect_error<ArgumentError>(
      [&] {
        timed.forward({x, full({}, true, kBool)});
      },
      {"took more than 0.02 seconds", "raise max_seconds"});
}

// Numbers that no exporter writes: an error that names the node, never a crash or a wait.
TEST(OnnxImport, HostileAttributes) {
  const auto refused = [](const std::string& hostile, const char* why, int opset = 18) {
    GraphParts p;
    p.nodes = {hostile};
    p.initializers = {floats("w", {2, 2, 1, 1}, {1, 2, 3, 4}),
                      tensor<std::int64_t>("huge", {}, 7, {std::int64_t{1} << 62}),
                      integers("sizes", {std::int64_t{1} << 40, std::int64_t{1} << 40})};
    p.inputs = {value("x", {1, 2, 4, 4})};
    p.outputs = {value("y", {})};
    const Tensor x = ones({1, 2, 4, 4});
    expect_error<ArgumentError>([&] { parse_onnx(model(p, opset)).forward({x}); },
                                {why, "(in ONNX node "});
  };
  const std::int64_t large = std::int64_t{1} << 40;
  refused(node("Split", {"x"}, {"y"}, {integer_attribute("num_outputs", large)}), "num_outputs");
  refused(node("Conv", {"x", "w"}, {"y"}, {integer_attribute("group", 0)}), "groups 0");
  refused(node("Conv", {"x", "w"}, {"y"}, {integers_attribute("strides", {0, 1})}), "strides 0");
  refused(node("Conv", {"x", "w"}, {"y"}, {integers_attribute("dilations", {1, 1, 1})}),
          "dilations has 3 numbers; expected 2");
  refused(node("Conv", {"x", "w"}, {"y"}, {integers_attribute("pads", {1, 1})}),
          "pads has 2 numbers; expected 4");
  refused(node("Conv", {"x", "w"}, {"y"}, {integers_attribute("kernel_shape", {3, 3})}),
          "kernel_shape [3, 3]; the weight has [1, 1]");
  refused(node("MaxPool", {"x"}, {"y"}), "kernel_shape must have 2 numbers");
  refused(
      node("AveragePool", {"x"}, {"y"},
           {integers_attribute("kernel_shape", {2, 2}), integers_attribute("dilations", {9, 9})}),
      "does not fit", 19);
  refused(node("Concat", {"x"}, {"y"}, {integer_attribute("axis", 99)}), "axis 99");
  refused(node("Concat", {"x"}, {"y"}), "attribute 'axis' is missing");
  refused(node("Transpose", {"x"}, {"y"}, {integers_attribute("perm", {0, 0, 1, 2})}),
          "[transpose]");
  refused(node("DepthToSpace", {"x"}, {"y"}, {integer_attribute("blocksize", 0)}), "blocksize 0");
  refused(node("Softmax", {"x"}, {"y"}, {real_attribute("axis", 1)}), "of another type");
  refused(node("Expand", {"x", "sizes"}, {"y"}), "does not broadcast");
  refused(node("TopK", {"x", "huge"}, {"y", "i"}), "k 4611686018427387904");
  refused(node("OneHot", {"huge", "huge", "sizes"}, {"y"}), "depth");
  // A loop whose body computes nothing, for ever.
  const std::string body = graph({{},
                                  {},
                                  {value("i", {}, 7), value("go", {}, 9), value("v", {})},
                                  {value("go", {}, 9), value("v", {})}});
  GraphParts p;
  p.nodes = {node("Loop", {"", "", "x"}, {"y"}, {graph_attribute("body", body)})};
  p.inputs = {value("x", {2})};
  p.outputs = {value("y", {2})};
  OnnxLoadOptions options;
  options.max_steps = 1000;
  OnnxModel endless = parse_onnx(model(p), options);
  expect_error<ArgumentError>([&] { endless.forward({zeros({2})}); }, {"raise max_steps"});
  options = {};
  options.max_seconds = 0.02;
  OnnxModel timed = parse_onnx(model(p), options);
  expect_error<ArgumentError>(
      [&] { timed.forward({zeros({2})}); },
      {"[OnnxModel] one call: took more than 0.02 seconds; raise max_seconds"});
}

TEST(OnnxImport, Inputs) {
  OnnxModel m = parse_onnx(model(linear_parts()));
  expect_error<ArgumentError>(
      [&] {
        m(zeros({2, 3}));
      },
      {"input 'x' is float32 [2, 3]; expected float32 [n, 2]"});
  expect_error<ArgumentError>([&] { m(zeros({2, 2}, kFloat64)); }, {"float64"});
  expect_error<ArgumentError>(
      [&] {
        m.forward({zeros({2, 2}), zeros({2})});
      },
      {"2 inputs; the model takes 1"});
}

TEST(OnnxImport, AnErrorNamesItsNode) {
  GraphParts p = linear_parts();
  p.initializers[1] = floats("fc.bias", {2}, {1, 2});
  OnnxModel m = parse_onnx(model(p));
  expect_error<ArgumentError>([&] { m(zeros({1, 2})); }, {"(in ONNX node Gemm 'Gemm_node')"});
}

// Two names of which one is the path of the other, or that a module cannot have.
TEST(OnnxImport, AnyNamesOfTensors) {
  GraphParts p = linear_parts();
  p.nodes = {node("Mul", {"x", "a"}, {"1"}), node("Mul", {"1", "a.b"}, {"2"}),
             node("Mul", {"2", "..c"}, {"y"})};
  p.initializers = {floats("a", {2}, {1, 2}), floats("a.b", {2}, {1, 2}),
                    floats("..c", {2}, {1, 2})};
  OnnxModel m = parse_onnx(model(p));
  const auto parameters = m.named_parameters();
  ASSERT_EQ(parameters.size(), 3u);
  EXPECT_EQ(parameters[1].first, "a_b");
  EXPECT_EQ(parameters[2].first, "__c");
  EXPECT_EQ(m(tensor({{1, 1}})).to_vector<float>(), (std::vector<float>{1, 8}));
  // A name of a hundred thousand parts: a tree of modules so deep could not be walked.
  std::string deep = "a";
  for (int i = 0; i < 100'000; ++i) deep += ".a";
  p.nodes = {node("Mul", {"x", deep}, {"y"})};
  p.initializers = {floats(deep, {2}, {1, 2})};
  EXPECT_EQ(parse_onnx(model(p)).named_parameters()[0].first.find('.'), std::string::npos);
}

class OnnxExternalData : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "onnx_external_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/model/sub");
    for (const char* name : {"/secret.bin", "/model/w.bin", "/model/sub/w.bin"})
      write(folder_ + name, weights_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  // y = x + w with w [2] in another file.
  std::string save(const std::vector<std::pair<std::string, std::string>>& entries) {
    Message w;
    w.number(1, 2).number(2, 1).bytes(8, "w");
    for (const auto& [key, text] : entries)
      w.bytes(13, Message().bytes(1, key).bytes(2, text).bytes());
    w.number(14, 1);
    GraphParts p;
    p.nodes = {node("Add", {"x", "w"}, {"y"})};
    p.initializers = {w};
    p.inputs = {value("x", {2})};
    p.outputs = {value("y", {2})};
    model_ = model(p);
    write(folder_ + "/model/m.onnx", model_);
    return folder_ + "/model/m.onnx";
  }
  void refused(const std::vector<std::pair<std::string, std::string>>& entries, const char* why) {
    const std::string path = save(entries);
    expect_error<SystemError>([&] { load_onnx(path); }, {"initializer 'w'", why});
  }
  const std::string weights_{"\0\0\0\0\0\0\x80\x3f\0\0\0\x40", 12};  // 0, 1, 2
  std::string folder_, model_;
};

TEST_F(OnnxExternalData, IsRead) {
  OnnxModel m = load_onnx(save({{"location", "sub/w.bin"}, {"offset", "4"}, {"length", "8"}}));
  EXPECT_EQ(m(tensor({1, 1})).to_vector<float>(), (std::vector<float>{2, 3}));
  expect_error<UnsupportedError>([&] { parse_onnx(model_); }, {"another file", "from a file"});
}

TEST_F(OnnxExternalData, StaysBesideTheModel) {
  refused({}, "is empty");
  refused({{"location", "../secret.bin"}, {"length", "8"}}, "leads out of the model's folder");
  refused({{"location", "sub/../../secret.bin"}}, "leads out of the model's folder");
  refused({{"location", folder_ + "/secret.bin"}}, "is an absolute path");
  refused({{"location", "sub\\w.bin"}}, "backslash");
  refused({{"location", std::string("w.bin\0", 6)}}, "zero byte");
  refused({{"location", "absent.bin"}}, "No such file");
  refused({{"location", "sub"}}, "not a regular file");
  std::filesystem::create_symlink(folder_ + "/secret.bin", folder_ + "/model/link.bin");
  refused({{"location", "link.bin"}}, "is a symbolic link");
  std::filesystem::create_directory_symlink(folder_, folder_ + "/model/up");
  refused({{"location", "up/secret.bin"}}, "'up' is no folder");
  std::filesystem::create_hard_link(folder_ + "/secret.bin", folder_ + "/model/hard.bin");
  refused({{"location", "hard.bin"}}, "several names");
}

TEST_F(OnnxExternalData, OfAttributesStaysThereToo) {
  const std::string entry = Message().bytes(1, "location").bytes(2, "../secret.bin");
  const std::string outside = Message().number(1, 3).number(2, 1).bytes(13, entry).number(14, 1);
  GraphParts p;
  p.nodes = {
      node("Constant", {}, {"w"}, {Message().bytes(1, "value").bytes(5, outside).number(20, 4)}),
      node("Add", {"x", "w"}, {"y"})};
  p.inputs = {value("x", {3})};
  p.outputs = {value("y", {3})};
  write(folder_ + "/model/m.onnx", model(p));
  expect_error<SystemError>([&] { load_onnx(folder_ + "/model/m.onnx"); },
                            {"attribute 'value'", "leads out of the model's folder"});
}

TEST_F(OnnxExternalData, HasTheBytesItSays) {
  refused({{"location", "w.bin"}, {"offset", "8"}, {"length", "8"}}, "bytes 8 to 16 of 'w.bin'");
  refused({{"location", "w.bin"}, {"offset", "-4"}}, "offset '-4'; expected a number");
  refused({{"location", "w.bin"}, {"offset", "18446744073709551616"}}, "expected a number");
  refused({{"location", "w.bin"}, {"length", "4"}}, "4 bytes; float32 [2] needs 8");
  refused({{"location", "w.bin"}}, "12 bytes; float32 [2] needs 8");
}

TEST_F(OnnxExternalData, IsComparedWithItsChecksum) {
  const auto entries = [](const std::string& checksum) {
    return std::vector<std::pair<std::string, std::string>>{
        {"location", "w.bin"}, {"offset", "4"}, {"length", "8"}, {"checksum", checksum}};
  };
  // Of all 12 bytes, by sha1sum.
  const std::string right = "66cdd54c62702bb4ca47029748a7a1341750a552";
  std::string upper = right, wrong = right;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  wrong[7] = wrong[7] == '0' ? '1' : '0';
  for (const std::string& checksum : {right, upper})
    EXPECT_EQ(load_onnx(save(entries(checksum)))(tensor({1, 1})).to_vector<float>(),
              (std::vector<float>{2, 3}));
  refused(entries(wrong), ("'w.bin' has the SHA-1 " + right + "; expected " + wrong).c_str());
  for (const std::string& malformed :
       {std::string(), std::string("abc"), right + "0", "g" + right.substr(1), " " + right})
    refused(entries(malformed), "expected the 40 hexadecimal digits of a SHA-1");
  EXPECT_NO_THROW(load_onnx(save(entries(wrong)), {.verify = false}));

  // A flipped bit anywhere in the file, also where no tensor is.
  const std::string path = save(entries(right));
  for (std::size_t i = 0; i < 8 * weights_.size(); ++i) {
    std::string bytes = weights_;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << i % 8));
    write(folder_ + "/model/w.bin", bytes);
    expect_error<SystemError>([&] { load_onnx(path); }, {"has the SHA-1"});
  }
}

}  // namespace
}  // namespace catena
