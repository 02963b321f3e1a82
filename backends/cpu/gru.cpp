// CPU kernels of gru. Kept of every step for the gradient: r, z, n and q = weight_hn h + bias_hn.
#include "catena/ops/gru.hpp"

#include "catena/backends/cpu/recurrence.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

template <class T>
struct Gru {
  Sequence s;
  const T *x, *h0, *weight_ih, *weight_hh, *bias_ih, *bias_hh;

  // `in` points at the op's inputs, `count` of them.
  Gru(const op::Gru& op, const TensorView* in, int count)
      : s(sequence_of(in[0], in[1].shape.data()[1], op.reverse, count > 6 ? in + 6 : nullptr)),
        x(data_of<T>(in[0])),
        h0(data_of<T>(in[1])),
        weight_ih(data_of<T>(in[2])),
        weight_hh(data_of<T>(in[3])),
        bias_ih(data_of<T>(in[4])),
        bias_hh(data_of<T>(in[5])) {}
  std::int64_t kept() const { return 4 * s.hidden; }
};

// Columns [begin, end) of one row: what x contributes to the gates becomes what is kept, and h
// moves on. `from_h` is what h contributes.
template <class T>
CATENA_INLINE void cell(T* kept, const T* from_h, T* h, T* y, std::int64_t hidden,
                        std::int64_t begin, std::int64_t end) {
  using B = Batch<T>;
  for_batches<T>(end - begin, [&](std::int64_t k, std::int64_t lanes) {
    const std::int64_t j = begin + k;
    const B r = logistic(load(kept + j, lanes) + load(from_h + j, lanes)),
            z = logistic(load(kept + hidden + j, lanes) + load(from_h + hidden + j, lanes)),
            q = load(from_h + 2 * hidden + j, lanes),
            n = tanh(load(kept + 2 * hidden + j, lanes) + r * q);
    const B next = n + z * (load(h + j, lanes) - n);
    store(kept + j, r, lanes);
    store(kept + hidden + j, z, lanes);
    store(kept + 2 * hidden + j, n, lanes);
    store(kept + 3 * hidden + j, q, lanes);
    store(h + j, next, lanes);
    store(y + j, next, lanes);
  });
}

template <class T>
void forward(const Gru<T>& g, const KernelContext& context) {
  const Sequence& s = g.s;
  check_lengths("gru", s, context);
  const std::int64_t hidden = s.hidden, batch = s.batch, gates = 3 * hidden, width = g.kept();
  T *y = data_of<T>(context.outputs[0]), *h = data_of<T>(context.outputs[1]),
    *all_kept = data_of<T>(context.outputs[2]);
  copy(h, g.h0, batch * hidden);
  project_input(s, g.x, g.weight_ih, g.bias_ih, gates, all_kept, width);
  const StateWeight<T> weight_hh(s, g.weight_hh, gates, hidden);
  const Scratch<T> from_h(batch * gates);
  for (std::int64_t step = 0; step < s.steps; ++step) {
    const std::int64_t t = s.time(step), row = t * batch;
    T *kept = all_kept + row * width, *out = y + row * hidden;
    repeat(from_h.data(), gates, g.bias_hh, gates, batch);
    weight_hh.add_product(h, from_h.data());
    s.for_columns([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = 0; n < batch; ++n)
        if (s.counts(t, n))
          cell(kept + n * width, from_h.data() + n * gates, h + n * hidden, out + n * hidden,
               hidden, begin, end);
    });
    for (std::int64_t n = 0; n < batch; ++n) {
      if (s.counts(t, n)) continue;
      clear(kept + n * width, width);
      clear(out + n * hidden, hidden);
    }
  }
}

