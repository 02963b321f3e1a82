#include "catena/nn/recurrent.hpp"

#include <functional>

#include "catena/graph/autograd.hpp"
#include "catena/graph/trace.hpp"
#include "catena/nn/clone.hpp"
#include "catena/nn/graph_module.hpp"
#include "catena/nn/recurrent_cell.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "nn/pytorch_values.hpp"
#include "nn/recurrent_reference.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr std::int64_t kInput = 2, kHidden = 3, kSteps = 4, kBatch = 3;

struct Outputs {
  Tensor y;
  std::vector<Tensor> state;
};
using Run = std::function<Outputs(const Tensor& x, const Tensor& h, const Tensor& c)>;

// `net` gives what PyTorch gave for this case, with gradients.
void expect_as_pytorch(nn::RecurrentLayer& net, const RecurrentCase& c, const Run& run,
                       bool batch_first = false) {
  fill_parameters(net);
  const std::vector<NamedTensor> parameters = net.named_parameters();
  ASSERT_EQ(parameters.size(), c.parameters.size());
  for (std::size_t k = 0; k < parameters.size(); ++k)
    EXPECT_EQ(parameters[k].first, c.parameters[k]);
  const auto size = [&](std::size_t part) {
    return static_cast<std::int64_t>(c.state[part].size()) / kBatch;
  };
  const auto rows = size(c.state.size() - 1) / kHidden;
  Tensor x = filled(batch_first ? Shape{kBatch, kSteps, kInput} : Shape{kSteps, kBatch, kInput},
                    [](double i) { return std::sin(1 + 0.7 * i); });
  Tensor h = filled({rows, kBatch, size(0) / rows}, [](double i) { return 0.5 * std::cos(i); });
  Tensor cell = filled({rows, kBatch, kHidden}, [](double i) { return 0.5 * std::cos(2 + i); });
  std::vector<Tensor> inputs{x, h, cell};
  for (Tensor& t : inputs) t.set_requires_grad();
  const Outputs out = run(x, h, cell);
  EXPECT_TRUE(close(out.y, c.y, 1e-8, 1e-8));
  Tensor loss = weighted(out.y);
  for (std::size_t k = 0; k < out.state.size(); ++k) {
    EXPECT_TRUE(close(out.state[k], c.state[k], 1e-8, 1e-8)) << "state " << k;
    loss = loss + weighted(out.state[k]);
  }
  loss.backward();
  for (std::size_t k = 0; k < c.input_gradients.size(); ++k)
    EXPECT_TRUE(close(inputs[k].grad(), c.input_gradients[k], 1e-8, 1e-8)) << "input " << k;
  for (std::size_t k = 0; k < parameters.size(); ++k)
    EXPECT_TRUE(close(parameters[k].second.grad(), c.parameter_gradients[k], 1e-8, 1e-8))
        << parameters[k].first;
}

template <class Net>
Run one_state(Net& net, const Tensor& lengths = {}) {
  return [&net, lengths](const Tensor& x, const Tensor& h, const Tensor&) {
    const RecurrentOutput out = net.forward(x, h, lengths);
    return Outputs{out.y, {out.h}};
  };
}
Run two_states(nn::LSTM& net, const Tensor& lengths = {}) {
  return [&net, lengths](const Tensor& x, const Tensor& h, const Tensor& c) {
    const LstmOutput out = net.forward(x, {h, c}, lengths);
    return Outputs{out.y, {out.state.h, out.state.c}};
  };
}

