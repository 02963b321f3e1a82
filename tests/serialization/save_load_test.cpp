#include "catena/serialization/save_load.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "catena/graph/memory.hpp"
#include "catena/graph/trace.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/describe.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::close;
using test::expect_error;
using test::read_file;
using test::same_bits;

class SaveLoad : public test::FileTest {};

Graph traced_net(Tensor w, Tensor b) {
  TraceOptions options;
  options.parameters = {{"fc.weight", w}, {"fc.bias", b}, {"tied", w}};
  options.dynamic_axes = {{0, 0, "batch"}};
  return trace(
      [&](const Tensor& x) {
        const Tensor h = dropout(relu(matmul(x, w) + b), 0.5);
        return softmax(h.reshape({x.size(0), 3}) * 2, -1);
      },
      randn({4, 2}), options);
}

TEST_F(SaveLoad, GraphComesBackWhole) {
  Tensor w = randn({2, 3}), b = randn({3});
  w.set_requires_grad();
  const Graph graph = traced_net(w, b);
  save(path_, graph);
  const Graph loaded = load_graph(path_);
  EXPECT_EQ(loaded.describe(), graph.describe());
  const Tensor x = randn({7, 2});
  EXPECT_TRUE(same_bits(loaded({x})[0], graph({x})[0]));

  const std::vector<NamedTensor> p = loaded.named_parameters();
  ASSERT_EQ(p.size(), 3u);
  EXPECT_EQ(p[0].first, "fc.weight");
  EXPECT_TRUE(same_bits(p[0].second, w));
  EXPECT_TRUE(p[0].second.requires_grad());
  EXPECT_FALSE(p[1].second.requires_grad());
  EXPECT_TRUE(p[2].second.is_same(p[0].second)) << "tied parameters stay tied";
  sum(loaded({x}, Mode::kTraining)[0]).backward();
  EXPECT_TRUE(p[0].second.grad().defined());
}

TEST_F(SaveLoad, SameContentsSameBytes) {
  const Tensor w = ones({2, 3}), b = zeros({3});
  SaveOptions options;
  options.metadata = {{"zeta", "1"}, {"alpha", "2"}};
  save(path_, traced_net(w, b), options);
  const std::string first = read_file(path_);
  save(path_, load_graph(path_), options);
  EXPECT_EQ(read_file(path_), first);
  save(folder_ + "/again", traced_net(w.clone(), b.clone()), options);
  EXPECT_EQ(read_file(folder_ + "/again"), first);
  EXPECT_EQ(read_info(path_).metadata, (Metadata{{"alpha", "2"}, {"zeta", "1"}}));
}

TEST_F(SaveLoad, AllDtypesShapesAndLayouts) {
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    tensors.emplace_back(std::string(name_of(dtype)), tensor({0, 1, 2, 100}).to(dtype));
  }
  tensors.emplace_back("scalar", tensor(2.5));
  tensors.emplace_back("empty", zeros({3, 0, 2}));
  tensors.emplace_back("rank 8", randn({1, 2, 1, 2, 1, 2, 1, 2}));
  const Tensor m = randn({5, 7});
  tensors.emplace_back("transposed", m.transpose(0, 1));
  tensors.emplace_back("slice", m.slice({Slice(1, 4), Slice(0, 7, 3)}));
  tensors.emplace_back("expanded", tensor({1, 2}).expand({3, 2}));
  const float inf = std::numeric_limits<float>::infinity();
  tensors.emplace_back("specials",
                       tensor(std::vector<float>{-0.0f, inf, -inf, std::nanf(""), 1e-45f}, {5}));
  save_tensors(path_, tensors);
  const std::vector<NamedTensor> loaded = load_tensors(path_);
  ASSERT_EQ(loaded.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(loaded[i].first, tensors[i].first);
    EXPECT_TRUE(same_bits(loaded[i].second, tensors[i].second)) << tensors[i].first;
    EXPECT_TRUE(loaded[i].second.is_contiguous());
  }
}

