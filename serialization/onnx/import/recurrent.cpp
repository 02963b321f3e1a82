// RNN, GRU and LSTM: by the ops of those names where they compute the same, else step by step.
#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "catena/ops/activation.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/gru.hpp"
#include "catena/ops/lstm.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/rnn.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

struct Activation {
  std::string name;  // in small letters
  double alpha = 0, beta = 0;

  Tensor operator()(const Tensor& x) const {
    if (name == "tanh") return tanh(x);
    if (name == "relu") return relu(x);
    if (name == "sigmoid") return sigmoid(x);
    if (name == "affine") return x * alpha + beta;
    if (name == "leakyrelu") return leaky_relu(x, alpha);
    if (name == "thresholdedrelu") return where(x > alpha, x, 0);
    if (name == "scaledtanh") return alpha * tanh(beta * x);
    if (name == "hardsigmoid") return clamp(alpha * x + beta, 0, 1);
    if (name == "elu") return elu(x, alpha);
    if (name == "softsign") return softsign(x);
    return softplus(x);
  }
};

// The activations of all directions; numbers are given in order to those that take any.
std::vector<Activation> read_activations(Call& c, std::vector<std::string> names,
                                         std::size_t directions) {
  struct Defaults {
    const char* name;
    int numbers;
    double alpha, beta;
  };
  static constexpr Defaults kKnown[] = {{"tanh", 0, 0, 0},         {"relu", 0, 0, 0},
                                        {"sigmoid", 0, 0, 0},      {"affine", 2, 1, 0},
                                        {"leakyrelu", 1, 0.01, 0}, {"thresholdedrelu", 1, 1, 0},
                                        {"scaledtanh", 2, 1, 1},   {"hardsigmoid", 2, 0.2, 0.5},
                                        {"elu", 1, 1, 0},          {"softsign", 0, 0, 0},
                                        {"softplus", 0, 0, 0}};
  const std::size_t each = names.size();
  if (const auto given = c.texts("activations")) {
    names = *given;
  } else {
    for (std::size_t d = 1; d < directions; ++d)
      for (std::size_t i = 0; i < each; ++i) names.push_back(names[i]);
  }
  if (names.size() != each * directions)
    c.fail(fmt::format("{} activations; expected {}", names.size(), each * directions));
  const std::vector<double> alphas = c.reals("activation_alpha").value_or(std::vector<double>{});
  const std::vector<double> betas = c.reals("activation_beta").value_or(std::vector<double>{});
  std::vector<Activation> list;
  std::size_t alpha = 0, beta = 0;
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(), [](unsigned char l) { return std::tolower(l); });
    const auto known =
        std::ranges::find_if(kKnown, [&](const Defaults& k) { return name == k.name; });
    if (known == std::end(kKnown)) c.unsupported(fmt::format("the activation '{}'", name));
    Activation a{name, known->alpha, known->beta};
    if (known->numbers > 0 && alpha < alphas.size()) a.alpha = alphas[alpha++];
    if (known->numbers > 1 && beta < betas.size()) a.beta = betas[beta++];
    list.push_back(a);
  }
  return list;
}

// What a layer in one direction computes with; gates are in ONNX's order.
struct Layer {
  int gates = 1;
  std::int64_t hidden = 0;
  bool reverse = false;
  std::vector<Activation> activations;
  double clip = 0;  // 0: none
  Tensor x, w, r, bias_w, bias_r, lengths, h, c, peepholes;

  Tensor gate(const Tensor& of, int number) const {
    return slice(of, of.rank() - 1, number * hidden, (number + 1) * hidden);
  }
  Tensor rows(const Tensor& of, int number) const {
    return slice(of, 0, number * hidden, (number + 1) * hidden);
  }
  // The parts of a weight or bias in another order.
  Tensor reordered(const Tensor& of, std::initializer_list<int> order) const {
    std::vector<Tensor> parts;
    for (const int number : order) parts.push_back(rows(of, number));
    return concat(parts, 0);
  }
  Tensor clipped(const Tensor& v) const { return clip > 0 ? clamp(v, -clip, clip) : v; }
  bool uses(std::initializer_list<const char*> names) const {
    return clip == 0 &&
           std::ranges::equal(activations, names,
                              [](const Activation& a, const char* name) { return a.name == name; });
  }
};

struct Result {
  Tensor y, h, c;  // [T, N, H], [N, H], [N, H]
};

