#include "catena/graph/graph.hpp"

#include <gtest/gtest.h>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::close;
using test::expect_error;
using Id = Graph::ValueId;

OpValue op(const char* name, const AttrList& attrs = {}) { return OpValue(get_op(name), attrs); }

// y = relu(x w + b) with x [batch, 2].
Graph dense() {
  Graph g;
  const int batch = g.add_axis("batch", 4);
  const Id x = g.add_input("x", kFloat32, {SymbolicInt::axis(batch), 2});
  Tensor w = tensor({{1, 2, 3}, {4, 5, 6}});
  Tensor b = tensor({-10, 0, 0.5});
  const Id weight = g.add_parameter("fc.weight", w.set_requires_grad());
  const Id bias = g.add_parameter("fc.bias", b.set_requires_grad());
  const Id product = g.add_node(op("matmul"), {x, weight}, g.source("/src/model.cpp", 41));
  const Id sum = g.add_node(op("add"), {product, bias}, g.source("/src/model.cpp", 42));
  g.add_output("y", g.add_node(op("relu"), {sum}));
  return g;
}

TEST(Graph, RunsAtAnyBatchSize) {
  const Graph g = dense();
  EXPECT_TRUE(close(g({tensor({{1, 1}})})[0], {0, 7, 9.5}));
  const Tensor y = g({tensor({{1, 1}, {0, 1}, {3, 2}})})[0];
  EXPECT_EQ(y.shape(), (Shape{3, 3}));
  EXPECT_TRUE(close(y, {0, 7, 9.5, 0, 5, 6.5, 1, 16, 21.5}));
}

TEST(Graph, IsDifferentiable) {
  const Graph g = dense();
  Tensor x = tensor({{1, 1}});
  sum(g({x.set_requires_grad()})[0]).backward();
  EXPECT_TRUE(close(x.grad(), {5, 11}));
  const std::vector<NamedTensor> parameters = g.named_parameters();
  ASSERT_EQ(parameters.size(), 2u);
  EXPECT_EQ(parameters[0].first, "fc.weight");
  EXPECT_TRUE(close(parameters[0].second.grad(), {0, 1, 1, 0, 1, 1}));
  EXPECT_TRUE(close(parameters[1].second.grad(), {0, 1, 1}));
}

TEST(Graph, InfersSymbolicShapes) {
  Graph g = dense();
  g.infer_shapes();
  const Graph::Value& y = g.values()[static_cast<std::size_t>(g.outputs()[0].value)];
  ASSERT_TRUE(y.described);
  EXPECT_EQ(y.dtype, kFloat32);
  EXPECT_EQ(to_string(y.shape, g.axis_names()), "[batch, 3]");
}

TEST(Graph, InferenceNamesTheCallThatDoesNotFit) {
  Graph g;
  const Id a = g.add_input("a", kFloat32, {2, 3});
  g.add_node(op("matmul"), {a, a}, g.source("dir/net.cpp", 7));
  expect_error<ArgumentError>([&] { g.infer_shapes(); },
                              {"[matmul]", "node 0 of the graph", "recorded at net.cpp:7"});
}

TEST(Graph, ChecksItsInputs) {
  const Graph g = dense();
  expect_error<ArgumentError>([&] { g({}); }, {"[graph] 0 inputs given; expected 1: x"});
  expect_error<ArgumentError>(
      [&] {
        g({tensor({{1, 2, 3}})});
      },
      {"input 'x' has shape [1, 3]; expected [batch, 2]", "graph_test.cpp"});
  expect_error<ArgumentError>([&] { g({tensor({1, 2})}); }, {"[2]; expected [batch, 2]"});
  expect_error<ArgumentError>(
      [&] {
        g({zeros({1, 2}, kFloat64)});
      },
      {"dtype float64; expected float32"});
  expect_error<ArgumentError>([&] { g({Tensor()}); }, {"undefined"});
}

TEST(Graph, OneAxisHasOneSize) {
  Graph g;
  const SymbolicInt n = SymbolicInt::axis(g.add_axis("n", 2));
  const Id a = g.add_input("a", kFloat32, {n});
  const Id b = g.add_input("b", kFloat32, {n});
  g.add_output("y", g.add_node(op("add"), {a, b}));
  EXPECT_TRUE(close(g({tensor({1, 2, 3}), tensor({1, 1, 1})})[0], {2, 3, 4}));
  expect_error<ArgumentError>(
      [&] {
        g({tensor({1, 2, 3}), tensor({1})});
      },
      {"input 'b' has shape [1]; expected [n], where n is 3 by input 'a'"});
}

TEST(Graph, SymbolicAttributesFollowTheInputs) {
  Graph g;
  const int n = g.add_axis("n", 2);
  const Id x = g.add_input("x", kFloat32, {SymbolicInt::axis(n), 3});
  const int axes[] = {n};
  const Id flat = g.add_node(op("reshape", {{"shape", std::vector<std::int64_t>{6}}}), {x}, {},
                             {{"shape", 0, SymbolicInt(3, axes, 0)}});
  g.add_output("y", flat);
  EXPECT_EQ(g({zeros({5, 3})})[0].shape(), (Shape{15}));
  g.infer_shapes();
  EXPECT_NE(g.describe().find("reshape(shape=[3*n]) <- x : float32 [3*n]"), std::string::npos)
      << g.describe();
}

