// Damaged and hostile files: each is refused with an error that names path and field, before
// anything large is allocated, and never with a crash.
#include <gtest/gtest.h>

#include "catena/graph/registry.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/describe.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/serialization/upgrade.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::expect_error;
using test::make_file;
using test::Message;
using test::read_file;
using test::tensor_record;
using test::write_file;

// An op that is at version 3 in this program: y = factor * x + offset.
struct Affine {
  double factor = 1;
  double offset = 0;
  static constexpr const char* kName = "test_affine";
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y = factor * x + offset";
  static constexpr std::uint32_t kVersion = 3;
  static constexpr std::tuple kAttrs{Attr{"factor", &Affine::factor, ""},
                                     Attr{"offset", &Affine::offset, ""}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::none("test");
  Tensor compose(std::span<const Tensor> in) const { return in[0] * factor + offset; }
};

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(std::data(values)), values.size() * sizeof(float)};
}

class Hostile : public test::FileTest {
 protected:
  // Loading and inspecting this file fails with a message that has the path and every part.
  template <class E = SystemError>
  void expect_refused(const std::string& bytes, std::initializer_list<const char*> parts) {
    write_file(path_, bytes);
    expect_error<E>([&] { load_archive(path_); }, parts);
    expect_error<E>([&] { load_archive(path_); }, {path_.c_str()});
  }
  template <class E = SystemError>
  void expect_graph_refused(const Message& graph, std::initializer_list<const char*> parts,
                            const Message& header = {}, const std::vector<std::string>& data = {}) {
    Message whole = header;
    expect_refused<E>(make_file(whole.part(3, graph).bytes(), data), parts);
  }
};

// A file with everything in it, but small.
void save_small(const std::string& path) {
  Archive archive;
  Graph g;
  const Graph::ValueId x = g.add_input("x", kFloat32, {2});
  const Graph::ValueId w = g.add_parameter("w", tensor({1, 2}));
  g.add_output("y", g.add_node(OpValue(get_op("mul")), {x, w}, g.source("a.cpp", 3)));
  archive.graph = std::move(g);
  archive.state.add("s", tensor({1, 2, 3}, kUInt8));
  archive.state.add_value("v", std::int64_t{4});
  archive.metadata = {{"k", "v"}};
  save_archive(path, archive);
}

TEST_F(Hostile, TheBuilderWritesWhatTheReaderReads) {
  const std::string data = floats({1, 2, 3});
  const std::size_t header_bytes = Message()
                                       .part(2, tensor_record(0, data, {3}))
                                       .part(4, Message().bytes(1, "t"))
                                       .bytes()
                                       .size();
  const std::uint64_t offset = (64 + header_bytes + 63) / 64 * 64;
  write_file(path_, make_file(Message()
                                  .part(2, tensor_record(offset, data, {3}))
                                  .part(4, Message().bytes(1, "t"))
                                  .bytes(),
                              {data}));
  EXPECT_TRUE(test::close(load_tensors(path_)[0].second, {1, 2, 3}));
}

TEST_F(Hostile, TruncationAtEveryByte) {
  save_small(path_);
  const std::string whole = read_file(path_);
  ASSERT_LT(whole.size(), 2000u);
  for (std::size_t n = whole.size(); n-- > 0;) {
    std::filesystem::resize_file(path_, n);
    EXPECT_THROW(load_archive(path_), SystemError) << n;
    EXPECT_THROW(read_info(path_), SystemError) << n;
  }
  write_file(path_, whole + '\0');
  expect_error<SystemError>([&] { load_archive(path_); }, {"file size", "appended"});
}

TEST_F(Hostile, EveryBitFlip) {
  save_small(path_);
  const std::string whole = read_file(path_);
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  const auto put_byte = [&](std::size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.flush();
  };
  for (std::size_t i = 0; i < whole.size() * 8; ++i) {
    put_byte(i / 8, static_cast<char>(whole[i / 8] ^ (1 << i % 8)));
    EXPECT_THROW(load_archive(path_), SystemError) << "bit " << i;
    EXPECT_THROW(read_info(path_), SystemError) << "bit " << i;
    put_byte(i / 8, whole[i / 8]);
  }
  EXPECT_NO_THROW(load_archive(path_)) << "the test itself must leave the file as it was";
}

