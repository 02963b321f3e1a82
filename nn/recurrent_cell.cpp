#include "catena/nn/recurrent_cell.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/nn/init.hpp"
#include "catena/ops/gru.hpp"
#include "catena/ops/rnn.hpp"
#include "catena/ops/shape.hpp"

namespace catena::nn {

RecurrentCell::RecurrentCell(const char* op, int gates, std::int64_t input_size,
                             std::int64_t hidden_size, bool bias, const std::string& more,
                             const Location& loc)
    : op_(op), input_size_(input_size), hidden_size_(hidden_size) {
  if (input_size <= 0 || hidden_size <= 0)
    throw_argument(op,
                   fmt::format("input_size {}, hidden_size {}; sizes must be positive", input_size,
                               hidden_size),
                   loc);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  const auto parameter = [&](const char* name, const Shape& shape) {
    return register_parameter(name, init::uniform_(empty(shape), -bound, bound));
  };
  const std::int64_t rows = gates * hidden_size;
  weight_ih_ = parameter("weight_ih", {rows, input_size});
  weight_hh_ = parameter("weight_hh", {rows, hidden_size});
  if (bias) {
    bias_ih_ = parameter("bias_ih", {rows});
    bias_hh_ = parameter("bias_hh", {rows});
  }
  set_description(
      fmt::format("{}, {}{}{}", input_size, hidden_size, bias ? "" : ", bias=false", more));
}

Tensor RecurrentCell::state_for(const Tensor& x, const Tensor& state) const {
  const auto fail = [&](const std::string& what) {
    throw_argument(op_, label() + what, call_location());
  };
  if (!x.defined() || (x.rank() != 1 && x.rank() != 2) || x.shape().back() != input_size_)
    fail(fmt::format("x is {}; expected [N, {}] or [{}]",
                     x.defined() ? catena::to_string(x.shape()) : "undefined", input_size_,
                     input_size_));
  if (x.dtype() != weight_ih_.dtype())
    fail(fmt::format("x is {}, but the weights are {}; convert one with to()", name_of(x.dtype()),
                     name_of(weight_ih_.dtype())));
  Shape expected = x.shape();
  expected[expected.rank() - 1] = hidden_size_;
  if (!state.defined()) return expand(zeros({hidden_size_}, {x.dtype(), x.device()}), expected);
  if (state.shape() != expected)
    fail(fmt::format("the state is {}; expected {} for x {}", catena::to_string(state.shape()),
                     catena::to_string(expected), catena::to_string(x.shape())));
  return state;
}

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, bool bias,
                 std::string nonlinearity, Location loc)
    : RecurrentCell("rnn_cell", 1, input_size, hidden_size, bias,
                    nonlinearity == "tanh" ? "" : ", nonlinearity=" + nonlinearity, loc),
      nonlinearity_(std::move(nonlinearity)) {
  if (nonlinearity_ != "tanh" && nonlinearity_ != "relu")
    throw_argument("rnn_cell",
                   fmt::format("nonlinearity is '{}'; expected tanh or relu", nonlinearity_), loc);
}
Tensor RNNCell::forward(Tensor x) { return forward(x, {}, call_location()); }
Tensor RNNCell::forward(const Tensor& x, const Tensor& h, Location loc) {
  const CallSite site(loc);
  return rnn_cell(x, state_for(x, h), weight_ih(), weight_hh(), bias_ih(), bias_hh(),
                  nonlinearity_);
}

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, bool bias, Location loc)
    : RecurrentCell("lstm_cell", 4, input_size, hidden_size, bias, "", loc) {}
Tensor LSTMCell::forward(Tensor x) { return forward(x, {}, call_location()).h; }
LstmState LSTMCell::forward(const Tensor& x, const LstmState& state, Location loc) {
  const CallSite site(loc);
  return lstm_cell(x, {state_for(x, state.h), state_for(x, state.c)}, weight_ih(), weight_hh(),
                   bias_ih(), bias_hh());
}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, bool bias, Location loc)
    : RecurrentCell("gru_cell", 3, input_size, hidden_size, bias, "", loc) {}
Tensor GRUCell::forward(Tensor x) { return forward(x, {}, call_location()); }
Tensor GRUCell::forward(const Tensor& x, const Tensor& h, Location loc) {
  const CallSite site(loc);
  return gru_cell(x, state_for(x, h), weight_ih(), weight_hh(), bias_ih(), bias_hh());
}

}  // namespace catena::nn