TEST(Graph, ModeDecidesAboutDropout) {
  Graph g;
  const Id x = g.add_input("x", kFloat32, {1000});
  g.add_output("y", g.add_node(op("dropout", {{"p", 0.5}}), {x}));
  const Tensor ones_in = ones({1000});
  EXPECT_TRUE(test::same_bits(g({ones_in})[0], ones_in));
  const std::vector<double> first = g({ones_in}, Mode::kTraining)[0].to_vector();
  const std::vector<double> second = g({ones_in}, Mode::kTraining)[0].to_vector();
  EXPECT_NE(first, second) << "the mask must be drawn anew";
  const auto zeros_in = std::count(first.begin(), first.end(), 0.0);
  EXPECT_GT(zeros_in, 400);
  EXPECT_LT(zeros_in, 600);
}

TEST(Graph, ModeDecidesAboutDropoutWithinAttention) {
  Graph g;
  const Id q = g.add_input("q", kFloat32, {2, 8, 4});
  g.add_output("y",
               g.add_node(op("scaled_dot_product_attention", {{"dropout", 0.5}, {"scale", 0.5}}),
                          {q, q, q}));
  const Tensor x = randn({2, 8, 4});
  const Tensor kept = scaled_dot_product_attention(x, x, x);
  EXPECT_TRUE(test::same_bits(g({x})[0], kept));
  const Tensor first = g({x}, Mode::kTraining)[0], second = g({x}, Mode::kTraining)[0];
  EXPECT_FALSE(test::same_bits(first, kept));
  EXPECT_FALSE(test::same_bits(first, second)) << "the mask must be drawn anew";
}

TEST(Graph, RefusesWhatIsNotWellFormed) {
  Graph g;
  const Id x = g.add_input("x", kFloat32, {2});
  expect_error<ArgumentError>([&] { g.add_input("x", kFloat32, {2}); }, {"name 'x'", "taken"});
  expect_error<ArgumentError>([&] { g.add_node(op("relu"), {5}); }, {"value 5", "0 to 0"});
  expect_error<ArgumentError>([&] { g.add_node(op("relu"), {-1}); }, {"value -1"});
  expect_error<ArgumentError>([&] { g.add_node(op("add"), {x}); },
                              {"[add] 1 inputs", "expected 2"});
  expect_error<ArgumentError>([&] { g.add_output("y", 9); }, {"output 'y'", "value 9"});
  expect_error<ArgumentError>([&] { g.add_parameter("p", Tensor()); }, {"undefined"});
  expect_error<ArgumentError>([&] { g.tie_parameter("p", x); }, {"no parameter"});
  expect_error<ArgumentError>([&] { g.add_input("z", kFloat32, {SymbolicInt::axis(0)}); },
                              {"axis 0 of 0"});
  g.add_output("y", x);
  expect_error<ArgumentError>([&] { g.add_output("y", x); }, {"two outputs", "'y'"});
  g.add_axis("n", 1);
  expect_error<ArgumentError>([&] { g.add_axis("n", 1); }, {"two axes", "'n'"});
}

TEST(Graph, ErrorsOfARunCarryTheRecordedLine) {
  Graph g;
  const Id a = g.add_input("a", kFloat32, {SymbolicInt::unknown(), SymbolicInt::unknown()});
  g.add_output("y", g.add_node(op("matmul"), {a, a}, g.source("src/net.cpp", 12)));
  expect_error<ArgumentError>(
      [&] {
        g({zeros({2, 3})});
      },
      {"[matmul]", "graph_test.cpp", "recorded at net.cpp:12"});
}

TEST(Graph, DescribesAndDraws) {
  Graph g = dense();
  g.infer_shapes();
  EXPECT_EQ(g.describe(),
            "graph: 3 calls, 1 input, 2 parameters, 0 constants, 1 output\n"
            "axes: batch\n"
            "inputs:\n"
            "  x : float32 [batch, 2]\n"
            "parameters:\n"
            "  fc.weight : float32 [2, 3]\n"
            "  fc.bias : float32 [3]\n"
            "calls:\n"
            "  %0 = matmul() <- x, fc.weight : float32 [batch, 3]  # model.cpp:41\n"
            "  %1 = add() <- %0, fc.bias : float32 [batch, 3]  # model.cpp:42\n"
            "  %2 = relu() <- %1 : float32 [batch, 3]\n"
            "outputs:\n"
            "  y = %2 : float32 [batch, 3]\n");
  const std::string dot = g.to_dot();
  EXPECT_EQ(dot.rfind("digraph", 0), 0u);
  EXPECT_NE(dot.find("n0 -> n1 [label=\"float32 [batch, 3]\"]"), std::string::npos) << dot;
}