TEST_F(Hostile, VerificationCanBeLeftOut) {
  save_small(path_);
  std::string bytes = read_file(path_);
  const std::uint64_t offset = read_info(path_).tensors[0].offset;
  bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
  write_file(path_, bytes);
  expect_error<SystemError>([&] { load_archive(path_); }, {"tensor 0 of 2: checksum"});
  LoadOptions options;
  options.verify = false;
  EXPECT_NO_THROW(load_archive(path_, options));
  EXPECT_NO_THROW(read_info(path_, options));
}

TEST_F(Hostile, OtherFiles) {
  expect_error<SystemError>([&] { load_archive(path_); }, {"cannot read", "No such file"});
  expect_error<SystemError>([&] { load_archive(folder_); }, {"not a regular file"});
  expect_error<SystemError>([&] { load_archive("/dev/zero"); }, {"not a regular file"});
  expect_refused(std::string(1000, 'x'), {"not a .catena file"});
  expect_refused("", {"file size: 0 bytes"});
}

TEST_F(Hostile, Preamble) {
  const std::string good = make_file("");
  write_file(path_, good);
  EXPECT_NO_THROW(load_archive(path_));
  const auto with = [&](std::size_t at, std::uint64_t value) {
    std::string bytes = good;
    test::put(bytes, at, value);
    test::repair(bytes);
    return bytes;
  };
  expect_refused<UnsupportedError>(with(8, 2), {"format version 2", "reads up to 1"});
  expect_refused(with(8, 0), {"format version: 0"});
  expect_refused(with(8, 1 | std::uint64_t{1} << 32), {"reserved"});
  expect_refused(with(40, 1), {"reserved"});
  expect_refused(with(48, 1), {"reserved"});
  expect_refused(with(16, 1000), {"header length: 1000"});
  expect_refused(with(16, ~std::uint64_t{0}), {"header length"});
  expect_refused(with(24, 1), {"file size", "expected 1 "});
  std::string no_mark = good;
  no_mark[no_mark.size() - 10] = 'x';
  expect_refused(no_mark, {"end mark"});
  std::string padded = make_file(Message().bytes(1, "p").bytes());
  padded[100] = 1;
  expect_refused(padded, {"padding at byte 100"});
  expect_refused(make_file("\xff\xff\xff\xff"), {"header: not a protobuf message"});
  // Room between header and end mark that belongs to nobody.
  std::string roomy = make_file("", {std::string(64, '\0'), ""});
  expect_refused(roomy, {"end mark: at byte 64"});
}

