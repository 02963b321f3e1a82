#include "catena/graph/trace.hpp"

#include <gtest/gtest.h>

#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::close;
using test::expect_error;
using test::same_bits;

TraceOptions dynamic_batch() {
  TraceOptions options;
  options.dynamic_axes = {{0, 0, "batch"}};
  return options;
}

TEST(Trace, RepeatsTheFunction) {
  const auto f = [](const Tensor& x) { return softmax(exp(x) * 2 + x, -1); };
  const Tensor x = randn({4, 5});
  const Graph g = trace(f, x);
  EXPECT_EQ(g.inputs()[0].name, "x");
  EXPECT_EQ(g.outputs()[0].name, "output_0");
  EXPECT_TRUE(same_bits(g({x})[0], f(x)));
  const Tensor other = randn({4, 5});
  EXPECT_TRUE(same_bits(g({other})[0], f(other)));
  expect_error<ArgumentError>([&] { g({randn({3, 5})}); }, {"expected [4, 5]"});
}

TEST(Trace, RemembersSourceLines) {
  const Graph g = trace([](const Tensor& x) { return relu(x); }, ones({2}));
  EXPECT_EQ(g.source_of(g.nodes()[0]).rfind("trace_test.cpp:", 0), 0u);
}

TEST(Trace, SharesSmallConstants) {
  const Graph g = trace([](const Tensor& x) { return (x * 2 + 2) * 2 + 3; }, ones({2}));
  EXPECT_EQ(g.constants().size(), 2u) << g.describe();
}

TEST(Trace, ParametersStayTrainableAndConstantsDoNotChange) {
  Tensor w = tensor({2, 3}), frozen = tensor({10, 10});
  w.set_requires_grad();
  TraceOptions options;
  options.parameters = {{"w", w}, {"tied", w}, {"unused", tensor({1})}};
  const Graph g = trace([&](const Tensor& x) { return x * w + frozen; }, ones({2}), options);
  ASSERT_EQ(g.parameters().size(), 3u);
  EXPECT_EQ(g.constants().size(), 1u);
  EXPECT_TRUE(g.named_parameters()[0].second.is_same(w));
  EXPECT_TRUE(g.named_parameters()[1].second.is_same(w));
  sum(g({ones({2})})[0]).backward();
  EXPECT_TRUE(close(w.grad(), {1, 1}));
  {
    NoGrad no_grad;
    w.fill_(5);
    frozen.fill_(0);
  }
  EXPECT_TRUE(close(g({ones({2})})[0], {15, 15}));
}

TEST(Trace, RecordsNothingForGradients) {
  Tensor w = tensor({2, 3});
  w.set_requires_grad();
  trace(
      [&](const Tensor& x) {
        const Tensor y = x * w;
        EXPECT_FALSE(y.requires_grad());
        return y;
      },
      ones({2}));
}

