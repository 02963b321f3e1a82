// CPU kernels of rnn. The sums of every step stand where their outputs will be.
#include "catena/ops/rnn.hpp"

#include "catena/backends/cpu/recurrence.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

template <class T>
struct Rnn {
  Sequence s;
  bool relu;
  const T *x, *h0, *weight_ih, *weight_hh, *bias;

  // `in` points at the op's inputs, `count` of them.
  Rnn(const op::Rnn& op, const TensorView* in, int count)
      : s(sequence_of(in[0], in[1].shape.data()[1], op.reverse, count > 5 ? in + 5 : nullptr)),
        relu(is_relu(op)),
        x(data_of<T>(in[0])),
        h0(data_of<T>(in[1])),
        weight_ih(data_of<T>(in[2])),
        weight_hh(data_of<T>(in[3])),
        bias(data_of<T>(in[4])) {}
};

template <class T>
void forward(const Rnn<T>& r, const KernelContext& context) {
  using B = Batch<T>;
  const Sequence& s = r.s;
  check_lengths("rnn", s, context);
  const std::int64_t hidden = s.hidden, batch = s.batch;
  T *y = data_of<T>(context.outputs[0]), *h = data_of<T>(context.outputs[1]);
  copy(h, r.h0, batch * hidden);
  project_input(s, r.x, r.weight_ih, r.bias, hidden, y, hidden);
  const StateWeight<T> weight_hh(s, r.weight_hh, hidden, hidden);
  for (std::int64_t step = 0; step < s.steps; ++step) {
    const std::int64_t t = s.time(step);
    T* out = y + t * batch * hidden;
    weight_hh.add_product(h, out);
    s.for_columns([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = 0; n < batch; ++n) {
        T *row = out + n * hidden + begin, *state = h + n * hidden + begin;
        if (!s.counts(t, n)) {
          clear(row, end - begin);
          continue;
        }
        for_batches<T>(end - begin, [&](std::int64_t j, std::int64_t lanes) {
          const B sum = load(row + j, lanes), zero(T(0));
          const B next = r.relu ? xsimd::select(sum <= zero, zero, sum) : tanh(sum);
          store(row + j, next, lanes);
          store(state + j, next, lanes);
        });
      }
    });
  }
}

// Inputs: the gradients of y and h, the op's inputs, then its outputs.
template <class T>
void backward(const Rnn<T>& r, const KernelContext& context) {
  using B = Batch<T>;
  const Sequence& s = r.s;
  const int given = context.num_outputs;
  const std::int64_t hidden = s.hidden, batch = s.batch;
  const T *d_y = data_of<T>(context.inputs[0]), *y = data_of<T>(context.inputs[2 + given]);
  const auto wanted = [&](int i) { return data_of<T>(context.outputs[i]); };
  T *d_h0 = wanted(1), *d_bias = wanted(4);
  const Scratch<T> own_h(d_h0 ? 0 : batch * hidden);
  T* d_h = d_h0 ? d_h0 : own_h.data();
  copy(d_h, data_of<T>(context.inputs[1]), batch * hidden);
  const std::int64_t distance = row_distance(hidden);
  const Scratch<T> all_d(s.rows() * distance);
  const Scratch<double> bias_sums(hidden);
  clear(bias_sums.data(), hidden);
  for (std::int64_t step = s.steps - 1; step >= 0; --step) {
    const std::int64_t t = s.time(step), row = t * batch;
    T* d = all_d.data() + row * distance;
    s.for_columns([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = 0; n < batch; ++n) {
        const std::int64_t at = n * hidden + begin, from = row * hidden + at;
        T* to = d + n * distance + begin;
        if (!s.counts(t, n)) {
          clear(to, end - begin);
          continue;
        }
        for_batches<T>(end - begin, [&](std::int64_t j, std::int64_t lanes) {
          const B g = load(d_h + at + j, lanes) + load(d_y + from + j, lanes),
                  out = load(y + from + j, lanes), zero(T(0));
          const B through_relu = xsimd::select(out <= zero, zero, g);
          store(to + j, r.relu ? through_relu : g * (B(T(1)) - out * out), lanes);
          store(d_h + at + j, zero, lanes);
        });
      }
    });
    if (d_bias) add_rows(d, distance, hidden, batch, bias_sums.data());
    // Sequences that have not begun keep what they have.
    if (step > 0 || d_h0)
      gemm(false, false, batch, hidden, hidden, T(1), d, distance, r.weight_hh, hidden, T(1), d_h,
           hidden);
  }
  const GateGradients<T> gradients{s, all_d.data(), distance};
  gradients.input(r.x, r.weight_ih, hidden, wanted(0), wanted(2));
  if (T* d_weight = wanted(3)) gradients.state(y, r.h0, hidden, 0, hidden, d_weight);
  if (d_bias) store_sums(bias_sums.data(), hidden, d_bias);
}

void rnn_forward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Rnn<decltype(zero)> r(*static_cast<const op::Rnn*>(op), context.inputs,
                                context.num_inputs);
    forward(r, context);
  });
}
void rnn_backward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Rnn<decltype(zero)> r(*static_cast<const op::Rnn*>(op), context.inputs + 2,
                                context.num_outputs);
    backward(r, context);
  });
}

}  // namespace

KernelRow row_Rnn() {
  return {.forward = rnn_forward, .backward = rnn_backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