TEST(Recurrent, IsPyTorchs) {
  const Tensor lengths = tensor({2, 4, 1}, kInt64);
  {
    nn::RNN net(kInput, kHidden, {.num_layers = 2, .bidirectional = true});
    expect_as_pytorch(net, kRecurrentCases[0], one_state(net, lengths));
  }
  {
    nn::RNN net(kInput, kHidden, {.nonlinearity = "relu"});
    expect_as_pytorch(net, kRecurrentCases[1], one_state(net));
  }
  {
    nn::LSTM net(kInput, kHidden, {.num_layers = 2, .bidirectional = true});
    expect_as_pytorch(net, kRecurrentCases[2], two_states(net, lengths));
  }
  {
    nn::LSTM net(kInput, kHidden, {.num_layers = 2, .batch_first = true, .proj_size = 2});
    expect_as_pytorch(net, kRecurrentCases[3], two_states(net), true);
  }
  {
    nn::LSTM net(kInput, kHidden, {.bidirectional = true, .proj_size = 1});
    expect_as_pytorch(net, kRecurrentCases[4], two_states(net, tensor({3, 1, 4}, kInt64)));
  }
  {
    nn::GRU net(kInput, kHidden, {.num_layers = 2, .bidirectional = true});
    expect_as_pytorch(net, kRecurrentCases[5], one_state(net, lengths));
  }
  {
    nn::GRU net(kInput, kHidden, {.bias = false});
    expect_as_pytorch(net, kRecurrentCases[6], one_state(net));
  }
}

// Values and gradients of `fused` (a layer of size 5 over x [4, 3, 6]) and of `step`, a cell with
// the same parameters called for each entry of x.
void expect_unrolled_is_fused(nn::RecurrentLayer& layer, nn::RecurrentCell& cell,
                              const std::function<Tensor(const Tensor& x)>& fused,
                              const std::function<void()>& start,
                              const std::function<Tensor(const Tensor& x)>& step) {
  const std::vector<NamedTensor> parameters = layer.named_parameters();
  {
    const NoGrad off;
    std::vector<Tensor> own = cell.parameters();
    for (std::size_t k = 0; k < own.size(); ++k) own[k].copy_(parameters[k].second);
  }
  Tensor x = randn({4, 3, 6}).set_requires_grad();
  const Tensor y = fused(x);
  sum(y * y).backward();
  const std::vector<double> d_x = x.grad().to_vector();
  x.zero_grad();
  start();
  std::vector<Tensor> ys;
  for (std::int64_t t = 0; t < 4; ++t) ys.push_back(step(x[t]));
  const Tensor unrolled = stack(ys);
  EXPECT_TRUE(close(unrolled, y.to_vector(), 1e-5, 1e-6));
  sum(unrolled * unrolled).backward();
  EXPECT_TRUE(close(x.grad(), d_x, 1e-4, 1e-5));
  const std::vector<Tensor> own = cell.parameters();
  for (std::size_t k = 0; k < own.size(); ++k)
    EXPECT_TRUE(close(own[k].grad(), parameters[k].second.grad().to_vector(), 1e-4, 1e-5))
        << parameters[k].first;
}

TEST(Recurrent, FusedIsUnrolled) {
  for (const std::string nonlinearity : {"tanh", "relu"}) {
    nn::RNN layer(6, 5, {.nonlinearity = nonlinearity});
    nn::RNNCell cell(6, 5, true, nonlinearity);
    Tensor h;
    expect_unrolled_is_fused(
        layer, cell, [&](const Tensor& x) { return layer(x); }, [&] { h = Tensor(); },
        [&](const Tensor& x) { return h = cell.forward(x, h); });
  }
  {
    nn::LSTM layer(6, 5);
    nn::LSTMCell cell(6, 5);
    LstmState state;
    expect_unrolled_is_fused(
        layer, cell, [&](const Tensor& x) { return layer(x); }, [&] { state = {}; },
        [&](const Tensor& x) {
          state = cell.forward(x, state);
          return state.h;
        });
  }
  {
    nn::GRU layer(6, 5);
    nn::GRUCell cell(6, 5);
    Tensor h;
    expect_unrolled_is_fused(
        layer, cell, [&](const Tensor& x) { return layer(x); }, [&] { h = Tensor(); },
        [&](const Tensor& x) { return h = cell.forward(x, h); });
  }
}