TEST_F(Hostile, Tensors) {
  const std::string data = floats({1, 2});
  const auto file_with = [&](const Message& record, std::vector<std::string> bytes = {}) {
    return make_file(Message().part(2, record).bytes(), bytes);
  };
  const std::uint64_t at = 128;  // the header ends before it
  write_file(path_, file_with(tensor_record(at, data, {2}), {data}));
  EXPECT_NO_THROW(load_archive(path_));
  expect_refused(file_with(tensor_record(at, data, {3}), {data}), {"length: 8", "12 by its shape"});
  expect_refused(file_with(tensor_record(at, data, {-2}), {data}), {"size: -2"});
  expect_refused(file_with(tensor_record(at, data, {1, 1, 1, 1, 1, 1, 1, 1, 2}), {data}),
                 {"rank: 9", "at most 8"});
  const std::int64_t big = std::int64_t{1} << 31;
  expect_refused(file_with(tensor_record(at, data, {big, big, big}), {data}), {"more than 2^63"});
  expect_refused(file_with(tensor_record(at, data, {0, big, big}), {data}), {"more than 2^63"});
  expect_refused(file_with(tensor_record(at + 64, data, {2}), {data}), {"offset: 192", "128"});
  expect_refused(file_with(tensor_record(at + 4, data, {2}), {data}), {"offset: 132"});
  expect_refused(file_with(tensor_record(0, data, {2}), {data}), {"offset: 0"});
  expect_refused<UnsupportedError>(file_with(tensor_record(at, data, {2}, 99), {data}),
                                   {"dtype: 99"});
  expect_refused<UnsupportedError>(file_with(tensor_record(at, data, {2}, 0), {data}),
                                   {"dtype: 0"});
  // A claim of 2^40 elements in a file of a few hundred bytes.
  Message huge;
  huge.number(1, 1).number(2, std::uint64_t{1} << 40);
  huge.fixed(3, at).fixed(4, std::uint64_t{1} << 42).fixed(5, 0);
  expect_refused(file_with(huge, {data}), {"an end within the file"});
  Message integer = tensor_record(at, data, {2}, 3);
  integer.number(6, 1);
  expect_refused(file_with(integer, {data}), {"int32 with a gradient"});
  // Two tensors at one place.
  expect_refused(make_file(Message()
                               .part(2, tensor_record(192, data, {2}))
                               .part(2, tensor_record(192, data, {2}))
                               .bytes(),
                           {data}),
                 {"tensor 1 of 2: offset: 192", "256"});
}

TEST_F(Hostile, Limits) {
  save_tensors(path_, std::vector<NamedTensor>{{"a", zeros({1000})}});
  LoadOptions options;
  options.max_bytes = 5000;
  expect_error<ArgumentError>([&] { load_archive(path_, options); },
                              {"limit is 5000", "max_bytes"});
  options.max_bytes = 10;
  expect_error<ArgumentError>([&] { load_archive(path_, options); }, {"header's records"});
  Graph g;
  const Graph::ValueId x = g.add_input("x", kFloat32, {1});
  for (int i = 0; i < 5; ++i) g.add_node(OpValue(get_op("relu")), {x});
  save(path_, g);
  options = {};
  options.max_nodes = 4;
  expect_error<ArgumentError>([&] { load_archive(path_, options); },
                              {"5 nodes; the limit is 4", "max_nodes"});
}

TEST_F(Hostile, NamesAndIndices) {
  const auto named = [](const char* name, std::uint64_t index) {
    return Message().bytes(1, name).number(2, index);
  };
  expect_refused(make_file(Message().part(4, named("t", 7)).bytes()),
                 {"tensor 't': tensor 7; expected less than 0"});
  const Message value = Message().bytes(1, "v").zigzag(2, 1);
  expect_refused(make_file(Message().part(5, value).part(5, value).bytes()),
                 {"value 'v': a name used twice"});
  expect_refused(make_file(Message().part(5, Message().bytes(1, "v")).bytes()), {"'v': no value"});
  expect_refused<UnsupportedError>(
      make_file(Message().part(5, Message().bytes(1, "v").number(6, 77)).bytes()), {"dtype 77"});
  const Message entry = Message().bytes(1, "k");
  expect_refused(make_file(Message().part(6, entry).part(6, entry).bytes()),
                 {"metadata 'k': a name used twice"});
}

Message op_record(const char* name, std::uint64_t version = 1) {
  return Message().bytes(1, name).number(2, version);
}
Message input_record(const char* name) {
  return Message().bytes(1, name).number(2, 1).part(3, Message().zigzag(1, 2));
}
Message node_record(std::uint64_t op, std::initializer_list<std::uint64_t> inputs) {
  Message m;
  m.number(1, op);
  for (std::uint64_t i : inputs) m.number(2, i);
  return m;
}
Message output_record(const char* name, std::uint64_t value) {
  return Message().bytes(1, name).number(2, value);
}

