#include "catena/nn/recurrent.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/nn/init.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/gru.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/rnn.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena::nn {

namespace {

// The two biases of a layer act as one where no gate comes between them.
Tensor joined_bias(const Tensor& ih, const Tensor& hh) { return ih.defined() ? ih + hh : Tensor(); }

}  // namespace

RecurrentLayer::RecurrentLayer(const Plan& plan, const std::string& more, const Location& loc)
    : plan_(plan) {
  const auto fail = [&](const std::string& what) { throw_argument(plan.op, what, loc); };
  if (plan.input_size <= 0 || plan.hidden_size <= 0 || plan.num_layers <= 0)
    fail(fmt::format("input_size {}, hidden_size {}, num_layers {}; sizes must be positive",
                     plan.input_size, plan.hidden_size, plan.num_layers));
  if (!(plan.dropout >= 0 && plan.dropout <= 1))
    fail(fmt::format("dropout is {}; expected a probability in [0, 1]", plan.dropout));
  if (plan.proj_size < 0 || plan.proj_size >= plan.hidden_size)
    fail(fmt::format("proj_size is {}; expected less than the hidden_size {}, or 0 for none",
                     plan.proj_size, plan.hidden_size));
  const std::int64_t size = plan.proj_size ? plan.proj_size : plan.hidden_size;
  const std::int64_t rows = plan.gates * plan.hidden_size;
  const double bound = 1 / std::sqrt(static_cast<double>(plan.hidden_size));
  for (std::int64_t layer = 0; layer < plan.num_layers; ++layer)
    for (int direction = 0; direction < directions(); ++direction) {
      const std::string suffix = fmt::format("_l{}{}", layer, direction ? "_reverse" : "");
      const auto parameter = [&](const char* name, const Shape& shape) {
        return register_parameter(name + suffix, init::uniform_(empty(shape), -bound, bound));
      };
      Weights w;
      w.ih = parameter("weight_ih", {rows, layer ? size * directions() : plan.input_size});
      w.hh = parameter("weight_hh", {rows, size});
      if (plan.bias) {
        w.bias_ih = parameter("bias_ih", {rows});
        w.bias_hh = parameter("bias_hh", {rows});
      }
      if (plan.proj_size) w.hr = parameter("weight_hr", {size, plan.hidden_size});
      weights_.push_back(std::move(w));
    }
  std::string text = fmt::format("{}, {}", plan.input_size, plan.hidden_size);
  if (plan.num_layers != 1) text += fmt::format(", num_layers={}", plan.num_layers);
  if (!plan.bias) text += ", bias=false";
  if (plan.batch_first) text += ", batch_first=true";
  if (plan.dropout != 0) text += fmt::format(", dropout={}", plan.dropout);
  if (plan.bidirectional) text += ", bidirectional=true";
  if (plan.proj_size) text += fmt::format(", proj_size={}", plan.proj_size);
  set_description(text + more);
}

void RecurrentLayer::check(const Tensor& x, const std::vector<Tensor>& initial,
                           const Tensor& lengths) const {
  const auto fail = [&](const std::string& what) {
    throw_argument(plan_.op, label() + what, call_location());
  };
  const char* form = plan_.batch_first ? "[N, T, {0}], or [T, {0}]" : "[T, N, {0}], or [T, {0}]";
  if (!x.defined() || (x.rank() != 2 && x.rank() != 3) || x.shape().back() != plan_.input_size)
    fail(fmt::format("x is {}; expected {} for one sequence",
                     x.defined() ? catena::to_string(x.shape()) : "undefined",
                     fmt::format(fmt::runtime(form), plan_.input_size)));
  if (x.dtype() != weights_[0].ih.dtype())
    fail(fmt::format("x is {}, but the weights are {}; convert one with to()", name_of(x.dtype()),
                     name_of(weights_[0].ih.dtype())));
  if (x.rank() == 2 && lengths.defined())
    fail(fmt::format("x is {}, one sequence, and lengths are given; expected a batch",
                     catena::to_string(x.shape())));
  for (std::size_t k = 0; k < initial.size(); ++k) {
    if (!initial[k].defined()) continue;
    Shape expected{plan_.num_layers * directions()};
    if (x.rank() == 3) expected.push_back(x.shape()[plan_.batch_first ? 0 : 1]);
    expected.push_back(k == 0 && plan_.proj_size ? plan_.proj_size : plan_.hidden_size);
    if (initial[k].shape() != expected)
      fail(fmt::format("the initial {} is {}; expected {} for x {}", k == 0 ? "h" : "c",
                       catena::to_string(initial[k].shape()), catena::to_string(expected),
                       catena::to_string(x.shape())));
  }
}

