#include "ops/recurrent_reference.hpp"

namespace catena::test {
namespace {

auto rnn_of(const op::Rnn& op) {
  return [=](const std::vector<Array>& in) {
    const Shape& x = in[0].shape;
    Array y(Shape{x[0], x[1], in[2].shape[0]}), h = in[1];
    walk_sequences(
        x, in.size() > 5 ? &in[5] : nullptr, op.reverse, [&](std::int64_t t, std::int64_t n) {
          const Vector a = times(in[2], row(in[0], t, n), in[4].values),
                       b = times(in[3], row(h, 0, n));
          Vector next(a.size());
          for (std::size_t j = 0; j < a.size(); ++j)
            next[j] =
                op.nonlinearity == "relu" ? std::max(0.0, a[j] + b[j]) : std::tanh(a[j] + b[j]);
          set_row(&y, t, n, next);
          set_row(&h, 0, n, next);
        });
    return std::vector<Array>{y, h};
  };
}

std::vector<InputSpec> inputs(std::int64_t steps, std::int64_t batch, std::int64_t input,
                              std::int64_t hidden, const Vector& lengths = {}) {
  std::vector<InputSpec> list{uniform({steps, batch, input}), uniform({batch, hidden}, -1, 1),
                              uniform({hidden, input}, -0.7, 0.7),
                              uniform({hidden, hidden}, -0.7, 0.7), uniform({hidden}, -1, 1)};
  if (!lengths.empty()) list.push_back(lengths_of(lengths));
  return list;
}

}  // namespace

std::vector<OpSample> samples_Rnn() {
  using op::Rnn;
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Rnn& op, std::vector<InputSpec> in) {
    list.push_back(sample(name, op, std::move(in), rnn_of(op)).tolerance(1e-5, 1e-12));
    return &list.back();
  };
  add("tanh", {}, inputs(3, 2, 3, 2));
  add("reverse", {.reverse = true}, inputs(3, 2, 3, 2));
  add("lengths", {}, inputs(4, 3, 2, 2, {2, 4, 1}));
  add("reverse_lengths", {.reverse = true}, inputs(4, 3, 2, 2, {2, 4, 1}));
  // Sums that are away from 0, where relu has no derivative.
  add("relu", {"relu"},
      {values({2, 1, 2}, {1, -0.5, 0.3, 0.8}), values({1, 2}, {0.4, 0.2}),
       values({2, 2}, {0.5, -0.3, -0.7, 0.2}), values({2, 2}, {0.3, 0.6, -0.4, 0.5}),
       values({2}, {0.3, -0.4})});
  add("one_step", {}, inputs(1, 2, 3, 2));
  add("no_sequences", {}, inputs(2, 0, 3, 2));
  add("no_features", {}, inputs(2, 2, 0, 2));
  add("constant_x", {.reverse = true}, inputs(3, 2, 3, 2, {3, 1}))->no_grad = 1;
  add("only_the_state", {}, inputs(3, 2, 3, 2))->no_grad = 0b11101;
  // The state's weight is turned round.
  add("many_steps", {}, inputs(17, 3, 4, 19))->gradients = false;
  add("wide", {}, inputs(3, 5, 17, 37, {3, 2, 1, 3, 2}))->gradients = false;
  add("wide_relu", {"relu", true}, inputs(3, 5, 17, 37))->gradients = false;

  const auto wrong = [&](const char* name, std::vector<InputSpec> in, const char* error,
                         const Rnn& op = {}) {
    list.push_back(fails(name, op, std::move(in), error));
  };
  const auto with = [](int i, const InputSpec& other) {
    std::vector<InputSpec> in = inputs(3, 2, 4, 5, {1, 3});
    in[static_cast<std::size_t>(i)] = other;
    return in;
  };
  wrong("nonlinearity", inputs(3, 2, 4, 5), "[rnn] nonlinearity is 'gelu'; expected tanh or relu",
        {"gelu"});
  wrong("no_steps", inputs(0, 2, 4, 5),
        "[rnn] x has shape [0, 2, 4]; expected [T, N, I], T >= 1 steps of a batch of N");
  wrong("rank", with(0, uniform({3, 4})), "x has shape [3, 4]; expected [T, N, I]");
  wrong("integers", with(0, integers({3, 2, 4}, 0, 3)), "x is int64; expected float32 or float64");
  wrong("weight_ih", with(2, uniform({5, 3})),
        "weight_ih has shape [5, 3]; expected [H, 4] for x [3, 2, 4]");
  wrong("weight_hh", with(3, uniform({5, 4})),
        "weight_hh has shape [5, 4]; expected [5, 5] for x [3, 2, 4]");
  wrong("h0", with(1, uniform({1, 5})), "h0 has shape [1, 5]; expected [2, 5]");
  wrong("bias", with(4, uniform({4})), "bias has shape [4]; expected [5]");
  wrong("bias_dtype", with(4, uniform({5}).as(kFloat64)),
        "bias is float64 but x is float32; expected equal dtypes");
  wrong("lengths_shape", with(5, lengths_of({1, 2, 3})),
        "lengths is int64 [3]; expected int64 [2], a length for each sequence");
  wrong("lengths_dtype", with(5, uniform({2})), "lengths is float32 [2]; expected int64 [2]");
  wrong("length_0", with(5, lengths_of({3, 0})),
        "[rnn] lengths[1] is 0; expected 1 to 3, the steps of x");
  wrong("length_4", with(5, lengths_of({4, 1})), "[rnn] lengths[0] is 4; expected 1 to 3");
  return list;
}

}  // namespace catena::test
