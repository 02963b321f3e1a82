// What an exported model looks like, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "../../support.hpp"
#include "catena/graph/registry.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"
#include "model_reader.hpp"

namespace catena::test {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class OnnxExport : public ::testing::Test {
 protected:
  OnnxExport() {
    folder_ = fs::path(::testing::TempDir()) /
              ("onnx_export_" +
               std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~OnnxExport() override { fs::remove_all(folder_); }
  std::string path() const { return (folder_ / "model.onnx").string(); }
  OnnxFile exported(const Graph& graph, const OnnxOptions& options = {}) const {
    save_onnx(graph, path(), options);
    return OnnxFile(path());
  }
  template <class F>
  static std::string refused(F&& f) {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "nothing was thrown";
  }
  fs::path folder_;
};

struct Tied : nn::Module {
  nn::Linear first{4, 4}, second{4, 4};
  nn::Dropout drop{0.5};
  Tied() {
    add("first", first);
    add("second", second);
    add("drop", drop);
  }
  Tensor forward(Tensor x) override { return second(drop(relu(first(x)))); }
};

TEST_F(OnnxExport, AModelKeepsNamesAndAxes) {
  Tied net;
  save_onnx(net, randn({3, 4}), path(), {.dynamic_axes = {{0, 0, "batch"}}},
            {.metadata = {{"task", "test"}}});
  const OnnxFile file(path());
  EXPECT_EQ(file.ir_version, 8);
  EXPECT_EQ(file.opsets.at(""), 17);
  EXPECT_EQ(file.metadata.at("task"), "test");
  EXPECT_EQ(file.types(), (Strings{"Gemm", "Relu", "Gemm"}));
  EXPECT_EQ(file.names(), (Strings{"first.weight", "first.bias", "second.weight", "second.bias"}));
  EXPECT_EQ(file.inputs, (std::vector<std::pair<std::string, std::string>>{{"x", "1 [batch, 4]"}}));
  EXPECT_EQ(file.outputs,
            (std::vector<std::pair<std::string, std::string>>{{"output_0", "1 [batch, 4]"}}));
  EXPECT_EQ(file.values, (std::vector<std::pair<std::string, std::string>>{
                             {"linear_0", "1 [batch, 4]"}, {"relu_1", "1 [batch, 4]"}}));
  EXPECT_EQ(file.nodes[0].inputs, (Strings{"x", "first.weight", "first.bias"}));
  EXPECT_EQ(file.nodes[0].doc.rfind("export_test.cpp:", 0), 0u) << file.nodes[0].doc;
  EXPECT_TRUE(net.is_training()) << "the mode was not put back";
}

TEST_F(OnnxExport, DropoutIsThereForTrainingOnly) {
  Tied net;
  save_onnx(net, randn({3, 4}), path(), {}, {.training = true});
  EXPECT_EQ(OnnxFile(path()).types(),
            (Strings{"Gemm", "Relu", "Constant", "Constant", "Dropout", "Gemm"}));
  // A graph traced in training mode knows both.
  const Graph graph = trace([&](const Tensor& x) { return net(x); }, randn({3, 4}),
                            {.parameters = net.named_parameters()});
  EXPECT_EQ(exported(graph).types(), (Strings{"Gemm", "Relu", "Gemm"}));
}

TEST_F(OnnxExport, TiedParametersAreOneInitializer) {
  const Tensor w = randn({4, 4});
  const Graph graph = trace([&](const Tensor& x) { return matmul(matmul(x, w), w); }, randn({2, 4}),
                            {.parameters = {{"in.weight", w}, {"out.weight", w}}});
  const OnnxFile file = exported(graph);
  EXPECT_EQ(file.names(), Strings{"in.weight"});
  EXPECT_EQ(file.metadata.at("catena.tied.out.weight"), "in.weight");
}

TEST_F(OnnxExport, SizesThatFollowAxesAreComputed) {
  TraceOptions options;
  options.dynamic_axes = {{0, 0, "batch"}, {0, 1, "time"}};
  const Graph graph = trace(
      [](const Tensor& x) {
        const std::int64_t n = x.shape()[0], t = x.shape()[1];
        return reshape(x, {n * 2, t, 2});
      },
      randn({3, 5, 4}), options);
  const OnnxFile file = exported(graph);
  const Strings types = file.types();
  EXPECT_EQ(types.back(), "Reshape");
  EXPECT_EQ(std::count(types.begin(), types.end(), "Shape"), 2);
  EXPECT_EQ(std::count(types.begin(), types.end(), "Mul"), 1);
  EXPECT_EQ(file.outputs[0].second, "1 [2*batch, time, 2]");
  // One size that follows from the others is left to Reshape.
  TraceOptions batch;
  batch.dynamic_axes = {{0, 0, "batch"}};
  const Graph flat = trace(
      [](const Tensor& x) {
        return reshape(x, {x.shape()[0], 20});
      },
      randn({3, 5, 4}), batch);
  EXPECT_EQ(exported(flat).types(), Strings{"Reshape"});
}

TEST_F(OnnxExport, OutputsThatAreNoResultsAreCopied) {
  Graph graph;
  const Graph::ValueId x = graph.add_input("x", kFloat32, {2});
  const Graph::ValueId y = graph.add_node(OpValue(get_op("exp")), {x});
  graph.add_output("same", x);
  graph.add_output("first", y);
  graph.add_output("again", y);
  const OnnxFile file = exported(graph);
  EXPECT_EQ(file.types(), (Strings{"Exp", "Identity", "Identity"}));
  EXPECT_EQ(file.nodes[0].outputs, Strings{"first"});
}

TEST_F(OnnxExport, CompositionsFollowAxes) {
  Graph graph;
  graph.add_axis("batch", 4);
  const Graph::ValueId x = graph.add_input("x", kFloat32, {SymbolicInt::axis(0), 6});
  OpValue shuffle(get_op("channel_shuffle"));
  shuffle.set("groups", std::int64_t{2});
  graph.add_output("y", graph.add_node(shuffle, {x}));
  const OnnxFile file = exported(graph);
  EXPECT_EQ(file.outputs[0].second, "1 [batch, 6]");
  EXPECT_EQ(file.types(), (Strings{"Reshape", "Transpose", "Reshape"}));
}

// --- User ops ---

struct Doubled {
  double factor = 2;
  std::int64_t times = 3;
  static constexpr const char* kName = "test_doubled";
  static constexpr const char* kFormula = "y = factor x";
  static constexpr std::uint32_t kVersion = 4;
  static constexpr std::tuple kAttrs{Attr{"factor", &Doubled::factor, "factor"},
                                     Attr{"times", &Doubled::times, "how often"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::none("a user's op");
  void infer(InferContext& c) const { c.output(c.shape(0), c.dtype(0)); }
};

struct Composed {
  double factor = 2;
  static constexpr const char* kName = "test_composed";
  static constexpr const char* kFormula = "y = factor x";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"factor", &Composed::factor, "factor"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Mul");
  void infer(InferContext& c) const { c.output(c.shape(0), c.dtype(0)); }
  Tensor compose(std::span<const Tensor> in) const { return in[0] * factor; }
};

TEST_F(OnnxExport, UserOpsAreNodesOfOurDomainOrTheirComposition) {
  register_op<Doubled>();
  register_op<Composed>();
  Graph graph;
  graph.add_axis("n", 3);
  const Graph::ValueId x = graph.add_input("x", kFloat32, {SymbolicInt::axis(0)});
  const Graph::ValueId y = graph.add_node(OpValue(get_op("test_doubled")), {x});
  graph.add_output("y", graph.add_node(OpValue(get_op("test_composed")), {y}));
  const OnnxFile file = exported(graph);
  EXPECT_EQ(file.types(), (Strings{"test_doubled", "Constant", "Mul"}));
  EXPECT_EQ(file.nodes[0].domain, "catena");
  EXPECT_EQ(file.opsets.at("catena"), 1);
  EXPECT_EQ(file.nodes[0].attributes.at("op_version").number(3), 4);
  EXPECT_EQ(file.nodes[0].attributes.at("times").number(3), 3);
  EXPECT_EQ(file.values[0].second, "1 [n]");
}

// --- Opsets ---

TEST_F(OnnxExport, OpsetsChooseTheOperatorsAndTheIrVersion) {
  const Graph graph = trace([](const Tensor& x) { return mean(gelu(x), {1}); }, randn({2, 3}));
  const auto types = [&](int opset) {
    const OnnxFile file = exported(graph, {.opset = opset});
    EXPECT_EQ(file.opsets.at(""), opset);
    Strings list;
    for (const std::string& type : file.types())
      if (type != "Constant") list.push_back(type);
    return list;
  };
  EXPECT_EQ(types(20), (Strings{"Gelu", "ReduceMean"}));
  EXPECT_EQ(types(13), (Strings{"Mul", "Mul", "Erf", "Add", "Mul", "ReduceMean"}));
  EXPECT_EQ(exported(graph, {.opset = 13}).ir_version, 7);
  EXPECT_EQ(exported(graph, {.opset = 21}).ir_version, 10);
  EXPECT_TRUE(exported(graph, {.opset = 17}).nodes.back().attributes.contains("axes"));
  EXPECT_FALSE(exported(graph, {.opset = 18}).nodes.back().attributes.contains("axes"));
  for (const int opset : {12, 22})
    EXPECT_NE(refused([&] {
                save_onnx(graph, path(), {.opset = opset});
              }).find("[save_onnx] opset is " + std::to_string(opset) + "; expected 13 to 21"),
              std::string::npos);
}

TEST_F(OnnxExport, WhatAnOpsetLacksIsNamedAtOnceWithItsLine) {
  const Tensor index = tensor({0, 1}, kInt64);
  const Graph graph = trace(
      [&](const Tensor& x) {
        return index_add(scatter_add(x, 0, reshape(index, {2, 1}), x), index, 4);
      },
      randn({2, 1}));
  const std::string text = refused([&] { save_onnx(graph, path(), {.opset = 15}); });
  EXPECT_NE(text.find("scatter_add: adding at an index needs opset 16; 15 was asked for (called at "
                      "export_test.cpp:"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("index_add: adding at an index needs opset 16"), std::string::npos) << text;
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(OnnxExport, NamesThatOnnxWouldHaveTwiceAreRefused) {
  Graph graph;
  const Graph::ValueId x = graph.add_input("x", kFloat32, {2});
  graph.add_output("x", graph.add_node(OpValue(get_op("exp")), {x}));
  EXPECT_NE(refused([&] {
              save_onnx(graph, path());
            }).find("'x' is the name of an input and of an output"),
            std::string::npos);
}

// --- Data in a second file ---

TEST_F(OnnxExport, LargeParametersGoToAFileBesideTheModel) {
  const Tensor large = randn({40, 10}), small = randn({10});
  const Graph graph =
      trace([&](const Tensor& x) { return linear(x, large, zeros({40})) + sum(small); },
            randn({2, 10}), {.parameters = {{"large", large}, {"small", small}}});
  const OnnxFile file = exported(graph, {.external_data_above = 1000});
  const auto find = [&](const std::string& name) {
    return *std::find_if(file.initializers.begin(), file.initializers.end(),
                         [&](const OnnxFile::Initializer& i) { return i.name == name; });
  };
  EXPECT_TRUE(find("small").external.empty());
  EXPECT_EQ(find("small").raw.size(), 40u);
  const OnnxFile::Initializer moved = find("large");
  EXPECT_TRUE(moved.raw.empty());
  const std::string location = moved.external.at("location");
  EXPECT_EQ(location.find('/'), std::string::npos);
  EXPECT_EQ(location.rfind("model-", 0), 0u) << location;
  EXPECT_EQ(moved.external.at("length"), "1600");
  std::ifstream in(folder_ / location, std::ios::binary);
  in.seekg(std::stol(moved.external.at("offset")));
  std::vector<float> data(400);
  in.read(reinterpret_cast<char*>(data.data()), 1600);
  EXPECT_EQ(data, large.to_vector<float>());
  EXPECT_EQ(moved.external.at("checksum").size(), 40u);
  EXPECT_NO_THROW(load_onnx(path()));  // compares it
  // Other contents get another file: the model that is replaced never names wrong data.
  const Tensor other = randn({40, 10});
  Graph changed = graph;
  changed.replace_tensor(graph.parameters()[0].value, other);
  EXPECT_NE(
      exported(changed, {.external_data_above = 1000}).initializers[0].external.at("location"),
      location);
  EXPECT_TRUE(fs::exists(folder_ / location));
}

TEST_F(OnnxExport, TheSameGraphGivesTheSameBytes) {
  Tied net;
  const Graph graph = trace([&](const Tensor& x) { return net(x); }, randn({3, 4}),
                            {.parameters = net.named_parameters()});
  const auto bytes = [&] {
    save_onnx(graph, path());
    std::ifstream in(path(), std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  const std::string first = bytes();
  EXPECT_EQ(first, bytes());
}

}  // namespace
}  // namespace catena::test
