// RNNCell, LSTMCell and GRUCell: one step at a time, for loops of one's own.
#pragma once

#include <cstdint>
#include <string>

#include "catena/nn/module.hpp"
#include "catena/ops/lstm.hpp"

namespace catena::nn {

// What the cells share: x [N, I] or [I], states [N, H] or [H], undefined ones zeros. Parameters
// weight_ih, weight_hh, bias_ih and bias_hh as those of a layer of RNN, LSTM or GRU.
class RecurrentCell : public Layer {
 public:
  Tensor weight_ih() const { return weight_ih_; }
  Tensor weight_hh() const { return weight_hh_; }
  Tensor bias_ih() const { return bias_ih_; }  // undefined without bias
  Tensor bias_hh() const { return bias_hh_; }

 protected:
  RecurrentCell(const char* op, int gates, std::int64_t input_size, std::int64_t hidden_size,
                bool bias, const std::string& more, const Location& loc);
  // A checked part of the state, or zeros, for a checked x.
  Tensor state_for(const Tensor& x, const Tensor& state) const;

 private:
  const char* op_;
  std::int64_t input_size_, hidden_size_;
  Parameter weight_ih_, weight_hh_, bias_ih_, bias_hh_;
};

// h' = f(W_ih x + b_ih + W_hh h + b_hh), f tanh or relu. Errors: x or h of another shape or dtype.
class RNNCell : public RecurrentCell {
 public:
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, bool bias = true,
          std::string nonlinearity = "tanh", Location loc = Location::current());
  Tensor forward(Tensor x) override;  // from zeros
  Tensor forward(const Tensor& x, const Tensor& h, Location loc = Location::current());

 private:
  std::string nonlinearity_;
};

// One step of the op lstm; forward(x) gives h. Errors as of RNNCell.
class LSTMCell : public RecurrentCell {
 public:
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, bool bias = true,
           Location loc = Location::current());
  Tensor forward(Tensor x) override;
  LstmState forward(const Tensor& x, const LstmState& state, Location loc = Location::current());
};

// One step of the op gru. Errors as of RNNCell.
class GRUCell : public RecurrentCell {
 public:
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, bool bias = true,
          Location loc = Location::current());
  Tensor forward(Tensor x) override;
  Tensor forward(const Tensor& x, const Tensor& h, Location loc = Location::current());
};

}  // namespace catena::nn
