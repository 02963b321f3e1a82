// The op suite's samples as ONNX models: every sample and dtype becomes a graph of one call and is
// exported. With CATENA_ONNX_DIR set, models, inputs and outputs stay in that folder, one folder
// per case, for tests/serialization/onnx/check_models.py; CATENA_ONNX_OPSET chooses the opset.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include "catena/graph/random.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"
#include "catena/serialization/tensor_proto.hpp"
#include "op_suite_cases.hpp"
#include "serialization/onnx/model_reader.hpp"

namespace catena::test {
namespace {

namespace fs = std::filesystem;

// Outputs that are for an op's gradient only, and that ONNX's operator does not give.
int exported_outputs(const OpInfo& op) {
  const std::string_view name = op.name;
  return name == "lstm" ? 3 : name == "gru" ? 2 : op.num_outputs;
}

Graph graph_of(const Case& c, const std::vector<Tensor>& inputs) {
  Graph graph;
  std::vector<Graph::ValueId> ids;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    ids.push_back(graph.add_input(fmt::format("input_{}", i), inputs[i].dtype(),
                                  to_symbolic(inputs[i].shape())));
  const Graph::ValueId first = graph.add_node(c.sample.op, ids);
  for (int k = 0; k < exported_outputs(c.info()); ++k)
    graph.add_output(fmt::format("output_{}", k), first + k);
  return graph;
}

int chosen_opset() {
  const char* opset = std::getenv("CATENA_ONNX_OPSET");
  return opset ? std::atoi(opset) : OnnxOptions{}.opset;
}

class OnnxSuite : public ::testing::TestWithParam<Case> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OnnxSuite);

TEST_P(OnnxSuite, Exports) {
  const Case& c = GetParam();
  const std::vector<Tensor> inputs = make_inputs(c.sample, c.dtype);
  Graph graph = graph_of(c, inputs);
  const char* kept = std::getenv("CATENA_ONNX_DIR");
  const fs::path folder = (kept ? fs::path(kept) : fs::path(::testing::TempDir())) / c.label;
  fs::create_directories(folder);
  const bool f64 = c.dtype == kFloat64;
  OnnxOptions options;
  options.opset = chosen_opset();
  options.sync = false;
  options.metadata = {{"op", c.info().name},
                      {"rtol", fmt::format("{}", f64 ? c.sample.rtol64 : c.sample.rtol32)},
                      {"atol", fmt::format("{}", f64 ? c.sample.atol64 : c.sample.atol32)},
                      {"random", c.info().random ? "1" : "0"}};
  save_onnx(graph, (folder / "model.onnx").string(), options);
  if (!kept) {
    fs::remove_all(folder);
    return;
  }
  manual_seed(kSuiteSeed);
  const std::vector<Tensor> outputs = graph.run(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    save_tensor_proto(inputs[i], (folder / fmt::format("input_{}.pb", i)).string());
  for (std::size_t k = 0; k < outputs.size(); ++k)
    save_tensor_proto(outputs[k], (folder / fmt::format("output_{}.pb", k)).string());
}
// What the model computes here once it is loaded again.
TEST_P(OnnxSuite, ImportsBack) {
  const Case& c = GetParam();
  if (c.info().random) return;
  // Exp, of which it is made in the model, ends earlier than expm1; Resize of nothing is refused,
  // and its scales are float32.
  for (const char* name :
       {"expm1_largest", "expm1_wide", "resize_no_samples", "resize_bilinear_scales_float64"})
    if (c.label.starts_with(name)) return;
  const std::vector<Tensor> inputs = make_inputs(c.sample, c.dtype);
  const Graph graph = graph_of(c, inputs);
  const fs::path path = fs::path(::testing::TempDir()) / (c.label + ".onnx");
  OnnxOptions options;
  options.opset = chosen_opset();
  options.sync = false;
  save_onnx(graph, path.string(), options);
  std::vector<Tensor> back;
  try {
    back = load_onnx(path.string()).forward(inputs);
  } catch (const UnsupportedError& e) {
    fs::remove(path);
    ADD_FAILURE() << e.what();
    return;
  }
  fs::remove(path);
  const std::vector<Tensor> expected = graph.run(inputs);
  ASSERT_EQ(back.size(), expected.size());
  const bool f64 = c.dtype == kFloat64;
  const double rtol = std::max(f64 ? c.sample.rtol64 : c.sample.rtol32, f64 ? 1e-11 : 1e-5);
  const double atol = std::max(f64 ? c.sample.atol64 : c.sample.atol32, f64 ? 1e-11 : 1e-5);
  for (std::size_t k = 0; k < back.size(); ++k) {
    EXPECT_EQ(back[k].shape(), expected[k].shape());
    EXPECT_EQ(back[k].dtype(), expected[k].dtype());
    const std::vector<double> got = back[k].to_vector<double>(),
                              want = expected[k].to_vector<double>();
    for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
      if (got[i] == want[i] || (std::isnan(got[i]) && std::isnan(want[i]))) continue;
      ASSERT_LE(std::abs(got[i] - want[i]), atol + rtol * std::abs(want[i]))
          << "output " << k << ", element " << i << ": " << got[i] << " instead of " << want[i];
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Samples, OnnxSuite, ::testing::ValuesIn(value_cases()), case_name);

// The operator that an op's description names is the one its samples become.
TEST(OnnxRows, TheDescriptionNamesTheOperator) {
  const fs::path path = fs::path(::testing::TempDir()) / "onnx_rows.onnx";
  std::map<std::string, std::set<std::string>> types;
  for (const Case& c : value_cases()) {
    const OpInfo& op = c.info();
    if (!op.onnx.op_type || types[op.name].contains(op.onnx.op_type)) continue;
    OnnxOptions options;
    options.opset = 20;
    options.training = true;
    options.sync = false;
    save_onnx(graph_of(c, make_inputs(c.sample, c.dtype)), path.string(), options);
    for (const std::string& type : OnnxFile(path.string()).types()) types[op.name].insert(type);
  }
  fs::remove(path);
  for (const OpEntry& entry : op_entries()) {
    const OnnxRow& row = get_op(entry.name).onnx;
    EXPECT_TRUE(row.op_type || *row.note) << entry.name << " does not say what it is in ONNX";
    if (!row.op_type) continue;
    EXPECT_TRUE(types[entry.name].contains(row.op_type)) << entry.name << ": " << row.op_type;
  }
}

}  // namespace
}  // namespace catena::test