// The steps of a layer one after the other; `step` makes the next state of x W^T + biases.
template <class Step>
Result step_by_step(Layer& layer, const Step& step) {
  const std::int64_t length = layer.x.shape()[0], batch = layer.x.shape()[1];
  std::vector<Tensor> outputs(static_cast<std::size_t>(length));
  const Tensor zero = number_like(layer.x, 0);
  for (std::int64_t i = 0; i < length; ++i) {
    const std::int64_t t = layer.reverse ? length - 1 - i : i;
    const Tensor before_h = layer.h, before_c = layer.c;
    step(select(layer.x, 0, t));
    Tensor y = layer.h;
    if (layer.lengths.defined()) {
      const Tensor counts =
          reshape(greater(layer.lengths, number_like(layer.lengths, t)), {batch, 1});
      y = where(counts, layer.h, zero);
      layer.h = where(counts, layer.h, before_h);
      if (layer.c.defined()) layer.c = where(counts, layer.c, before_c);
    }
    outputs[static_cast<std::size_t>(t)] = y;
  }
  return {stack(outputs, 0), layer.h, layer.c};
}

Tensor sum_of(const Tensor& a, const Tensor& b) {
  return a.defined() ? (b.defined() ? a + b : a) : b;
}

Result rnn_layer(Call&, Layer& l) {
  const Tensor bias = sum_of(l.bias_w, l.bias_r);
  if (l.uses({"tanh"}) || l.uses({"relu"})) {
    const RecurrentOutput out =
        rnn(l.x, l.h, l.w, l.r, bias, l.activations[0].name, {l.reverse, l.lengths});
    return {out.y, out.h, {}};
  }
  return step_by_step(l, [&](const Tensor& x) {
    Tensor sum = linear(x, l.w) + linear(l.h, l.r);
    if (bias.defined()) sum = sum + bias;
    l.h = l.activations[0](l.clipped(sum));
  });
}

// ONNX has the gates z, r, h, the op r, z, n. Only with linear_before_reset is it the op.
Result gru_layer(Call& c, Layer& l) {
  const bool after_product = c.attribute("linear_before_reset", std::int64_t{0}) != 0;
  if (after_product && l.uses({"sigmoid", "tanh"})) {
    const auto order = [&](const Tensor& t) {
      return t.defined() ? l.reordered(t, {1, 0, 2}) : Tensor();
    };
    const RecurrentOutput out = gru(l.x, l.h, order(l.w), order(l.r), order(l.bias_w),
                                    order(l.bias_r), {l.reverse, l.lengths});
    return {out.y, out.h, {}};
  }
  const Tensor r_gates = slice(l.r, 0, 0, 2 * l.hidden), r_new = l.rows(l.r, 2);
  return step_by_step(l, [&](const Tensor& x) {
    Tensor from_x = linear(x, l.w);
    if (l.bias_w.defined()) from_x = from_x + l.bias_w;
    Tensor from_h = linear(l.h, r_gates);
    if (l.bias_r.defined()) from_h = from_h + slice(l.bias_r, 0, 0, 2 * l.hidden);
    const auto first = [&](int k) {
      return l.activations[0](l.clipped(l.gate(from_x, k) + l.gate(from_h, k)));
    };
    const Tensor update = first(0), reset = first(1);
    Tensor fresh = after_product ? linear(l.h, r_new) : linear(reset * l.h, r_new);
    if (l.bias_r.defined()) fresh = fresh + l.rows(l.bias_r, 2);
    if (after_product) fresh = reset * fresh;
    const Tensor next = l.activations[1](l.clipped(l.gate(from_x, 2) + fresh));
    l.h = (1 - update) * next + update * l.h;
  });
}

// ONNX has the gates i, o, f, c, the op i, f, g, o.
Result lstm_layer(Call& c, Layer& l) {
  const bool coupled = c.attribute("input_forget", std::int64_t{0}) != 0;
  const Tensor bias = sum_of(l.bias_w, l.bias_r);
  if (!coupled && !l.peepholes.defined() && l.uses({"sigmoid", "tanh", "tanh"})) {
    const auto order = [&](const Tensor& t) {
      return t.defined() ? l.reordered(t, {0, 2, 3, 1}) : Tensor();
    };
    const LstmOutput out =
        lstm(l.x, {l.h, l.c}, order(l.w), order(l.r), order(bias), {}, {l.reverse, l.lengths});
    return {out.y, out.state.h, out.state.c};
  }
  return step_by_step(l, [&](const Tensor& x) {
    Tensor sum = linear(x, l.w) + linear(l.h, l.r);
    if (bias.defined()) sum = sum + bias;
    const auto peeped = [&](int gate, int peephole, const Tensor& cell) {
      Tensor v = l.gate(sum, gate);
      if (l.peepholes.defined()) v = v + l.gate(l.peepholes, peephole) * cell;
      return l.activations[0](l.clipped(v));
    };
    const Tensor in = peeped(0, 0, l.c);
    const Tensor forget = coupled ? 1 - in : peeped(2, 2, l.c);
    const Tensor fresh = l.activations[1](l.clipped(l.gate(sum, 3)));
    l.c = forget * l.c + in * fresh;
    l.h = peeped(1, 1, l.c) * l.activations[2](l.c);
  });
}

