// CPU kernels of lstm. Gates and cells of every step are kept for the gradient.
#include "catena/ops/lstm.hpp"

#include "catena/backends/cpu/recurrence.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// The tensors of a call; null where there is none.
template <class T>
struct Lstm {
  Sequence s;
  std::int64_t size;  // of h; s.hidden without a projection
  const T *x, *h0, *c0, *weight_ih, *weight_hh, *bias, *weight_hr;

  // `in` points at the op's inputs, `count` of them.
  Lstm(const op::Lstm& op, const TensorView* in, int count)
      : s(sequence_of(in[0], in[2].shape.data()[1], op.reverse, count > 6 ? in + 6 : nullptr)),
        size(in[1].shape.data()[1]),
        x(data_of<T>(in[0])),
        h0(data_of<T>(in[1])),
        c0(data_of<T>(in[2])),
        weight_ih(data_of<T>(in[3])),
        weight_hh(data_of<T>(in[4])),
        bias(data_of<T>(in[5])),
        weight_hr(count > 7 ? data_of<T>(in[7]) : nullptr) {}
  std::int64_t gates() const { return 4 * s.hidden; }
};

// Columns [begin, end) of one row: sums become gates, c and h move on.
template <class T>
CATENA_INLINE void cell(T* gates, T* c, T* kept_c, T* h, std::int64_t hidden, std::int64_t begin,
                        std::int64_t end) {
  using B = Batch<T>;
  for_batches<T>(end - begin, [&](std::int64_t k, std::int64_t lanes) {
    const std::int64_t j = begin + k;
    const B i = logistic(load(gates + j, lanes)), f = logistic(load(gates + hidden + j, lanes)),
            g = tanh(load(gates + 2 * hidden + j, lanes)),
            o = logistic(load(gates + 3 * hidden + j, lanes));
    const B next = f * load(c + j, lanes) + i * g;
    store(gates + j, i, lanes);
    store(gates + hidden + j, f, lanes);
    store(gates + 2 * hidden + j, g, lanes);
    store(gates + 3 * hidden + j, o, lanes);
    store(c + j, next, lanes);
    store(kept_c + j, next, lanes);
    store(h + j, o * tanh(next), lanes);
  });
}

template <class T>
void forward(const Lstm<T>& l, const KernelContext& context) {
  const Sequence& s = l.s;
  check_lengths("lstm", s, context);
  const std::int64_t hidden = s.hidden, size = l.size, gates = l.gates(), batch = s.batch;
  T *y = data_of<T>(context.outputs[0]), *h = data_of<T>(context.outputs[1]),
    *c = data_of<T>(context.outputs[2]), *all_gates = data_of<T>(context.outputs[3]),
    *all_c = data_of<T>(context.outputs[4]);
  copy(h, l.h0, batch * size);
  copy(c, l.c0, batch * hidden);
  project_input(s, l.x, l.weight_ih, l.bias, gates, all_gates, gates);
  const StateWeight<T> weight_hh(s, l.weight_hh, gates, size);
  const Scratch<T> unprojected(l.weight_hr ? batch * hidden : 0);
  for (std::int64_t step = 0; step < s.steps; ++step) {
    const std::int64_t t = s.time(step), row = t * batch;
    T *sums = all_gates + row * gates, *out = y + row * size;
    weight_hh.add_product(h, sums);
    T* cell_h = l.weight_hr ? unprojected.data() : out;
    s.for_columns([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = 0; n < batch; ++n)
        if (s.counts(t, n))
          cell(sums + n * gates, c + n * hidden, all_c + (row + n) * hidden, cell_h + n * hidden,
               hidden, begin, end);
    });
    for (std::int64_t n = 0; n < batch; ++n) {
      if (s.counts(t, n)) continue;
      clear(sums + n * gates, gates);
      clear(all_c + (row + n) * hidden, hidden);
      clear(cell_h + n * hidden, hidden);
    }
    if (l.weight_hr)
      gemm(false, true, batch, size, hidden, T(1), cell_h, hidden, l.weight_hr, hidden, T(0), out,
           size);
    for (std::int64_t n = 0; n < batch; ++n)
      if (s.counts(t, n)) copy(h + n * size, out + n * size, size);
  }
}

// Columns [begin, end) of one row: the gradients d of the sums from those of h, which is used up,
// of y (or null) and of c, which moves on to the step before. `h` is the cell's output, or null.
template <class T>
CATENA_INLINE void cell_gradient(const T* gates, const T* c, const T* c_before, T* d_h,
                                 const T* d_y, T* d_c, T* d, T* h, std::int64_t hidden,
                                 std::int64_t begin, std::int64_t end) {
  using B = Batch<T>;
  const B one(T(1)), zero(T(0));
  for_batches<T>(end - begin, [&](std::int64_t k, std::int64_t lanes) {
    const std::int64_t j = begin + k;
    const B i = load(gates + j, lanes), f = load(gates + hidden + j, lanes),
            g = load(gates + 2 * hidden + j, lanes), o = load(gates + 3 * hidden + j, lanes);
    const B squashed = tanh(load(c + j, lanes));
    B gh = load(d_h + j, lanes);
    if (d_y) gh = gh + load(d_y + j, lanes);
    const B gc = load(d_c + j, lanes) + gh * o * (one - squashed * squashed);
    store(d + j, gc * g * (i * (one - i)), lanes);
    store(d + hidden + j, gc * load(c_before + j, lanes) * (f * (one - f)), lanes);
    store(d + 2 * hidden + j, gc * i * (one - g * g), lanes);
    store(d + 3 * hidden + j, gh * squashed * (o * (one - o)), lanes);
    store(d_c + j, gc * f, lanes);
    store(d_h + j, zero, lanes);
    if (h) store(h + j, o * squashed, lanes);
  });
}