TEST(Recurrent, WhatLiesBeyondTheEndIsNotRead) {
  nn::LSTM net(2, 3, {.num_layers = 2, .bidirectional = true});
  const Tensor lengths = tensor({1, 2}, kInt64);
  Tensor clean = randn({3, 2, 2}), dirty = clean.clone();
  {
    const NoGrad off;
    const double nan = std::nan("");
    dirty[1][0].fill_(nan);
    dirty[2].fill_(nan);
  }
  std::vector<std::vector<Tensor>> gradients;
  std::vector<Tensor> outputs;
  for (const Tensor& x : {clean, dirty})
    for (const bool create_graph : {false, true}) {
      const LstmOutput out = net.forward(x, {}, lengths);
      outputs.push_back(out.y);
      gradients.push_back(
          grad(sum(out.y * out.y), net.parameters(), {.create_graph = create_graph}));
    }
  EXPECT_EQ(outputs[0][2].to_vector(), std::vector<double>(12, 0.0));
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_TRUE(same_bits(outputs[i], outputs[0]));
    for (std::size_t k = 0; k < gradients[0].size(); ++k)
      EXPECT_TRUE(close(gradients[i][k], gradients[0][k].to_vector(), 1e-4, 1e-5));
  }
}

TEST(Recurrent, OneSequenceAndNone) {
  nn::GRU net(2, 3, {.num_layers = 2, .bidirectional = true});
  const Tensor x = randn({4, 2}), h0 = randn({4, 3});
  const RecurrentOutput one = net.forward(x, h0);
  const RecurrentOutput batch = net.forward(unsqueeze(x, 1), unsqueeze(h0, 1));
  EXPECT_EQ(one.y.shape(), (Shape{4, 6}));
  EXPECT_EQ(one.h.shape(), (Shape{4, 3}));
  EXPECT_TRUE(same_bits(one.y, squeeze(batch.y, 1)));
  EXPECT_TRUE(same_bits(one.h, squeeze(batch.h, 1)));
  const RecurrentOutput none = net.forward(zeros({4, 0, 2}), {});
  EXPECT_EQ(none.y.shape(), (Shape{4, 0, 6}));
  EXPECT_EQ(none.h.shape(), (Shape{4, 0, 3}));
  none.y.sum().backward();
  EXPECT_EQ(sum(abs(net.parameters()[0].grad())).item(), 0);
  expect_error<ArgumentError>(
      [&] {
        net(zeros({0, 3, 2}));
      },
      {"[gru] x has shape [0, 3, 2]", "T >= 1"});
}

TEST(Recurrent, DropsOutBetweenLayersInTraining) {
  nn::LSTM net(2, 4, {.num_layers = 2, .batch_first = true, .dropout = 1});
  const Tensor x = randn({3, 5, 2}), other = randn({3, 5, 2});
  EXPECT_TRUE(same_bits(net(x), net(other)));  // the second layer sees zeros
  net.eval();
  EXPECT_FALSE(same_bits(net(x), net(other)));
  EXPECT_EQ(net(x).shape(), (Shape{3, 5, 4}));
}

TEST(Recurrent, IsALayerLikeAnyOther) {
  nn::LSTM net(2, 3, {.num_layers = 2, .bidirectional = true, .proj_size = 1});
  EXPECT_EQ(nn::to_string(net), "LSTM(2, 3, num_layers=2, bidirectional=true, proj_size=1)");
  EXPECT_EQ(net.named_parameters()[4].first, "weight_hr_l0");
  EXPECT_EQ(net.named_parameters()[5].first, "weight_ih_l0_reverse");
  EXPECT_EQ(net.named_parameters()[10].second.shape(), (Shape{12, 2}));
  nn::LSTM copy = nn::clone(net);
  const Tensor x = randn({4, 2, 2});
  EXPECT_TRUE(same_bits(copy(x), net(x)));
  {
    const NoGrad off;
    copy.parameters()[0].fill_(0);
  }
  EXPECT_FALSE(same_bits(copy(x), net(x)));
  nn::Sequential model(nn::GRU(2, 3), nn::RNN(3, 4, {.bias = false}));
  EXPECT_EQ(model(x).shape(), (Shape{4, 2, 4}));
  EXPECT_EQ(nn::to_string(nn::GRUCell(2, 3, false)), "GRUCell(2, 3, bias=false)");
}