// Columns [begin, end) of one row: the gradients d of what x contributes to r, z and n and of q,
// from those of y and of h; the latter moves on to the step before but for what goes through q,
// r and z.
template <class T>
CATENA_INLINE void cell_gradient(const T* kept, const T* before, const T* d_y, T* d_h, T* d,
                                 std::int64_t hidden, std::int64_t begin, std::int64_t end) {
  using B = Batch<T>;
  const B one(T(1));
  for_batches<T>(end - begin, [&](std::int64_t k, std::int64_t lanes) {
    const std::int64_t j = begin + k;
    const B r = load(kept + j, lanes), z = load(kept + hidden + j, lanes),
            n = load(kept + 2 * hidden + j, lanes), q = load(kept + 3 * hidden + j, lanes);
    const B g = load(d_h + j, lanes) + load(d_y + j, lanes);
    const B d_n = g * (one - z) * (one - n * n);
    store(d + j, d_n * q * (r * (one - r)), lanes);
    store(d + hidden + j, g * (load(before + j, lanes) - n) * (z * (one - z)), lanes);
    store(d + 2 * hidden + j, d_n, lanes);
    store(d + 3 * hidden + j, d_n * r, lanes);
    store(d_h + j, g * z, lanes);
  });
}

// Inputs: the gradients of y and h (that of what is kept absent), the op's inputs, then its
// outputs.
template <class T>
void backward(const Gru<T>& g, const KernelContext& context) {
  const Sequence& s = g.s;
  const int given = context.num_outputs;
  const std::int64_t hidden = s.hidden, batch = s.batch, width = g.kept();
  const TensorView* outputs = context.inputs + 3 + given;
  const T *d_y = data_of<T>(context.inputs[0]), *y = data_of<T>(outputs[0]),
          *all_kept = data_of<T>(outputs[2]);
  const auto wanted = [&](int i) { return data_of<T>(context.outputs[i]); };
  T *d_h0 = wanted(1), *d_weight_hh = wanted(3), *d_bias_ih = wanted(4), *d_bias_hh = wanted(5);
  const Scratch<T> own_h(d_h0 ? 0 : batch * hidden);
  T* d_h = d_h0 ? d_h0 : own_h.data();
  copy(d_h, data_of<T>(context.inputs[1]), batch * hidden);
  const std::int64_t distance = row_distance(width);
  const Scratch<T> all_d(s.rows() * distance);
  const Scratch<double> bias_sums(width);
  clear(bias_sums.data(), width);
  const T* weight_q = g.weight_hh + 2 * hidden * hidden;
  for (std::int64_t step = s.steps - 1; step >= 0; --step) {
    const std::int64_t t = s.time(step), row = t * batch;
    T* d = all_d.data() + row * distance;
    s.for_columns([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = 0; n < batch; ++n)
        if (s.counts(t, n))
          cell_gradient(all_kept + (row + n) * width, s.before(t, n, y, g.h0, hidden),
                        d_y + (row + n) * hidden, d_h + n * hidden, d + n * distance, hidden, begin,
                        end);
    });
    for (std::int64_t n = 0; n < batch; ++n)
      if (!s.counts(t, n)) clear(d + n * distance, width);
    if (d_bias_ih || d_bias_hh) add_rows(d, distance, width, batch, bias_sums.data());
    if (step == 0 && !d_h0) break;
    gemm(false, false, batch, hidden, 2 * hidden, T(1), d, distance, g.weight_hh, hidden, T(1), d_h,
         hidden);
    gemm(false, false, batch, hidden, hidden, T(1), d + 3 * hidden, distance, weight_q, hidden,
         T(1), d_h, hidden);
  }
  const GateGradients<T> gradients{s, all_d.data(), distance};
  gradients.input(g.x, g.weight_ih, 3 * hidden, wanted(0), wanted(2));
  if (d_weight_hh) {
    gradients.state(y, g.h0, hidden, 0, 2 * hidden, d_weight_hh);
    gradients.state(y, g.h0, hidden, 3 * hidden, hidden, d_weight_hh + 2 * hidden * hidden);
  }
  if (d_bias_ih) store_sums(bias_sums.data(), 3 * hidden, d_bias_ih);
  if (d_bias_hh) {
    store_sums(bias_sums.data(), 2 * hidden, d_bias_hh);
    store_sums(bias_sums.data() + 3 * hidden, hidden, d_bias_hh + 2 * hidden);
  }
}

void gru_forward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Gru<decltype(zero)> g(*static_cast<const op::Gru*>(op), context.inputs,
                                context.num_inputs);
    forward(g, context);
  });
}
void gru_backward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Gru<decltype(zero)> g(*static_cast<const op::Gru*>(op), context.inputs + 3,
                                context.num_outputs);
    backward(g, context);
  });
}

}  // namespace

KernelRow row_Gru() {
  return {.forward = gru_forward, .backward = gru_backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