TEST_F(Hostile, UnknownOpsAreNamedAtOnce) {
  Message graph;
  graph.part(5, op_record("test_warp"))
      .part(5, op_record("relu"))
      .part(5, op_record("test_crumple"));
  expect_graph_refused<UnsupportedError>(
      graph, {"not registered: test_crumple, test_warp", "register_op"});
  const FileInfo info = read_info(path_);
  EXPECT_EQ(info.unknown_ops, (std::vector<std::string>{"test_crumple", "test_warp"}));
}

TEST_F(Hostile, OpVersions) {
  register_op<Affine>();
  Message newer;
  expect_graph_refused<UnsupportedError>(newer.part(5, op_record("test_affine", 4)),
                                         {"saved at version 4; this build has version 3"});
  Message none;
  expect_graph_refused(none.part(5, op_record("relu", 0)), {"version of op 'relu': 0"});

  // At version 1 the op had one attribute, "scale", an integer.
  Message old;
  old.part(2, input_record("x")).part(5, op_record("test_affine", 1));
  Message node = node_record(0, {0});
  old.part(6, node.part(3, Message().bytes(1, "scale").zigzag(2, 3)));
  old.part(7, output_record("y", 1));
  expect_graph_refused<UnsupportedError>(old, {"saved at version 1", "register_upgrade"});
  register_upgrade("test_affine", 1, [](AttrList& attrs) {
    attrs[0] = {"factor", static_cast<double>(std::get<std::int64_t>(attrs[0].value))};
  });
  expect_graph_refused<UnsupportedError>(old, {"no upgrade"});
  register_upgrade("test_affine", 2, [](AttrList& attrs) { attrs.push_back({"offset", 0.5}); });
  const Graph g = load_graph(path_);
  EXPECT_TRUE(test::close(g({tensor({1, 2})})[0], {3.5, 6.5}));
}

// A graph of cross_entropy as version 1 wrote it: without ignore_index and label_smoothing.
TEST_F(Hostile, FirstVersionOfCrossEntropy) {
  Message old;
  old.part(2, input_record("logits").part(3, Message().zigzag(1, 3)));
  old.part(2, Message().bytes(1, "target").number(2, 4).part(3, Message().zigzag(1, 2)));
  old.part(5, op_record("cross_entropy", 1));
  old.part(6, node_record(0, {0, 1}).part(3, Message().bytes(1, "reduction").bytes(5, "sum")));
  old.part(7, output_record("loss", 2));
  write_file(path_, make_file(Message().part(3, old).bytes()));
  const Graph g = load_graph(path_);
  const Tensor logits = tensor({{1, 2, 3}, {3, -1, 0.5}}), target = tensor({2, 1}, kInt64);
  EXPECT_TRUE(test::close(g({logits, target})[0],
                          cross_entropy(logits, target, Reduction::kSum).to_vector(), 0, 0));
}

TEST_F(Hostile, GraphEdges) {
  const auto base = [] { return Message().part(2, input_record("x")).part(5, op_record("relu")); };
  {
    write_file(
        path_,
        make_file(Message()
                      .part(3, base().part(6, node_record(0, {0})).part(7, output_record("y", 1)))
                      .bytes()));
    EXPECT_TRUE(test::close(load_graph(path_)({tensor({-1, 2})})[0], {0, 2}));
  }
  expect_graph_refused(base().part(6, node_record(0, {1})),
                       {"node 0 of 1 (relu): input value 1", "less than 1"});
  expect_graph_refused(base().part(6, node_record(0, {~std::uint32_t{0}})),
                       {"input value 4294967295"});
  expect_graph_refused(base().part(6, node_record(3, {0})), {"node 0 of 1: op 3"});
  expect_graph_refused(base().part(6, node_record(0, {})), {"[relu] 0 inputs"});
  expect_graph_refused(base().part(6, node_record(0, {0, 0})), {"[relu] 2 inputs"});
  expect_graph_refused(base().part(7, output_record("y", 1)), {"output 'y': value 1"});
  expect_graph_refused(base().part(7, output_record("y", 0)).part(7, output_record("y", 0)),
                       {"two outputs"});
  expect_graph_refused(base().part(2, input_record("x")), {"name 'x'", "taken"});
  expect_graph_refused(base().part(2, Message().number(2, 1)), {"without a name"});
  expect_graph_refused<UnsupportedError>(base().part(2, Message().bytes(1, "z")), {"dtype 0"});
  expect_graph_refused(base().part(3, Message().bytes(1, "p").number(2, 5)),
                       {"parameter 'p': tensor 5"});
  expect_graph_refused(base().part(4, Message().bytes(1, "c").number(2, 5)),
                       {"constant 'c': tensor 5"});
  expect_graph_refused(base().part(6, node_record(0, {0}).number(4, 9)), {"source file 9"});
  expect_graph_refused(base().part(1, Message().bytes(1, "n").number(2, ~std::uint64_t{0})),
                       {"axis 'n' has the example size -1"});
}

