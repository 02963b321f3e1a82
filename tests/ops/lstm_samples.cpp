#include "ops/recurrent_reference.hpp"

namespace catena::test {
namespace {

auto lstm_of(const op::Lstm& op) {
  return [=](const std::vector<Array>& in) {
    const Shape& x = in[0].shape;
    const std::int64_t hidden = in[2].shape[1];
    const auto width = static_cast<std::size_t>(hidden);
    Array y(Shape{x[0], x[1], in[1].shape[1]}), h = in[1], c = in[2],
                                                gates(Shape{x[0], x[1], 4 * hidden}),
                                                cells(Shape{x[0], x[1], hidden});
    walk_sequences(x, in.size() > 6 ? &in[6] : nullptr, op.reverse,
                   [&](std::int64_t t, std::int64_t n) {
                     Vector gate = times(in[3], row(in[0], t, n), in[5].values);
                     const Vector from_h = times(in[4], row(h, 0, n));
                     Vector next_c = row(c, 0, n), next_h(width);
                     for (std::size_t k = 0; k < gate.size(); ++k) {
                       gate[k] += from_h[k];
                       gate[k] = k / width == 2 ? std::tanh(gate[k]) : logistic(gate[k]);
                     }
                     for (std::size_t j = 0; j < width; ++j) {
                       next_c[j] = gate[width + j] * next_c[j] + gate[j] * gate[2 * width + j];
                       next_h[j] = gate[3 * width + j] * std::tanh(next_c[j]);
                     }
                     if (in.size() > 7) next_h = times(in[7], next_h);
                     set_row(&gates, t, n, gate);
                     set_row(&cells, t, n, next_c);
                     set_row(&c, 0, n, next_c);
                     set_row(&h, 0, n, next_h);
                     set_row(&y, t, n, next_h);
                   });
    return std::vector<Array>{y, h, c, gates, cells};
  };
}

// `projected` 0: no projection.
std::vector<InputSpec> inputs(std::int64_t steps, std::int64_t batch, std::int64_t input,
                              std::int64_t hidden, const Vector& lengths = {},
                              std::int64_t projected = 0) {
  const std::int64_t size = projected ? projected : hidden;
  std::vector<InputSpec> list{
      uniform({steps, batch, input}),         uniform({batch, size}, -1, 1),
      uniform({batch, hidden}, -1, 1),        uniform({4 * hidden, input}, -0.7, 0.7),
      uniform({4 * hidden, size}, -0.7, 0.7), uniform({4 * hidden}, -1, 1)};
  if (!lengths.empty()) list.push_back(lengths_of(lengths));
  if (projected) list.push_back(uniform({projected, hidden}, -1, 1));
  return list;
}

}  // namespace

std::vector<OpSample> samples_Lstm() {
  using op::Lstm;
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Lstm& op, std::vector<InputSpec> in) {
    list.push_back(sample(name, op, std::move(in), lstm_of(op)).tolerance(1e-5, 1e-12));
    return &list.back();
  };
  const Lstm forward{}, reverse{true};
  add("forward", forward, inputs(3, 2, 3, 2));
  add("reverse", reverse, inputs(3, 2, 3, 2));
  add("lengths", forward, inputs(4, 3, 2, 2, {2, 4, 1}));
  add("reverse_lengths", reverse, inputs(4, 3, 2, 2, {2, 4, 1}));
  add("projection", forward, inputs(3, 2, 2, 3, {3, 3}, 2));
  add("projection_lengths", reverse, inputs(3, 3, 2, 3, {2, 3, 1}, 2));
  add("one_step", forward, inputs(1, 2, 3, 2));
  add("no_sequences", forward, inputs(2, 0, 3, 2));
  add("no_features", forward, inputs(2, 2, 0, 2));
  add("constant_x", forward, inputs(3, 2, 3, 2))->no_grad = 1;
  add("only_the_state", reverse, inputs(3, 2, 3, 2, {3, 2}))->no_grad = 0b111001;
  add("constant_state", reverse, inputs(3, 2, 3, 2, {1, 3}))->no_grad = 0b110;
  add("constant_weights", forward, inputs(3, 2, 2, 3, {1, 3}, 2))->no_grad = 0b10111000;
  // The state's weight is turned round.
  add("many_steps", forward, inputs(17, 3, 4, 19))->gradients = false;
  add("wide", forward, inputs(3, 5, 17, 37, {3, 2, 1, 3, 2}))->gradients = false;
  add("wide_projection", reverse, inputs(3, 5, 17, 37, {3, 3, 1, 3, 2}, 21))->gradients = false;
  // Columns are shared out to threads.
  add("many_columns", forward, inputs(2, 300, 3, 130))->gradients = false;

  const auto wrong = [&](const char* name, int i, const InputSpec& other, const char* error) {
    std::vector<InputSpec> in = inputs(3, 2, 4, 5, {1, 3}, 2);
    in[static_cast<std::size_t>(i)] = other;
    list.push_back(fails(name, forward, std::move(in), error));
  };
  wrong("no_steps", 0, uniform({0, 2, 4}), "[lstm] x has shape [0, 2, 4]; expected [T, N, I]");
  wrong("weight_ih", 3, uniform({18, 4}),
        "weight_ih has shape [18, 4]; expected [4 H, 4] for x [3, 2, 4]");
  wrong("weight_hh", 4, uniform({20, 5}), "weight_hh has shape [20, 5]; expected [20, 2]");
  wrong("h0", 1, uniform({2, 5}), "h0 has shape [2, 5]; expected [2, 2]");
  wrong("c0", 2, uniform({2, 4}), "c0 has shape [2, 4]; expected [2, 5]");
  wrong("bias", 5, uniform({5}), "bias has shape [5]; expected [20]");
  wrong("lengths", 6, lengths_of({3}), "lengths is int64 [1]; expected int64 [2]");
  wrong("length", 6, lengths_of({3, 4}), "[lstm] lengths[1] is 4; expected 1 to 3");
  wrong("weight_hr", 7, uniform({2, 4}), "weight_hr has shape [2, 4]; expected [2, 5]");
  return list;
}

}  // namespace catena::test