std::vector<Tensor> RecurrentLayer::run_layers(const Tensor& given,
                                               const std::vector<Tensor>& initial,
                                               const Tensor& lengths, const Pass& pass) const {
  check(given, initial, lengths);
  const bool single = given.rank() == 2;
  Tensor x = single ? unsqueeze(given, 1) : plan_.batch_first ? transpose(given, 0, 1) : given;
  std::vector<std::vector<Tensor>> last(initial.size());
  for (std::size_t i = 0; i < weights_.size();) {
    if (i > 0) x = dropout(x, plan_.dropout, is_training());
    std::vector<Tensor> outputs;
    for (int direction = 0; direction < directions(); ++direction, ++i) {
      std::vector<Tensor> state;
      for (const Tensor& part : initial) {
        Tensor own = part;
        if (own.defined()) own = select(own, 0, static_cast<std::int64_t>(i));
        state.push_back(single && own.defined() ? unsqueeze(own, 0) : own);
      }
      const std::vector<Tensor> out =
          pass(x, state, weights_[i], {.reverse = direction == 1, .lengths = lengths});
      outputs.push_back(out[0]);
      for (std::size_t k = 0; k < last.size(); ++k)
        last[k].push_back(single ? squeeze(out[k + 1], 0) : out[k + 1]);
    }
    x = outputs.size() == 1 ? outputs[0] : concat(outputs, -1);
  }
  std::vector<Tensor> result{single ? squeeze(x, 1) : plan_.batch_first ? transpose(x, 0, 1) : x};
  for (const std::vector<Tensor>& parts : last)
    result.push_back(parts.size() == 1 ? unsqueeze(parts[0], 0) : stack(parts));
  return result;
}

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, RNNOptions o, Location loc)
    : RecurrentLayer({"rnn", 1, input_size, hidden_size, o.num_layers, o.bias, o.batch_first,
                      o.dropout, o.bidirectional},
                     o.nonlinearity == "tanh" ? "" : ", nonlinearity=" + o.nonlinearity, loc),
      nonlinearity_(std::move(o.nonlinearity)) {
  if (nonlinearity_ != "tanh" && nonlinearity_ != "relu")
    throw_argument("rnn", fmt::format("nonlinearity is '{}'; expected tanh or relu", nonlinearity_),
                   loc);
}

std::vector<Tensor> RNN::compute(const Tensor& x, const Tensor& h0, const Tensor& lengths) const {
  return run_layers(x, {h0}, lengths,
                    [this](const Tensor& in, const std::vector<Tensor>& state, const Weights& w,
                           const RecurrentOptions& options) -> std::vector<Tensor> {
                      auto [y, h] = rnn(in, state[0], w.ih, w.hh, joined_bias(w.bias_ih, w.bias_hh),
                                        nonlinearity_, options);
                      return {y, h};
                    });
}

Tensor RNN::forward(Tensor x) { return compute(x, {}, {})[0]; }
RecurrentOutput RNN::forward(const Tensor& x, const Tensor& h0, const Tensor& lengths,
                             Location loc) {
  const CallSite site(loc);
  std::vector<Tensor> out = compute(x, h0, lengths);
  return {std::move(out[0]), std::move(out[1])};
}

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, LSTMOptions o, Location loc)
    : RecurrentLayer({"lstm", 4, input_size, hidden_size, o.num_layers, o.bias, o.batch_first,
                      o.dropout, o.bidirectional, o.proj_size},
                     "", loc) {}

std::vector<Tensor> LSTM::compute(const Tensor& x, const LstmState& initial,
                                  const Tensor& lengths) const {
  return run_layers(x, {initial.h, initial.c}, lengths,
                    [](const Tensor& in, const std::vector<Tensor>& state, const Weights& w,
                       const RecurrentOptions& options) -> std::vector<Tensor> {
                      auto [y, last] = lstm(in, {state[0], state[1]}, w.ih, w.hh,
                                            joined_bias(w.bias_ih, w.bias_hh), w.hr, options);
                      return {y, last.h, last.c};
                    });
}

Tensor LSTM::forward(Tensor x) { return compute(x, {}, {})[0]; }
LstmOutput LSTM::forward(const Tensor& x, const LstmState& initial, const Tensor& lengths,
                         Location loc) {
  const CallSite site(loc);
  std::vector<Tensor> out = compute(x, initial, lengths);
  return {std::move(out[0]), {std::move(out[1]), std::move(out[2])}};
}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, GRUOptions o, Location loc)
    : RecurrentLayer({"gru", 3, input_size, hidden_size, o.num_layers, o.bias, o.batch_first,
                      o.dropout, o.bidirectional},
                     "", loc) {}

std::vector<Tensor> GRU::compute(const Tensor& x, const Tensor& h0, const Tensor& lengths) const {
  return run_layers(x, {h0}, lengths,
                    [](const Tensor& in, const std::vector<Tensor>& state, const Weights& w,
                       const RecurrentOptions& options) -> std::vector<Tensor> {
                      auto [y, h] = gru(in, state[0], w.ih, w.hh, w.bias_ih, w.bias_hh, options);
                      return {y, h};
                    });
}

Tensor GRU::forward(Tensor x) { return compute(x, {}, {})[0]; }
RecurrentOutput GRU::forward(const Tensor& x, const Tensor& h0, const Tensor& lengths,
                             Location loc) {
  const CallSite site(loc);
  std::vector<Tensor> out = compute(x, h0, lengths);
  return {std::move(out[0]), std::move(out[1])};
}

}  // namespace catena::nn