TEST(Trace, DynamicAxesBecomeExpressions) {
  const auto f = [](const Tensor& x) {
    const Tensor flat = x.reshape({x.size(0) * 3});            // 3*batch
    const Tensor rows = flat.reshape({x.size(0), 3});          // batch
    const Tensor tail = rows.slice({Slice(1, std::nullopt)});  // batch-1
    return tail.sum({0}, true).expand({x.size(0), 3}) + rows;
  };
  const Graph g = trace(f, randn({4, 3}), dynamic_batch());
  for (std::int64_t n : {2, 3, 4, 7, 100}) {
    const Tensor x = randn({n, 3});
    EXPECT_TRUE(same_bits(g({x})[0], f(x))) << n;
  }
  const std::string text = g.describe();
  for (const char* part :
       {"shape=[3*batch]", "shape=[batch, 3]", "[batch-1, 3]", "x : float32 [batch, 3]"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Trace, TwoAxesAreKeptApart) {
  TraceOptions options;
  options.dynamic_axes = {{0, 0, "batch"}, {0, 1, "time"}, {1, 1, "time"}};
  options.input_names = {"x", "mask"};
  const Function f = [](std::span<const Tensor> in) {
    const Tensor& x = in[0];
    const Tensor merged = x.reshape({x.size(0) * x.size(1), 2});
    return std::vector<Tensor>{merged.reshape({x.size(0), x.size(1), 2}).sum({2}) * in[1]};
  };
  // Both axes have the same example size.
  const Graph g = trace(f, {randn({3, 3, 2}), randn({1, 3})}, options);
  const std::vector<Tensor> inputs{randn({5, 8, 2}), randn({1, 8})};
  EXPECT_TRUE(same_bits(g(inputs)[0], f(inputs)[0]));
  EXPECT_NE(g.describe().find("shape=[batch*time, 2]"), std::string::npos) << g.describe();
  expect_error<ArgumentError>(
      [&] {
        g({randn({5, 8, 2}), randn({1, 7})});
      },
      {"'mask'", "time is 8 by input 'x'"});
}

TEST(Trace, AnExampleOfOneIsNotTakenForBroadcasting) {
  const auto f = [](const Tensor& x) { return x + x.transpose(0, 1).transpose(0, 1); };
  const Graph g = trace(f, randn({1, 3}), dynamic_batch());
  const Tensor x = randn({6, 3});
  EXPECT_TRUE(same_bits(g({x})[0], f(x)));
  const Graph empty_example = trace(f, zeros({0, 3}), dynamic_batch());
  EXPECT_TRUE(same_bits(empty_example({x})[0], f(x)));
}

TEST(Trace, IntegerInputsStayInRange) {
  const Tensor table = randn({10, 4});
  TraceOptions options = dynamic_batch();
  options.parameters = {{"table", table}};
  const Tensor ids = tensor({9, 0, 3}, kInt64);
  const Graph g = trace([&](const Tensor& i) { return index_select(table, i); }, ids, options);
  EXPECT_TRUE(same_bits(g({tensor({1, 1, 9, 9, 9}, kInt64)})[0],
                        index_select(table, tensor({1, 1, 9, 9, 9}, kInt64))));
}

TEST(Trace, RefusesSizesItCannotExpress) {
  expect_error<ArgumentError>(
      [] {
        trace([](const Tensor& x) { return x.slice({Slice(0, x.size(0) / 2)}); }, randn({4, 3}),
              dynamic_batch());
      },
      {"[trace] attribute 'length' of slice depends on the sizes", "at batch=4", "trace_test.cpp"});
}

TEST(Trace, RefusesConstantsThatFollowTheSize) {
  expect_error<ArgumentError>(
      [] {
        trace([](const Tensor& x) { return x / static_cast<double>(x.size(0)); }, randn({4, 3}),
              dynamic_batch());
      },
      {"[trace] a constant depends on the sizes: 4. at batch=4", "trace_test.cpp"});
  expect_error<ArgumentError>(
      [] {
        trace([](const Tensor& x) { return x + zeros(x.shape()); }, randn({4, 3}), dynamic_batch());
      },
      {"[trace] a constant depends on the sizes"});
}

TEST(Trace, RefusesCallsThatDependOnTheSize) {
  expect_error<ArgumentError>(
      [] {
        trace(
            [](const Tensor& x) {
              Tensor y = x;
              for (std::int64_t i = 0; i < x.size(0); ++i) y = relu(y);
              return y;
            },
            randn({4, 3}), dynamic_batch());
      },
      {"[trace] the number of calls depends on the sizes: 4 at batch=4"});
  expect_error<ArgumentError>(
      [] {
        trace([](const Tensor& x) { return x.size(0) == 4 ? exp(x) : tanh(x); }, randn({4, 3}),
              dynamic_batch());
      },
      {"the sequence of calls depends on the sizes: exp()", "tanh()", "trace_test.cpp"});
  expect_error<ArgumentError>(
      [] {
        trace([](const Tensor& x) { return x.reshape({2, 6}); }, randn({4, 3}), dynamic_batch());
      },
      {"[reshape]", "while tracing a second time, with batch="});
}

TEST(Trace, RefusesReadingValues) {
  const auto reads = [](auto read) {
    expect_error<ArgumentError>(
        [&] {
          trace(
              [&](const Tensor& x) {
                const Tensor y = sum(x);
                read(y);
                return y;
              },
              ones({3}));
        },
        {"[trace] the value of value", "float32 []", "read on the host", "constant(tensor)",
         "trace_test.cpp"});
  };
  reads([](const Tensor& t) { t.item(); });
  reads([](const Tensor& t) { t.to_vector(); });
  reads([](const Tensor& t) { t.data<float>(); });
}

TEST(Trace, ConstantFreezesAValue) {
  const auto f = [](const Tensor& x) { return x * constant(sum(x)).item(); };
  const Graph g = trace(f, tensor({1, 2}));
  EXPECT_TRUE(close(g({tensor({5, 5})})[0], {15, 15}));
  // Marked constants may differ between the two sizes.
  const Graph any =
      trace([](const Tensor& x) { return x * constant(sum(x)); }, tensor({1, 2}), dynamic_batch());
  EXPECT_TRUE(close(any({tensor({5, 5, 5})})[0], {15, 15, 15}));
  const Tensor t = ones({2});
  EXPECT_TRUE(constant(t).is_same(t));
}

TEST(Trace, ReadingConstantsIsFine) {
  const Tensor factor = tensor({3.0});
  const Graph g = trace([&](const Tensor& x) { return x * factor.item(); }, ones({2}));
  EXPECT_TRUE(close(g({ones({2})})[0], {3, 3}));
}

TEST(Trace, RefusesWritingInPlace) {
  Tensor w = tensor({2, 3});
  TraceOptions options;
  options.parameters = {{"w", w}};
  expect_error<ArgumentError>(
      [&] {
        trace(
            [&](const Tensor& x) {
              w.fill_(1);
              return x * w;
            },
            ones({2}), options);
      },
      {"[trace] parameter w", "written in place", "trace_test.cpp"});
  expect_error<ArgumentError>(
      [] {
        trace(
            [](const Tensor& x) {
              Tensor y = exp(x);
              return y.add_(x);
            },
            ones({2}));
      },
      {"[trace] value", "written in place"});
  expect_error<ArgumentError>(
      [] {
        trace(
            [](const Tensor& x) {
              Tensor view = x.detach();
              view.fill_(0);
              return x + 1;
            },
            ones({2}));
      },
      {"written in place"});
}

TEST(Trace, FollowsDetach) {
  const auto f = [](const Tensor& x) { return exp(x).detach() + x.detach(); };
  const Graph g = trace(f, ones({2}));
  EXPECT_TRUE(g.constants().empty()) << g.describe();
  EXPECT_TRUE(same_bits(g({tensor({0, 3})})[0], f(tensor({0, 3}))));
}

TEST(Trace, TensorsFilledInsideAreConstants) {
  const Graph g = trace(
      [](const Tensor& x) {
        Tensor bias = zeros({2});
        bias.fill_(7);
        return x + bias;
      },
      ones({2}));
  EXPECT_TRUE(close(g({zeros({2})})[0], {7, 7}));
}

TEST(Trace, OutputsMayBeInputsParametersAndConstants) {
  const Tensor w = tensor({1, 2});
  TraceOptions options;
  options.parameters = {{"w", w}};
  options.output_names = {"a", "b", "c", "d"};
  const Graph g = trace(
      [&](std::span<const Tensor> in) {
        return std::vector<Tensor>{in[0], w, zeros({1}), in[1]};
      },
      {ones({2}), ones({3})}, options);
  EXPECT_EQ(g.inputs()[1].name, "input_1");
  const std::vector<Tensor> y = g({tensor({5, 6}), zeros({3})});
  EXPECT_TRUE(close(y[0], {5, 6}));
  EXPECT_TRUE(close(y[1], {1, 2}));
  EXPECT_TRUE(close(y[2], {0}));
  EXPECT_TRUE(close(y[3], {0, 0, 0}));
}

TEST(Trace, OneTensorForTwoInputsIsTwoInputs) {
  const Tensor x = ones({2});
  const Graph g =
      trace([](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] - in[1]}; }, {x, x});
  EXPECT_TRUE(close(g({tensor({3, 3}), tensor({1, 2})})[0], {2, 1}));
}