TEST_F(SaveLoad, SharedTensorsAreWrittenOnce) {
  const Tensor big = randn({1000});
  save_tensors(path_, std::vector<NamedTensor>{{"a", big}, {"b", big}, {"c", big.detach()}});
  EXPECT_LT(std::filesystem::file_size(path_), 5000u);
  const std::vector<NamedTensor> loaded = load_tensors(path_);
  EXPECT_TRUE(loaded[0].second.is_same(loaded[1].second));
  EXPECT_TRUE(loaded[0].second.is_same(loaded[2].second));
}

TEST_F(SaveLoad, ACopyOfAStateGivesTheSameFile) {
  test::DeferralScope deferral(true, 1);
  State state;
  Tensor w = randn({4, 4}).set_requires_grad();
  const Tensor pending = exp(randn({4})) * 2, other = exp(randn({4})) * 3;
  state.add("w", w);
  state.add("tied", w);
  state.add("view", w.detach().t());
  state.add("pending", pending);
  state.add("other", other);
  state.add_value("epoch", std::int64_t{3});
  const State copy = state.clone();
  EXPECT_TRUE(copy.tensors[0].second.is_same(copy.tensors[1].second));
  save_checkpoint(path_, state);
  const std::string before = read_file(path_);
  save_checkpoint(path_, copy);
  EXPECT_EQ(read_file(path_), before);
  {
    const NoGrad off;
    w.fill_(0);
  }
  EXPECT_NE(copy.tensors[0].second.sum().item<double>(), 0);
}

TEST_F(SaveLoad, PendingValuesAreComputedFirst) {
  test::DeferralScope deferral(true, 1);
  const Tensor x = randn({64});
  const Tensor y = exp(x) * 2;
  save_tensors(path_, std::vector<NamedTensor>{{"y", y}});
  EXPECT_TRUE(same_bits(load_tensors(path_)[0].second, y));
}

TEST_F(SaveLoad, StateKeepsOrderAndTypes) {
  State state;
  state.add("model.w", tensor({1, 2}));
  state.add("adam.m", tensor({3, 4}));
  state.add_value("epoch", std::int64_t{-7});
  state.add_value("lr", 0.1);
  state.add_value("nan", std::nan(""));
  state.add_value("best", true);
  state.add_value("name", std::string("a\nb\xff"));
  state.add_value("dtype", kBFloat16);
  state.add_value("order", std::vector<std::int64_t>{3, -1, std::int64_t{1} << 62});
  state.add_value("losses", std::vector<double>{0.5, -0.0});
  state.add_value("no ints", std::vector<std::int64_t>{});
  state.add_value("no reals", std::vector<double>{});
  save_checkpoint(path_, state);
  const State loaded = load_checkpoint(path_);
  ASSERT_EQ(loaded.tensors.size(), 2u);
  EXPECT_EQ(loaded.tensors[0].first, "model.w");
  EXPECT_TRUE(close(loaded.tensors[1].second, {3, 4}));
  ASSERT_EQ(loaded.values.size(), state.values.size());
  for (std::size_t i = 0; i < state.values.size(); ++i) {
    EXPECT_EQ(loaded.values[i].name, state.values[i].name);
    if (loaded.values[i].name == "nan")
      EXPECT_TRUE(std::isnan(std::get<double>(loaded.values[i].value)));
    else
      EXPECT_EQ(loaded.values[i].value, state.values[i].value) << state.values[i].name;
  }
  EXPECT_EQ(read_info(path_).kind, "checkpoint");
}

TEST_F(SaveLoad, CheckpointMayHoldTheGraphToo) {
  const Graph graph = traced_net(randn({2, 3}), randn({3}));
  State state;
  state.add_value("epoch", std::int64_t{3});
  for (const auto& [name, t] : graph.named_parameters()) state.add(name, t);
  save_checkpoint(path_, state, &graph);
  EXPECT_EQ(load_checkpoint(path_).get<std::int64_t>("epoch"), 3);
  EXPECT_EQ(load_graph(path_).describe(), graph.describe());
  const Archive both = load_archive(path_);
  EXPECT_TRUE(
      both.graph->named_parameters()[0].second.is_same(*both.state.find_tensor("fc.weight")));
}