TEST(Graph, TiedParametersAreOneValue) {
  Graph g;
  const Id x = g.add_input("x", kFloat32, {2});
  Tensor w = tensor({3, 4});
  const Id a = g.add_parameter("a", w.set_requires_grad());
  g.tie_parameter("b", a);
  g.add_output("y", g.add_node(op("mul"), {x, a}));
  ASSERT_EQ(g.named_parameters().size(), 2u);
  EXPECT_TRUE(g.named_parameters()[0].second.is_same(g.named_parameters()[1].second));
}

TEST(Graph, UnusedResultsAndRepeatedInputsAreFine) {
  Graph g;
  const Id x = g.add_input("x", kFloat32, {2});
  g.add_node(op("exp"), {x});
  const Id square = g.add_node(op("mul"), {x, x});
  g.add_output("square", square);
  g.add_output("again", square);
  g.add_output("x", x);
  const std::vector<Tensor> y = g({tensor({2, 3})});
  EXPECT_TRUE(close(y[0], {4, 9}));
  EXPECT_TRUE(close(y[1], {4, 9}));
  EXPECT_TRUE(close(y[2], {2, 3}));
}

TEST(Graph, IsAsDeepAsMemoryAllows) {
  constexpr int kDepth = 300'000;
  Graph g;
  Id value = g.add_input("x", kFloat32, {2});
  const Id one = g.add_constant(tensor({1}));
  for (int i = 0; i < kDepth; ++i) value = g.add_node(op("add"), {value, one});
  g.add_output("y", value);
  EXPECT_TRUE(close(g({tensor({0, 1})})[0], {300000, 300001}));
  Tensor x = tensor({0, 1});
  sum(g({x.set_requires_grad()})[0]).backward();
  EXPECT_TRUE(close(x.grad(), {1, 1}));
  g.infer_shapes();
  EXPECT_GT(g.describe().size(), std::size_t{kDepth});
}

TEST(Symbolic, Evaluates) {
  const int axes[] = {1, 0};
  const std::int64_t sizes[] = {5, 7};
  const SymbolicInt s(2, axes, 3);
  EXPECT_EQ(s.evaluate(sizes), 73);
  const std::string names[] = {"a", "b"};
  EXPECT_EQ(to_string(s, names), "2*a*b+3");
  EXPECT_EQ(to_string(SymbolicInt(-4), names), "-4");
  EXPECT_EQ(to_string(SymbolicInt::unknown(), names), "?");
  EXPECT_FALSE(SymbolicInt::unknown().evaluate(sizes));
  const std::int64_t huge[] = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  EXPECT_FALSE(s.evaluate(huge));
}

TEST(Symbolic, FitsOnlyWhatIsCertain) {
  const std::vector<std::int64_t> first{4, 6};
  const std::vector<std::int64_t> second = distinguishing_sizes(first);
  const std::int64_t a = second[0], b = second[1];
  const std::string names[] = {"a", "b"};
  const auto fit = [&](std::int64_t x, std::int64_t y) {
    const std::optional<SymbolicInt> s = fit_symbolic(x, y, first, second);
    return s ? to_string(*s, names) : "none";
  };
  EXPECT_EQ(fit(5, 5), "5");
  EXPECT_EQ(fit(4, a), "a");
  EXPECT_EQ(fit(6, b), "b");
  EXPECT_EQ(fit(12, 3 * a), "3*a");
  EXPECT_EQ(fit(24, a * b), "a*b");
  EXPECT_EQ(fit(16, a * a), "a*a");
  EXPECT_EQ(fit(3, a - 1), "a-1");
  EXPECT_EQ(fit(13, b + 7), "b+7");
  EXPECT_EQ(fit(10, a + b), "none");
  EXPECT_EQ(fit(2, a / 2), "none");
  EXPECT_EQ(fit(1, 2), "none");
}

TEST(Symbolic, SizesTellExpressionsApart) {
  const std::vector<std::vector<std::int64_t>> examples{
      {2}, {2, 2}, {3, 3, 3}, {2, 4, 8, 16}, {5, 5, 7, 2, 2}, {64, 1000, 3}};
  for (const auto& first : examples) {
    const std::vector<std::int64_t> second = distinguishing_sizes(first);
    ASSERT_EQ(second.size(), first.size());
    for (std::size_t k = 0; k < first.size(); ++k)
      for (std::int64_t c = -3; c <= 3; ++c) {
        const int axis[] = {static_cast<int>(k)};
        const SymbolicInt sum(1, axis, c);
        EXPECT_EQ(fit_symbolic(*sum.evaluate(first), *sum.evaluate(second), first, second), sum);
        if (c == 0) continue;
        const SymbolicInt product(c, axis, 0);
        EXPECT_EQ(fit_symbolic(*product.evaluate(first), *product.evaluate(second), first, second),
                  product);
      }
  }
}

}  // namespace
}  // namespace catena