// Inputs: the gradients of y, h and c (those of the gates and cells absent), the op's inputs, then
// its outputs.
template <class T>
void backward(const Lstm<T>& l, const KernelContext& context) {
  const Sequence& s = l.s;
  const int given = context.num_outputs;
  const std::int64_t hidden = s.hidden, size = l.size, gates = l.gates(), batch = s.batch;
  const TensorView *grads = context.inputs, *outputs = context.inputs + 5 + given;
  const T *y = data_of<T>(outputs[0]), *all_gates = data_of<T>(outputs[3]),
          *all_c = data_of<T>(outputs[4]), *d_y = data_of<T>(grads[0]);
  const auto wanted = [&](int i) { return i < given ? data_of<T>(context.outputs[i]) : nullptr; };
  const bool projected = l.weight_hr != nullptr;
  T *d_h0 = wanted(1), *d_c0 = wanted(2), *d_bias = wanted(5), *d_weight_hr = wanted(7);
  const Scratch<T> own_h(d_h0 ? 0 : batch * size), own_c(d_c0 ? 0 : batch * hidden);
  T *d_h = d_h0 ? d_h0 : own_h.data(), *d_c = d_c0 ? d_c0 : own_c.data();
  copy(d_h, data_of<T>(grads[1]), batch * size);
  copy(d_c, data_of<T>(grads[2]), batch * hidden);
  const std::int64_t distance = row_distance(gates);
  const Scratch<T> all_d(s.rows() * distance);
  const Scratch<double> bias_sums(gates);
  clear(bias_sums.data(), gates);
  // Of the projection: the gradients of its results, its inputs, and the gradient of one step's.
  const Scratch<T> all_d_y(projected ? s.rows() * size : 0),
      all_h(projected ? s.rows() * hidden : 0), d_cell(projected ? batch * hidden : 0);

  for (std::int64_t step = s.steps - 1; step >= 0; --step) {
    const std::int64_t t = s.time(step), row = t * batch;
    T* d = all_d.data() + row * distance;
    if (projected) {
      T* total = all_d_y.data() + row * size;
      for (std::int64_t n = 0; n < batch; ++n) {
        if (!s.counts(t, n)) {
          clear(total + n * size, size);
          continue;
        }
        for (std::int64_t j = n * size; j < (n + 1) * size; ++j)
          total[j] = d_h[j] + d_y[row * size + j];
        clear(d_h + n * size, size);
      }
      gemm(false, false, batch, hidden, size, T(1), total, size, l.weight_hr, hidden, T(0),
           d_cell.data(), hidden);
    }
    s.for_columns([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = 0; n < batch; ++n) {
        if (!s.counts(t, n)) continue;
        cell_gradient(
            all_gates + (row + n) * gates, all_c + (row + n) * hidden,
            s.before(t, n, all_c, l.c0, hidden), (projected ? d_cell.data() : d_h) + n * hidden,
            projected ? nullptr : d_y + (row + n) * hidden, d_c + n * hidden, d + n * distance,
            projected ? all_h.data() + (row + n) * hidden : nullptr, hidden, begin, end);
      }
    });
    for (std::int64_t n = 0; n < batch; ++n) {
      if (s.counts(t, n)) continue;
      clear(d + n * distance, gates);
      if (projected) clear(all_h.data() + (row + n) * hidden, hidden);
    }
    if (d_bias) add_rows(d, distance, gates, batch, bias_sums.data());
    // Sequences that have not begun keep what they have.
    if (step > 0 || d_h0)
      gemm(false, false, batch, size, gates, T(1), d, distance, l.weight_hh, size, T(1), d_h, size);
  }

  const GateGradients<T> gradients{s, all_d.data(), distance};
  gradients.input(l.x, l.weight_ih, gates, wanted(0), wanted(3));
  if (T* d_weight = wanted(4)) gradients.state(y, l.h0, size, 0, gates, d_weight);
  if (d_bias) store_sums(bias_sums.data(), gates, d_bias);
  if (d_weight_hr)
    gemm(true, false, size, hidden, s.rows(), T(1), all_d_y.data(), size, all_h.data(), hidden,
         T(0), d_weight_hr, hidden);
}

void lstm_forward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Lstm<decltype(zero)> l(*static_cast<const op::Lstm*>(op), context.inputs,
                                 context.num_inputs);
    forward(l, context);
  });
}
void lstm_backward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Lstm<decltype(zero)> l(*static_cast<const op::Lstm*>(op), context.inputs + 5,
                                 context.num_outputs);
    backward(l, context);
  });
}

}  // namespace

KernelRow row_Lstm() {
  return {.forward = lstm_forward, .backward = lstm_backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