TEST(Trace, LeavesNoTraceBehind) {
  EXPECT_THROW(trace(
                   [](const Tensor& x) -> Tensor {
                     relu(x);
                     throw ArgumentError("stop");
                   },
                   ones({2})),
               ArgumentError);
  EXPECT_EQ(relu(ones({2})).to_vector()[0], 1.0);
  const PhiloxState before = random_state();
  trace([](const Tensor& x) { return dropout(x, 0.5); }, ones({2}), dynamic_batch());
  EXPECT_EQ(random_state(), before);
}

TEST(Trace, ChecksItsOptions) {
  const auto f = [](const Tensor& x) { return relu(x); };
  const auto with = [&](DynamicAxis axis) {
    TraceOptions options;
    options.dynamic_axes = {std::move(axis)};
    return options;
  };
  expect_error<ArgumentError>([&] { trace(f, ones({2}), with({1, 0, "n"})); }, {"of input 1"});
  expect_error<ArgumentError>([&] { trace(f, ones({2}), with({0, 1, "n"})); }, {"dimension 1"});
  expect_error<ArgumentError>([&] { trace(f, Tensor()); }, {"example input 0 is an undefined"});
  expect_error<ArgumentError>([] { trace([](const Tensor&) { return Tensor(); }, ones({2})); },
                              {"output 0 is an undefined tensor"});
  expect_error<ArgumentError>(
      [&] { trace([&](const Tensor& x) { return trace(f, x)({x})[0]; }, ones({2})); },
      {"a trace inside a trace"});
  TraceOptions names;
  names.output_names = {"a", "b"};
  expect_error<ArgumentError>([&] { trace(f, ones({2}), names); }, {"2 output names for 1"});
  TraceOptions two_sizes;
  two_sizes.dynamic_axes = {{0, 0, "n"}, {1, 0, "n"}};
  expect_error<ArgumentError>(
      [&] {
        trace(
            [](std::span<const Tensor> in) {
              return std::vector<Tensor>{in[0], in[1]};
            },
            {ones({2}), ones({3})}, two_sizes);
      },
      {"'n' has size 2 in one example and 3"});
}