TEST_F(Hostile, InputShapes) {
  const auto with_size = [](const Message& size) {
    return Message().part(2, Message().bytes(1, "x").number(2, 1).part(3, size));
  };
  expect_graph_refused(with_size(Message().zigzag(1, -5)), {"negative size -5"});
  expect_graph_refused(with_size(Message().zigzag(2, 1).number(3, 0)),
                       {"axis 0; expected less than 0"});
  Message many;
  many.zigzag(2, 1);
  for (int i = 0; i < 5; ++i) many.number(3, 0);
  expect_graph_refused(with_size(many), {"a product of 5 axes"});
  Message deep = Message().bytes(1, "x").number(2, 1);
  for (int i = 0; i < 9; ++i) deep.part(3, Message().zigzag(1, 1));
  expect_graph_refused(Message().part(2, deep), {"rank 9"});
  // Axes that multiply beyond 64 bits.
  Message g;
  g.part(1, Message().bytes(1, "n").number(2, std::uint64_t{1} << 40));
  Message product;
  product.zigzag(2, 1).number(3, 0).number(3, 0);
  g.part(2, Message().bytes(1, "x").number(2, 1).part(3, product));
  g.part(5, op_record("relu")).part(6, node_record(0, {0}));
  write_file(path_, make_file(Message().part(3, g).bytes()));
  EXPECT_NO_THROW(load_archive(path_)) << "undescribed, but not wrong";
}

TEST_F(Hostile, Attributes) {
  const auto softmax_with = [](const std::vector<Message>& attributes) {
    Message node = node_record(0, {0});
    for (const Message& a : attributes) node.part(3, a);
    return Message()
        .part(1, Message().bytes(1, "n").number(2, 2))
        .part(2, input_record("x"))
        .part(5, op_record("softmax"))
        .part(6, node);
  };
  const auto dim = [](std::int64_t v) { return Message().bytes(1, "dim").zigzag(2, v); };
  write_file(path_, make_file(Message().part(3, softmax_with({dim(-1)})).bytes()));
  EXPECT_NO_THROW(load_archive(path_));
  expect_graph_refused(softmax_with({}), {"node 0 of 1 (softmax): no attribute 'dim'"});
  expect_graph_refused(softmax_with({dim(0), dim(0)}), {"attribute 'dim' twice"});
  expect_graph_refused(softmax_with({dim(0), Message().bytes(1, "axis").zigzag(2, 0)}),
                       {"attribute 'axis'; expected one of the op's"});
  expect_graph_refused(softmax_with({Message().bytes(1, "dim").bytes(5, "zero")}),
                       {"node 0 of 1 (softmax)", "dim"});
  expect_graph_refused(softmax_with({dim(5)}), {"shapes", "[softmax]", "dim", "5"});
  const auto symbol = [](std::uint64_t element, const Message& value) {
    return Message().number(1, element).part(2, value);
  };
  const Message axis = Message().zigzag(2, 1).number(3, 0);
  expect_graph_refused(softmax_with({dim(0).part(9, symbol(4, axis))}),
                       {"attribute 'dim'", "no integer 3"});
  expect_graph_refused(
      softmax_with({dim(0).part(9, symbol(0, Message().zigzag(2, 1).number(3, 1)))}),
      {"axis 1; expected less than 1"});
  expect_graph_refused(softmax_with({dim(0).part(9, symbol(~std::uint32_t{0}, axis))}),
                       {"attribute element"});
}