template <Result (*Run)(Call&, Layer&)>
Values recurrent(Call& c, int gates, std::vector<std::string> activations, bool has_cell) {
  const bool batch_first = c.attribute("layout", std::int64_t{0}) != 0;
  const Tensor x = batch_first ? transpose(c.in(0), 0, 1) : c.in(0);
  const std::string direction = c.attribute("direction", "forward");
  const std::int64_t count = direction == "bidirectional" ? 2 : 1;
  if (direction != "forward" && direction != "reverse" && count == 1)
    c.fail(fmt::format("direction '{}'", direction));
  const Tensor &w = c.in(1), &r = c.in(2);
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3 || r.shape()[0] != count)
    c.fail(fmt::format("x {}, w {} and r {} in {} direction(s); expected three dimensions each",
                       to_string(x.shape()), to_string(w.shape()), to_string(r.shape()), count));
  const std::int64_t hidden = c.attribute("hidden_size", r.shape()[2]), batch = x.shape()[1];
  if (r.shape()[2] != hidden || r.shape()[1] != gates * hidden ||
      !(w.shape() == Shape{count, gates * hidden, x.shape()[2]}))
    c.fail(fmt::format("w {} and r {} with hidden_size {}", to_string(w.shape()),
                       to_string(r.shape()), hidden));
  const std::size_t each = activations.size();
  const std::vector<Activation> all =
      read_activations(c, std::move(activations), static_cast<std::size_t>(count));
  const auto state = [&](int input, std::int64_t d) {
    if (!c.has(input)) return zeros({batch, hidden}, {x.dtype(), x.device()});
    return select(c.in(input), batch_first ? 1 : 0, d);
  };
  std::vector<Tensor> y, h, cells;
  for (std::int64_t d = 0; d < count; ++d) {
    Layer l;
    l.gates = gates;
    l.hidden = hidden;
    l.reverse = direction == "reverse" || d == 1;
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(d) * each);
    l.activations.assign(from, from + static_cast<std::ptrdiff_t>(each));
    l.clip = c.attribute("clip", 0.0);
    l.x = x;
    l.w = select(w, 0, d);
    l.r = select(r, 0, d);
    if (c.has(3)) {
      const Tensor bias = select(c.in(3), 0, d);
      l.bias_w = slice(bias, 0, 0, gates * hidden);
      l.bias_r = slice(bias, 0, gates * hidden, 2 * gates * hidden);
    }
    if (c.has(4)) l.lengths = cast(c.in(4), kInt64);
    l.h = state(5, d);
    if (has_cell) {
      l.c = state(6, d);
      if (c.has(7)) l.peepholes = select(c.in(7), 0, d);
    }
    const Result result = Run(c, l);
    y.push_back(result.y);
    h.push_back(result.h);
    cells.push_back(result.c);
  }
  // [T, D, N, H], or batch first [N, T, D, H]; states [D, N, H] or [N, D, H].
  Values outputs{stack(y, 1), stack(h, batch_first ? 1 : 0)};
  if (batch_first) outputs[0] = permute(outputs[0], {2, 0, 1, 3});
  if (has_cell) outputs.push_back(stack(cells, batch_first ? 1 : 0));
  return outputs;
}

Values rnn_of(Call& c) { return recurrent<rnn_layer>(c, 1, {"Tanh"}, false); }
Values gru_of(Call& c) { return recurrent<gru_layer>(c, 3, {"Sigmoid", "Tanh"}, false); }
Values lstm_of(Call& c) { return recurrent<lstm_layer>(c, 4, {"Sigmoid", "Tanh", "Tanh"}, true); }

}  // namespace

std::vector<Operator> recurrent_operators() {
  constexpr auto kAll = Types::kAll;
  constexpr std::uint32_t lengths = bit(4);
  return {
      {"GRU", 7, gru_of, kAll, lengths},
      {"LSTM", 7, lstm_of, kAll, lengths},
      {"RNN", 7, rnn_of, kAll, lengths},
  };
}

}  // namespace catena::onnx