TEST(Trace, TellsWhichCallsRunTogether) {
  const Tensor w = randn({8, 8}), b = randn({8});
  const Graph g = trace(
      [&](const Tensor& x) {
        const Tensor h = matmul(tanh(x * 2 + b), w);
        const Tensor kept = relu(sigmoid(h)) * b;
        return softmax(kept.to(kFloat64) * 0.5, 0) + sum(kept) * b.sum();
      },
      randn({4, 8}), dynamic_batch());
  std::vector<std::string> chains;
  for (const std::vector<std::size_t>& chain : g.chains()) {
    chains.emplace_back();
    for (const std::size_t k : chain)
      chains.back() += g.nodes()[k].op.info().name + std::string(" ");
  }
  // One number is no chain, a value with two readers is no input of softmax alone.
  EXPECT_EQ(chains,
            (std::vector<std::string>{"mul add tanh ", "sigmoid relu mul cast mul softmax "}))
      << g.describe();
  EXPECT_NE(g.to_dot().find("label=\"chain 2\""), std::string::npos);
}

TEST(Trace, LargeDeferredValuesAreFollowed) {
  test::DeferralScope deferral(true, 1);
  const auto f = [](const Tensor& x) { return tanh(exp(x) * x + 1) * x; };
  const Graph g = trace(f, randn({64}));
  const Tensor x = randn({64});
  EXPECT_TRUE(same_bits(g({x})[0], f(x)));
}

TEST(Trace, TracesAreAsDeepAsMemoryAllows) {
  const Graph g = trace(
      [](const Tensor& x) {
        Tensor y = x;
        for (int i = 0; i < 300'000; ++i) y = y + 1;
        return y;
      },
      zeros({1}));
  EXPECT_EQ(g.nodes().size(), 300'000u);
  EXPECT_EQ(g.constants().size(), 1u);
  EXPECT_TRUE(close(g({zeros({1})})[0], {300000}));
}

}  // namespace
}  // namespace catena