TEST_F(SaveLoad, KindsAreToldApart) {
  save_tensors(path_, std::vector<NamedTensor>{{"a", ones({1})}});
  expect_error<ArgumentError>([&] { load_graph(path_); }, {path_.c_str(), "no graph"});
  EXPECT_EQ(read_info(path_).kind, "tensors");
  const Graph graph = traced_net(randn({2, 3}), randn({3}));
  save(path_, graph);
  EXPECT_EQ(load_tensors(path_).size(), 3u);
  expect_error<ArgumentError>([&] { load_checkpoint(path_); }, {"without a training state"});
}

TEST_F(SaveLoad, LoadParametersIsStrict) {
  save_tensors(path_, std::vector<NamedTensor>{
                          {"a", tensor({1, 2})}, {"b", tensor({3})}, {"extra", ones({1})}});
  Tensor a = zeros({2}), b = zeros({2}), c = zeros({1});
  a.set_requires_grad();
  const std::vector<NamedTensor> mine{{"a", a}, {"b", b}, {"c", c}};
  expect_error<ArgumentError>(
      [&] { load_parameters(mine, path_); },
      {"missing in the file: c", "unexpected in the file: extra",
       "mismatched: b: float32 [1] in the file, expected float32 [2]", "nothing was changed"});
  EXPECT_TRUE(close(a, {0, 0}));
  const ParameterReport report = load_parameters(mine, path_, false);
  EXPECT_EQ(report.missing, std::vector<std::string>{"c"});
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"extra"});
  EXPECT_EQ(report.mismatched.size(), 1u);
  EXPECT_TRUE(close(a, {1, 2}));
  EXPECT_TRUE(a.requires_grad());
  EXPECT_TRUE(
      load_parameters(std::vector<NamedTensor>{{"a", a}, {"b", zeros({1})}, {"extra", c}}, path_)
          .complete());
}

TEST_F(SaveLoad, RefusesWhatItCannotName) {
  const Tensor t = ones({1});
  expect_error<ArgumentError>(
      [&] {
        save_tensors(path_, std::vector<NamedTensor>{{"a", t}, {"a", t}});
      },
      {"two tensors are named 'a'"});
  expect_error<ArgumentError>(
      [&] {
        save_tensors(path_, std::vector<NamedTensor>{{"", t}});
      },
      {"without a name"});
  expect_error<ArgumentError>(
      [&] {
        save_tensors(path_, std::vector<NamedTensor>{{"a", Tensor()}});
      },
      {"'a' is undefined"});
  EXPECT_EQ(files_in_folder(), 0u);
}

TEST_F(SaveLoad, DescribesAFile) {
  Tensor w = randn({2, 3});
  w.set_requires_grad();
  save(path_, traced_net(w, randn({3})));
  const FileInfo info = read_info(path_);
  EXPECT_EQ(info.kind, "graph");
  EXPECT_EQ(info.format_version, 1u);
  EXPECT_EQ(info.bytes, std::filesystem::file_size(path_));
  EXPECT_TRUE(info.has_graph);
  EXPECT_EQ(info.num_parameters, 9u);
  EXPECT_EQ(info.inputs, std::vector<std::string>{"x float32 [batch, 2]"});
  EXPECT_EQ(info.outputs, std::vector<std::string>{"output_0"});
  EXPECT_TRUE(info.unknown_ops.empty());
  std::uint64_t calls = 0;
  for (const auto& [name, count] : info.op_counts) calls += count;
  EXPECT_EQ(calls, info.num_nodes);
  ASSERT_GE(info.tensors.size(), 4u);
  EXPECT_EQ(info.tensors[0].name, "fc.weight");
  EXPECT_EQ(info.tensors[0].role, "parameter");
  EXPECT_EQ(info.tensors[0].bytes, 24u);
  EXPECT_EQ(info.tensors[0].offset % 64, 0u);
  EXPECT_TRUE(info.tensors[0].requires_grad);
  EXPECT_EQ(info.tensors[2].offset, info.tensors[0].offset) << "tied";
}

