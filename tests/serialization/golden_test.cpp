// Files written by released versions load for ever. tests/golden/ is only added to.
//
// To write the file of a new format version, run this program with CATENA_WRITE_GOLDEN set to its
// path.
#include <gtest/gtest.h>

#include <cstdlib>

#include "catena/graph/registry.hpp"
#include "catena/serialization/describe.hpp"
#include "catena/serialization/save_load.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

// Small integers, so that every step is exact on every machine.
Archive contents() {
  Archive archive;
  Graph g;
  const int batch = g.add_axis("batch", 2);
  const int axes[] = {batch};
  Tensor w = tensor({{1, -2}, {3, 4}, {0, 1}});
  Tensor b = tensor({1, -1});
  const Graph::ValueId x = g.add_input("x", kFloat32, {SymbolicInt::axis(batch), 3});
  const Graph::ValueId weight = g.add_parameter("fc.weight", w.set_requires_grad());
  g.tie_parameter("tied.weight", weight);
  const Graph::ValueId bias = g.add_parameter("fc.bias", b);
  const Graph::ValueId two = g.add_constant(tensor({2}));
  const auto node = [&](const char* name, std::vector<Graph::ValueId> in, AttrList attrs = {},
                        std::vector<Graph::SymbolicAttr> symbolic = {}) {
    return g.add_node(OpValue(get_op(name), attrs), std::move(in), g.source("model.cpp", 10),
                      std::move(symbolic));
  };
  const Graph::ValueId h = node("add", {node("matmul", {x, weight}), bias});
  const Graph::ValueId d = node("dropout", {node("relu", {h})}, {{"p", 0.25}});
  const Graph::ValueId flat =
      node("reshape", {node("mul", {d, two})}, {{"shape", std::vector<std::int64_t>{4}}},
           {{"shape", 0, SymbolicInt(2, axes, 0)}});
  g.add_output("y", flat);
  g.add_output("total",
               node("sum", {flat}, {{"dims", std::vector<std::int64_t>{0}}, {"keepdim", true}}));
  g.infer_shapes();
  archive.graph = std::move(g);
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    archive.state.add("tensor." + std::string(name_of(dtype)), tensor({0, 1, 1, 100}).to(dtype));
  }
  archive.state.add("empty", zeros({2, 0}));
  archive.state.add_value("integer", std::int64_t{-3});
  archive.state.add_value("real", 0.125);
  archive.state.add_value("boolean", true);
  archive.state.add_value("text", std::string("digits"));
  archive.state.add_value("dtype", kInt8);
  archive.state.add_value("integers", std::vector<std::int64_t>{1, -2});
  archive.state.add_value("reals", std::vector<double>{0.5, -1});
  archive.metadata = {{"author", "golden"}, {"task", "test"}};
  return archive;
}

TEST(Golden, WritesOnRequest) {
  const char* path = std::getenv("CATENA_WRITE_GOLDEN");
  if (!path) GTEST_SKIP() << "CATENA_WRITE_GOLDEN is not set";
  save_archive(path, contents());
}

TEST(Golden, Version1) {
  const std::string path = CATENA_GOLDEN_DIR "/version_1.catena";
  EXPECT_EQ(read_info(path).format_version, 1u);
  const Archive loaded = load_archive(path), expected = contents();
  ASSERT_TRUE(loaded.graph);
  EXPECT_EQ(loaded.graph->describe(), expected.graph->describe());
  EXPECT_EQ(loaded.metadata, expected.metadata);
  EXPECT_EQ(loaded.state.values, expected.state.values);
  ASSERT_EQ(loaded.state.tensors.size(), expected.state.tensors.size());
  for (std::size_t i = 0; i < expected.state.tensors.size(); ++i) {
    EXPECT_EQ(loaded.state.tensors[i].first, expected.state.tensors[i].first);
    EXPECT_TRUE(test::same_bits(loaded.state.tensors[i].second, expected.state.tensors[i].second))
        << expected.state.tensors[i].first;
  }
  const std::vector<Tensor> y = (*loaded.graph)({tensor({{1, 2, 3}, {0, 1, 0}, {-1, 0, 0}})});
  EXPECT_TRUE(test::close(y[0], {16, 16, 8, 6, 0, 2}, 0, 0));
  EXPECT_TRUE(test::close(y[1], {48}, 0, 0));
  const std::vector<NamedTensor> p = loaded.graph->named_parameters();
  ASSERT_EQ(p.size(), 3u);
  EXPECT_TRUE(p[0].second.requires_grad());
  EXPECT_FALSE(p[2].second.requires_grad());
  EXPECT_TRUE(p[1].second.is_same(p[0].second));
}

}  // namespace
}  // namespace catena