TEST(Recurrent, IsTracedForAnyBatchAndLength) {
  nn::LSTM net(2, 3, {.num_layers = 2, .bidirectional = true});
  TraceOptions options;
  options.parameters = net.named_parameters();
  options.dynamic_axes = {{0, 0, "time"}, {0, 1, "batch"}};
  nn::GraphModule graph(trace([&](const Tensor& x) { return net(x); }, randn({4, 2, 2}), options));
  const Tensor x = randn({3, 5, 2});
  EXPECT_TRUE(same_bits(graph(x), net(x)));
}

TEST(Recurrent, SecondDerivatives) {
  nn::GRU net(2, 3, {.bidirectional = true});
  net.to(kFloat64);
  Tensor x = randn({3, 2, 2}, kFloat64).set_requires_grad();
  // The derivative of the squared length of the gradient, against a difference.
  const auto length = [&](bool create_graph) {
    const Tensor g = grad(sum(net(x)), x, {.create_graph = create_graph});
    return sum(g * g);
  };
  const Tensor exact = grad(length(true), x);
  const Tensor direction = randn({3, 2, 2}, kFloat64);
  const double step = 1e-5, derivative = sum(exact * direction).item();
  const Tensor middle = x;
  x = (middle.detach() + direction * step).set_requires_grad();
  const double above = length(false).item();
  x = (middle.detach() - direction * step).set_requires_grad();
  const double below = length(false).item();
  EXPECT_NEAR((above - below) / (2 * step), derivative, 1e-6);
}

TEST(Recurrent, Errors) {
  nn::LSTM net(2, 3, {.batch_first = true});
  expect_error<ArgumentError>(
      [&] {
        net(ones({4, 2, 5}));
      },
      {"[lstm] x is [4, 2, 5]; expected [N, T, 2], or [T, 2] for one sequence",
       "recurrent_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        net.forward(ones({4, 2, 2}), {ones({1, 4, 2}), {}});
      },
      {"the initial h is [1, 4, 2]; expected [1, 4, 3] for x [4, 2, 2]", "recurrent_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        net(ones({4, 2, 2}, kFloat64));
      },
      {"x is float64, but the weights are float32"});
  expect_error<ArgumentError>(
      [&] {
        net.forward(ones({4, 2}), {}, tensor({4}, kInt64));
      },
      {"one sequence, and lengths are given"});
  expect_error<ArgumentError>(
      [&] {
        net.forward(ones({2, 4, 2}), {}, tensor({4, 5}, kInt64));
      },
      {"[lstm] lengths[1] is 5; expected 1 to 4", "recurrent_test.cpp"});
  expect_error<ArgumentError>([] { nn::GRU(0, 3); }, {"[gru]", "sizes must be positive"});
  expect_error<ArgumentError>([] { nn::GRU(2, 3, {.dropout = 2}); }, {"dropout is 2"});
  expect_error<ArgumentError>([] { nn::LSTM(2, 3, {.proj_size = 3}); },
                              {"proj_size is 3; expected less than the hidden_size 3"});
  expect_error<ArgumentError>([] { nn::RNN(2, 3, {.nonlinearity = "gelu"}); },
                              {"nonlinearity is 'gelu'; expected tanh or relu"});
  nn::LSTMCell cell(2, 3);
  expect_error<ArgumentError>(
      [&] {
        cell(ones({2, 3}));
      },
      {"[lstm_cell] x is [2, 3]; expected [N, 2] or [2]"});
  expect_error<ArgumentError>(
      [&] {
        cell.forward(ones({2, 2}), {ones({3, 3}), {}});
      },
      {"the state is [3, 3]; expected [2, 3]"});
}

}  // namespace
}  // namespace catena::test
