// RNN, LSTM and GRU over sequences.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "catena/nn/module.hpp"
#include "catena/ops/lstm.hpp"
#include "catena/ops/recurrent.hpp"

namespace catena::nn {

// PyTorch's options and defaults. Layer l + 1 reads the output of layer l; `dropout` (in training)
// lies between them. `bidirectional` layers walk both ways and give [forward, backward] as
// features.
struct RNNOptions {
  std::int64_t num_layers = 1;
  std::string nonlinearity = "tanh";  // or relu
  bool bias = true;
  bool batch_first = false;  // x and the output are [N, T, ..] rather than [T, N, ..]; states not
  double dropout = 0;
  bool bidirectional = false;
};
struct LSTMOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;  // 0 < proj_size < hidden_size: h is projected to that size
};
struct GRUOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
};

// What RNN, LSTM and GRU share. x is [T, N, I], or [T, I] for one sequence, and so is the output;
// states are [num_layers * directions, N, H] (or without N), by layer, then direction; undefined
// ones are zeros. `lengths` (int64, [N], in any order) takes the place of PyTorch's PackedSequence:
// what lies beyond a sequence's end is not read, the output there is 0, and the final state is that
// of its last step. Parameters have PyTorch's names, gate orders (i, f, g, o; r, z, n) and initial
// values, uniform in [-1/sqrt(H), 1/sqrt(H)): weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0,
// weight_hr_l0, then those ending in _l0_reverse, and so on.
class RecurrentLayer : public Layer {
 public:
  std::int64_t input_size() const { return plan_.input_size; }
  std::int64_t hidden_size() const { return plan_.hidden_size; }

 protected:
  struct Plan {
    const char* op;
    int gates;
    std::int64_t input_size, hidden_size, num_layers;
    bool bias, batch_first;
    double dropout;
    bool bidirectional;
    std::int64_t proj_size = 0;
  };
  // Of one layer and direction; undefined ones are not there.
  struct Weights {
    Parameter ih, hh, bias_ih, bias_hh, hr;
  };
  // One layer in one direction: its output and last state from x and the parts of its first state.
  using Pass =
      std::function<std::vector<Tensor>(const Tensor& x, const std::vector<Tensor>& state,
                                        const Weights& weights, const RecurrentOptions& options)>;

  RecurrentLayer(const Plan& plan, const std::string& more, const Location& loc);
  // The output of the last layer and the parts of the final state.
  std::vector<Tensor> run_layers(const Tensor& x, const std::vector<Tensor>& initial,
                                 const Tensor& lengths, const Pass& pass) const;

 private:
  int directions() const { return plan_.bidirectional ? 2 : 1; }
  void check(const Tensor& x, const std::vector<Tensor>& initial, const Tensor& lengths) const;

  Plan plan_;
  std::vector<Weights> weights_;  // by layer, then direction
};

// h[t] = f(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh), f tanh or relu. Errors: x, states, lengths of
// other shapes or dtypes; T = 0.
class RNN : public RecurrentLayer {
 public:
  RNN(std::int64_t input_size, std::int64_t hidden_size, RNNOptions options = {},
      Location loc = Location::current());
  // The output alone, from zeros.
  Tensor forward(Tensor x) override;
  RecurrentOutput forward(const Tensor& x, const Tensor& h0, const Tensor& lengths = {},
                          Location loc = Location::current());

 private:
  std::vector<Tensor> compute(const Tensor& x, const Tensor& h0, const Tensor& lengths) const;
  std::string nonlinearity_;
};

// The op lstm per layer and direction. Errors as of RNN.
class LSTM : public RecurrentLayer {
 public:
  LSTM(std::int64_t input_size, std::int64_t hidden_size, LSTMOptions options = {},
       Location loc = Location::current());
  Tensor forward(Tensor x) override;
  LstmOutput forward(const Tensor& x, const LstmState& initial, const Tensor& lengths = {},
                     Location loc = Location::current());

 private:
  std::vector<Tensor> compute(const Tensor& x, const LstmState& initial,
                              const Tensor& lengths) const;
};

// The op gru per layer and direction. Errors as of RNN.
class GRU : public RecurrentLayer {
 public:
  GRU(std::int64_t input_size, std::int64_t hidden_size, GRUOptions options = {},
      Location loc = Location::current());
  Tensor forward(Tensor x) override;
  RecurrentOutput forward(const Tensor& x, const Tensor& h0, const Tensor& lengths = {},
                          Location loc = Location::current());

 private:
  std::vector<Tensor> compute(const Tensor& x, const Tensor& h0, const Tensor& lengths) const;
};

}  // namespace catena::nn
