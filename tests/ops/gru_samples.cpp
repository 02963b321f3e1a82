#include "ops/recurrent_reference.hpp"

namespace catena::test {
namespace {

auto gru_of(const op::Gru& op) {
  return [=](const std::vector<Array>& in) {
    const Shape& x = in[0].shape;
    const std::int64_t hidden = in[1].shape[1];
    const auto width = static_cast<std::size_t>(hidden);
    Array y(Shape{x[0], x[1], hidden}), h = in[1], kept(Shape{x[0], x[1], 4 * hidden});
    walk_sequences(x, in.size() > 6 ? &in[6] : nullptr, op.reverse,
                   [&](std::int64_t t, std::int64_t n) {
                     const Vector a = times(in[2], row(in[0], t, n), in[4].values),
                                  b = times(in[3], row(h, 0, n), in[5].values);
                     Vector next = row(h, 0, n), keep(4 * width);
                     for (std::size_t j = 0; j < width; ++j) {
                       const double q = b[2 * width + j], r = logistic(a[j] + b[j]),
                                    z = logistic(a[width + j] + b[width + j]),
                                    m = std::tanh(a[2 * width + j] + r * q);
                       next[j] = (1 - z) * m + z * next[j];
                       keep[j] = r;
                       keep[width + j] = z;
                       keep[2 * width + j] = m;
                       keep[3 * width + j] = q;
                     }
                     set_row(&kept, t, n, keep);
                     set_row(&h, 0, n, next);
                     set_row(&y, t, n, next);
                   });
    return std::vector<Array>{y, h, kept};
  };
}

std::vector<InputSpec> inputs(std::int64_t steps, std::int64_t batch, std::int64_t input,
                              std::int64_t hidden, const Vector& lengths = {}) {
  std::vector<InputSpec> list{uniform({steps, batch, input}),
                              uniform({batch, hidden}, -1, 1),
                              uniform({3 * hidden, input}, -0.7, 0.7),
                              uniform({3 * hidden, hidden}, -0.7, 0.7),
                              uniform({3 * hidden}, -1, 1),
                              uniform({3 * hidden}, -1, 1)};
  if (!lengths.empty()) list.push_back(lengths_of(lengths));
  return list;
}

}  // namespace

std::vector<OpSample> samples_Gru() {
  using op::Gru;
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Gru& op, std::vector<InputSpec> in) {
    list.push_back(sample(name, op, std::move(in), gru_of(op)).tolerance(1e-5, 1e-12));
    return &list.back();
  };
  const Gru forward{}, reverse{true};
  add("forward", forward, inputs(3, 2, 3, 2));
  add("reverse", reverse, inputs(3, 2, 3, 2));
  add("lengths", forward, inputs(4, 3, 2, 2, {2, 4, 1}));
  add("reverse_lengths", reverse, inputs(4, 3, 2, 2, {2, 4, 1}));
  add("one_step", forward, inputs(1, 2, 3, 2));
  add("no_sequences", forward, inputs(2, 0, 3, 2));
  add("no_features", forward, inputs(2, 2, 0, 2));
  add("constant_x", forward, inputs(3, 2, 3, 2))->no_grad = 1;
  add("only_the_state", reverse, inputs(3, 2, 3, 2, {3, 2}))->no_grad = 0b111101;
  add("constant_state", reverse, inputs(3, 2, 3, 2, {1, 3}))->no_grad = 0b10;
  add("one_bias", forward, inputs(3, 2, 3, 2))->no_grad = 0b10000;
  // The state's weight is turned round.
  add("many_steps", forward, inputs(17, 3, 4, 19))->gradients = false;
  add("wide", forward, inputs(3, 5, 17, 37, {3, 2, 1, 3, 2}))->gradients = false;
  add("many_columns", forward, inputs(2, 300, 3, 130))->gradients = false;

  const auto wrong = [&](const char* name, int i, const InputSpec& other, const char* error) {
    std::vector<InputSpec> in = inputs(3, 2, 4, 5, {1, 3});
    in[static_cast<std::size_t>(i)] = other;
    list.push_back(fails(name, forward, std::move(in), error));
  };
  wrong("no_steps", 0, uniform({0, 2, 4}), "[gru] x has shape [0, 2, 4]; expected [T, N, I]");
  wrong("weight_ih", 2, uniform({16, 4}),
        "weight_ih has shape [16, 4]; expected [3 H, 4] for x [3, 2, 4]");
  wrong("weight_hh", 3, uniform({5, 5}), "weight_hh has shape [5, 5]; expected [15, 5]");
  wrong("h0", 1, uniform({2, 4}), "h0 has shape [2, 4]; expected [2, 5]");
  wrong("bias_ih", 4, uniform({5}), "bias_ih has shape [5]; expected [15]");
  wrong("bias_hh", 5, uniform({5}), "bias_hh has shape [5]; expected [15]");
  wrong("lengths", 6, lengths_of({3}), "lengths is int64 [1]; expected int64 [2]");
  wrong("length", 6, lengths_of({3, 4}), "[gru] lengths[1] is 4; expected 1 to 3");
  return list;
}

}  // namespace catena::test