// Files that would take a reader with quadratic checks hours.
TEST_F(Hostile, FloodsAreRefusedQuickly) {
  Message many = node_record(0, {0});
  for (int i = 0; i < 100'000; ++i)
    many.part(3, Message().bytes(1, std::to_string(i)).zigzag(2, 1));
  const auto graph = [](const Message& node) {
    return Message().part(2, input_record("x")).part(5, op_record("relu")).part(6, node);
  };
  expect_graph_refused(graph(many), {"100000 attributes", "at most 256"});
  Message symbols = Message().bytes(1, "a").zigzag(2, 1);
  for (int i = 0; i < 100'000; ++i) symbols.part(9, Message().number(1, 1));
  Message node = node_record(0, {0});
  expect_graph_refused(graph(node.part(3, symbols)), {"follow axes", "at most 1024"});
  Message outputs = graph(node_record(0, {0}));
  for (int i = 0; i < 100'000; ++i) outputs.part(7, output_record(std::to_string(i).c_str(), 1));
  write_file(path_, make_file(Message().part(3, outputs).bytes()));
  EXPECT_EQ(load_graph(path_).outputs().size(), 100'000u);
}

TEST_F(Hostile, ShapesThatDoNotFit) {
  Message g;
  g.part(2, input_record("x"));
  g.part(5, op_record("matmul"));
  Message list;
  g.part(2, Message()
                .bytes(1, "m")
                .number(2, 1)
                .part(3, Message().zigzag(1, 3))
                .part(3, Message().zigzag(1, 3)));
  g.part(6, node_record(0, {1, 0}));
  expect_graph_refused(g, {"shapes", "[matmul]", "node 0 of the graph"});
}

// Values in the shape rules' lists that no call of the public functions makes.
TEST_F(Hostile, ShapeRulesMeetAnyList) {
  const std::vector<std::vector<std::int64_t>> lists{{},
                                                     {-1},
                                                     {-1, -1},
                                                     {0},
                                                     {2},
                                                     {9},
                                                     {-9},
                                                     {0, 0},
                                                     {1, 0},
                                                     {std::int64_t{1} << 62, 4},
                                                     {std::numeric_limits<std::int64_t>::min()},
                                                     {std::numeric_limits<std::int64_t>::max(), 2},
                                                     {1, 1, 1, 1, 1, 1, 1, 1},
                                                     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
  int refused = 0;
  for (const OpInfo* info : all_ops()) {
    if (!info->built_in) continue;
    for (std::size_t k = 0; k < info->attrs.size(); ++k) {
      const AttrInfo& attr = info->attrs[k];
      const bool is_list = std::holds_alternative<std::vector<std::int64_t>>(attr.default_value);
      if (!is_list && !std::holds_alternative<std::int64_t>(attr.default_value)) continue;
      for (const auto& list : lists)
        for (int rank : {0, 1, 3}) {
          Graph g;
          const Graph::ValueId x = g.add_input("x", kFloat32, SymbolicShape(rank, 2));
          const Graph::ValueId i = g.add_input("i", kInt64, SymbolicShape(rank, 2));
          try {
            OpValue op(*info);
            for (const AttrInfo& other : info->attrs)
              if (std::holds_alternative<std::vector<std::int64_t>>(other.default_value))
                op.set(other.name, list);
            if (!is_list) op.set(attr.name, list.empty() ? std::int64_t{77} : list[0]);
            std::vector<Graph::ValueId> inputs(static_cast<std::size_t>(info->min_inputs()), x);
            if (inputs.size() > 1) inputs.back() = i;
            g.add_node(op, inputs);
            g.infer_shapes();
          } catch (const ArgumentError&) {
            ++refused;
          }
        }
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace catena