// Large enough for several threads, over several blocks of the stream, with odd ends.
TEST_F(SaveLoad, LargeTensorsInSeveralThreads) {
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < 5; ++i)
    tensors.emplace_back("t" + std::to_string(i), randn({1'500'001 + 3 * i}));
  SaveOptions one, many;
  one.threads = 1;
  many.threads = 3;
  save_tensors(path_, tensors, one);
  const std::string bytes = read_file(path_);
  save_tensors(path_, tensors, many);
  EXPECT_TRUE(bytes == read_file(path_));
  LoadOptions load_many;
  load_many.threads = 3;
  const std::vector<NamedTensor> loaded = load_tensors(path_, load_many);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    EXPECT_TRUE(same_bits(loaded[i].second, tensors[i].second));
  // Two tensors are damaged: the first is named, whichever thread sees it.
  std::string damaged = bytes;
  const FileInfo info = read_info(path_);
  for (std::size_t i : {1u, 3u}) damaged[info.tensors[i].offset + 4'000'000] ^= 1;
  test::write_file(path_, damaged);
  for (int attempt = 0; attempt < 5; ++attempt) {
    expect_error<SystemError>([&] { load_tensors(path_, load_many); }, {"tensor 1 of 5: checksum"});
    expect_error<SystemError>([&] { read_info(path_, load_many); }, {"tensor 1 of 5: checksum"});
  }
}

// 3.2 GB, in one tensor of more than 2 GiB and many small ones.
TEST_F(SaveLoad, FilesOfSeveralGigabytes) {
  if (!test::soak()) GTEST_SKIP() << "needs CATENA_SOAK=1, 7 GB of memory and 3.2 GB of disk";
  std::vector<NamedTensor> tensors;
  tensors.emplace_back("large", arange(0, 600'000'000, 1, TensorOptions(kFloat32)));
  for (int i = 0; i < 200; ++i)
    tensors.emplace_back("small" + std::to_string(i), full({1'000'000}, i, {kFloat32}));
  save_tensors(path_, tensors, {.sync = false});
  EXPECT_GT(std::filesystem::file_size(path_), 3'200'000'000u);
  const double sum = tensors[0].second.sum().item<double>();
  tensors.clear();
  release_cached_memory(kCpu);
  const std::vector<NamedTensor> loaded = load_tensors(path_);
  ASSERT_EQ(loaded.size(), 201u);
  EXPECT_EQ(loaded[0].second.sum().item<double>(), sum);
  for (int i = 0; i < 200; ++i) {
    const Tensor& t = loaded[static_cast<std::size_t>(i) + 1].second;
    EXPECT_TRUE(same_bits(t, full({1'000'000}, i, {kFloat32}))) << i;
  }
  std::filesystem::remove(path_);
}

TEST_F(SaveLoad, DeepGraphsAreSavedAndLoaded) {
  constexpr int kDepth = 300'000;
  Graph g;
  Graph::ValueId value = g.add_input("x", kFloat32, {1});
  const Graph::ValueId one = g.add_constant(tensor({1}));
  for (int i = 0; i < kDepth; ++i) value = g.add_node(OpValue(get_op("add")), {value, one});
  g.add_output("y", value);
  save(path_, g);
  const Graph loaded = load_graph(path_);
  EXPECT_EQ(loaded.nodes().size(), std::size_t{kDepth});
  EXPECT_TRUE(close(loaded({zeros({1})})[0], {kDepth}));
}

}  // namespace
}  // namespace catena
