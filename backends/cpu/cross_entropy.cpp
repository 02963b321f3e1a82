// CPU kernels of cross_entropy and nll_loss. Each row of logits is read from memory once per pass:
// the maximum, then the exponentials while the row is in cache.
#include "catena/ops/cross_entropy.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"
#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

CATENA_INLINE bool holds_indices(const TensorView& target) {
  return target.dtype == DType::kInt32 || target.dtype == DType::kInt64;
}

// The targets of a call as class indices, and the weights of the classes.
template <class T>
struct Classes {
  const TensorView& target;
  const T* weight;  // null: ones
  std::int64_t count;
  std::int64_t ignore_index;

  CATENA_INLINE std::int64_t of(std::int64_t row) const {
    return target.dtype == DType::kInt64 ? static_cast<const std::int64_t*>(target.data)[row]
                                         : static_cast<const std::int32_t*>(target.data)[row];
  }
  CATENA_INLINE bool ignored(std::int64_t row) const { return of(row) == ignore_index; }
  CATENA_INLINE double weight_of(std::int64_t c) const {
    return weight ? static_cast<double>(weight[c]) : 1.0;
  }
  void check(std::int64_t rows, const char* op, const char* scores,
             const KernelContext& context) const {
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t c = of(r);
      if (c != ignore_index && (c < 0 || c >= count))
        throw_class_index(op, scores, c, r, count, context);
    }
  }
  // What the mean divides by.
  double divisor(std::int64_t rows) const {
    double total = 0;
    for (std::int64_t r = 0; r < rows; ++r)
      if (!ignored(r)) total += weight_of(of(r));
    return total;
  }
};

CATENA_INLINE std::int64_t row_grain(std::int64_t classes) {
  return max_of<std::int64_t>(1, kRowGrain / classes);
}

template <class T>
void store_losses(const double* losses, std::int64_t rows, Reduction reduction, double divisor,
                  T* out) {
  if (reduction == Reduction::kNone) {
    for (std::int64_t r = 0; r < rows; ++r) out[r] = static_cast<T>(losses[r]);
    return;
  }
  double total = 0;
  for (std::int64_t r = 0; r < rows; ++r) total += losses[r];
  out[0] = static_cast<T>(reduction == Reduction::kMean ? total / divisor : total);
}

// The gradient of each row's loss. It is not asked for where no row counts.
template <class T>
struct LossGradient {
  const T* g;
  Reduction reduction;
  double divisor;
  CATENA_INLINE T of(std::int64_t row) const {
    if (reduction == Reduction::kNone) return g[row];
    return reduction == Reduction::kSum ? g[0]
                                        : static_cast<T>(static_cast<double>(g[0]) / divisor);
  }
};

CATENA_INLINE const TensorView* optional_input(const KernelContext& context, int i, int end) {
  return i < end ? &context.inputs[i] : nullptr;
}
template <class T>
CATENA_INLINE T* data_or_null(const TensorView* v) {
  return v ? static_cast<T*>(v->data) : nullptr;
}

// The part of a probability that stays with label smoothing, and what each class gets of the rest.
struct Smoothing {
  double kept, even;
  CATENA_INLINE Smoothing(const op::CrossEntropy& op, std::int64_t classes)
      : kept(1 - op.label_smoothing), even(op.label_smoothing / static_cast<double>(classes)) {}
};

// Batches of w_c and of the smoothed probabilities q_c of one row.
template <class T>
struct Parts {
  const T *target, *weight;  // weight null: ones
  Batch<T> kept, even;
  bool smooth;
  CATENA_INLINE Batch<T> q(std::int64_t i, std::int64_t lanes) const {
    const Batch<T> p = load(target + i, lanes);
    return smooth ? p * kept + even : p;
  }
  CATENA_INLINE Batch<T> weighted(const Batch<T>& v, std::int64_t i, std::int64_t lanes) const {
    return weight ? v * load(weight + i, lanes) : v;
  }
};

void cross_entropy_forward(const void* attrs, const KernelContext& context) {
  const auto& op = *static_cast<const op::CrossEntropy*>(attrs);
  const TensorView &logits = context.inputs[0], &target = context.inputs[1];
  const TensorView &loss = context.outputs[0], &scales = context.outputs[1];
  const std::int64_t rows = logits.shape.data()[0], count = logits.shape.data()[1];
  const Reduction reduction = reduction_of(op);
  const Smoothing smoothing(op, count);
  const bool indices = holds_indices(target), smooth = op.label_smoothing != 0;
  visit_float(logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    const T* weight = data_or_null<const T>(optional_input(context, 2, context.num_inputs));
    const Classes<T> classes{target, weight, count, op.ignore_index};
    if (indices) classes.check(rows, OpName<op::CrossEntropy>::value, "logits", context);
    const Scratch<double> losses(rows);
    T* scale = static_cast<T*>(scales.data);
    parallel(rows, row_grain(count), [&](std::int64_t begin, std::int64_t end) {
      const Scratch<T> buffer(logits.program ? max_of(count, kProgramRows) : 0);
      const auto row_buffer = [&](std::int64_t) { return buffer.data(); };
      for_input_rows<T>(logits, count, begin, end, row_buffer, [&](std::int64_t r, const T* x) {
        const T shift = row_max(x, count);
        const double log_sum = __builtin_log(row_exp_sum(x, count, shift));
        scale[2 * r] = shift;
        scale[2 * r + 1] = static_cast<T>(log_sum);
        const B m(shift), log_total(static_cast<T>(log_sum)), none(T(0));
        const auto loss_of = [&](std::int64_t i, std::int64_t lanes) {
          return log_total - (load(x + i, lanes, shift) - m);
        };
        if (indices) {
          const std::int64_t c = classes.of(r);
          losses[r] = 0;
          if (c == op.ignore_index) return;
          const double picked = static_cast<double>(x[c]) - static_cast<double>(shift);
          losses[r] = smoothing.kept * classes.weight_of(c) * (log_sum - picked);
          if (!smooth) return;
          losses[r] +=
              smoothing.even * sum_terms<T>(count, [&](std::int64_t i, std::int64_t lanes) {
                const B v =
                    weight ? loss_of(i, lanes) * load(weight + i, lanes) : loss_of(i, lanes);
                return zero_beyond(v, lanes);
              });
          return;
        }
        const Parts<T> parts{static_cast<const T*>(target.data) + r * count, weight,
                             B(static_cast<T>(smoothing.kept)), B(static_cast<T>(smoothing.even)),
                             smooth};
        losses[r] = sum_terms<T>(count, [&](std::int64_t i, std::int64_t lanes) {
          const B p = parts.weighted(parts.q(i, lanes), i, lanes);
          // A class of probability 0 adds nothing, also where its logit is -inf.
          return zero_beyond(xsimd::select(p == none, none, p * loss_of(i, lanes)), lanes);
        });
      });
    });
    const double divisor = indices ? classes.divisor(rows) : static_cast<double>(rows);
    store_losses(losses.data(), rows, reduction, divisor, static_cast<T*>(loss.data));
  });
}

// Inputs: gradients of the loss and of output 1 (absent), logits, target and weight as they were
// given, loss, output 1: of each row the largest logit m and s = log sum e^(x - m), which m + s
// would lose digits of. With l = s - (x - m), p = e^-l, the parts q of the classes and the gradient
// g of the row's loss: dx = (p sum(w q) - w q) g, dt = w l g, dw = sum q l g.
void cross_entropy_backward(const void* attrs, const KernelContext& context) {
  const auto& op = *static_cast<const op::CrossEntropy*>(attrs);
  const int given = context.num_outputs;  // logits, target, weight
  const TensorView &grad = context.inputs[0], &logits = context.inputs[2];
  const TensorView& target = context.inputs[3];
  const TensorView &loss = context.inputs[2 + given], &scales = context.inputs[3 + given];
  const TensorView &d_logits = context.outputs[0], &d_target = context.outputs[1];
  const std::int64_t rows = logits.shape.data()[0], count = logits.shape.data()[1];
  const Reduction reduction = reduction_of(op);
  const Smoothing smoothing(op, count);
  const bool indices = holds_indices(target), smooth = op.label_smoothing != 0;
  visit_float(logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    const T* weight = data_or_null<const T>(optional_input(context, 4, 2 + given));
    const Classes<T> classes{target, weight, count, op.ignore_index};
    const double divisor = reduction != Reduction::kMean ? 1.0
                           : indices                     ? classes.divisor(rows)
                                                         : static_cast<double>(rows);
    const LossGradient<T> gradient{static_cast<const T*>(grad.data), reduction, divisor};
    const T* row_scales = static_cast<const T*>(scales.data);
    const B kept(static_cast<T>(smoothing.kept)), even(static_cast<T>(smoothing.even));
    // Of class indices: the part of the weights that smoothing spreads, the same for all rows.
    double spread = 0;
    if (indices && smooth)
      for (std::int64_t c = 0; c < count; ++c) spread += smoothing.even * classes.weight_of(c);
    parallel(rows, row_grain(count), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t start = r * count;
        const T* x = static_cast<const T*>(logits.data) + start;
        T* dx = d_logits.data ? static_cast<T*>(d_logits.data) + start : nullptr;
        const B m(row_scales[2 * r]), log_sum(row_scales[2 * r + 1]);
        const auto loss_of = [&](std::int64_t i, std::int64_t lanes) {
          return log_sum - (load(x + i, lanes) - m);
        };
        if (indices) {
          if (!dx) continue;
          if (classes.ignored(r)) {
            for (std::int64_t c = 0; c < count; ++c) dx[c] = T(0);
            continue;
          }
          const std::int64_t c = classes.of(r);
          const double picked = smoothing.kept * classes.weight_of(c);
          const T row_grad = gradient.of(r);
          const B scale(static_cast<T>(static_cast<double>(row_grad) * (picked + spread)));
          const B rest(static_cast<T>(static_cast<double>(row_grad) * smoothing.even));
          for_batches<T>(count, [&](std::int64_t i, std::int64_t lanes) {
            B v = xsimd::exp(-loss_of(i, lanes)) * scale;
            if (smooth) v = v - (weight ? rest * load(weight + i, lanes) : rest);
            store(dx + i, v, lanes);
          });
          dx[c] -= static_cast<T>(static_cast<double>(row_grad) * picked);
          continue;
        }
        const B scale(gradient.of(r));
        const Parts<T> parts{static_cast<const T*>(target.data) + start, weight, kept, even,
                             smooth};
        if (dx) {
          const B mass(static_cast<T>(sum_terms<T>(count, [&](std::int64_t i, std::int64_t lanes) {
            return zero_beyond(parts.weighted(parts.q(i, lanes), i, lanes), lanes);
          })));
          for_batches<T>(count, [&](std::int64_t i, std::int64_t lanes) {
            const B p = xsimd::exp(-loss_of(i, lanes));
            store(dx + i, (p * mass - parts.weighted(parts.q(i, lanes), i, lanes)) * scale, lanes);
          });
        }
        if (d_target.data) {
          T* dt = static_cast<T*>(d_target.data) + start;
          const B part = scale * kept;
          for_batches<T>(count, [&](std::int64_t i, std::int64_t lanes) {
            store(dt + i, parts.weighted(loss_of(i, lanes), i, lanes) * part, lanes);
          });
        }
      }
    });
    T* d_weight = given > 2 ? static_cast<T*>(context.outputs[2].data) : nullptr;
    if (!d_weight) return;
    const Scratch<double> total(count);
    for (std::int64_t c = 0; c < count; ++c) total[c] = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      if (indices && classes.ignored(r)) continue;
      const T* x = static_cast<const T*>(logits.data) + r * count;
      const double g = static_cast<double>(gradient.of(r));
      const double m = static_cast<double>(row_scales[2 * r]);
      const double log_sum = static_cast<double>(row_scales[2 * r + 1]);
      const auto loss_of = [&](std::int64_t c) {
        return log_sum - (static_cast<double>(x[c]) - m);
      };
      if (indices) {
        const std::int64_t c = classes.of(r);
        total[c] += g * smoothing.kept * loss_of(c);
        if (reduction == Reduction::kMean)
          total[c] -= g * static_cast<double>(static_cast<const T*>(loss.data)[0]);
        if (smooth)
          for (std::int64_t k = 0; k < count; ++k) total[k] += g * smoothing.even * loss_of(k);
        continue;
      }
      const T* t = static_cast<const T*>(target.data) + r * count;
      for (std::int64_t c = 0; c < count; ++c) {
        const double q = static_cast<double>(t[c]) * smoothing.kept + smoothing.even;
        if (q != 0) total[c] += g * q * loss_of(c);
      }
    }
    for (std::int64_t c = 0; c < count; ++c) d_weight[c] = static_cast<T>(total[c]);
  });
}

void nll_loss_forward(const void* attrs, const KernelContext& context) {
  const auto& op = *static_cast<const op::NllLoss*>(attrs);
  const TensorView &scores = context.inputs[0], &target = context.inputs[1];
  const std::int64_t rows = scores.shape.data()[0], count = scores.shape.data()[1];
  visit_float(scores.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* weight = data_or_null<const T>(optional_input(context, 2, context.num_inputs));
    const Classes<T> classes{target, weight, count, op.ignore_index};
    classes.check(rows, OpName<op::NllLoss>::value, "log_probabilities", context);
    const Scratch<double> losses(rows);
    const T* x = static_cast<const T*>(scores.data);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t c = classes.of(r);
      losses[r] =
          c == op.ignore_index ? 0 : -classes.weight_of(c) * static_cast<double>(x[r * count + c]);
    }
    store_losses(losses.data(), rows, reduction_of(op), classes.divisor(rows),
                 static_cast<T*>(context.outputs[0].data));
  });
}

// Inputs: gradient, log-probabilities, target and weight as they were given, loss (not saved).
void nll_loss_backward(const void* attrs, const KernelContext& context) {
  const auto& op = *static_cast<const op::NllLoss*>(attrs);
  const int given = context.num_outputs;
  const TensorView &grad = context.inputs[0], &scores = context.inputs[1];
  const TensorView& target = context.inputs[2];
  const std::int64_t rows = scores.shape.data()[0], count = scores.shape.data()[1];
  const Reduction reduction = reduction_of(op);
  visit_float(scores.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = static_cast<const T*>(scores.data);
    const T* weight = data_or_null<const T>(optional_input(context, 3, 1 + given));
    const Classes<T> classes{target, weight, count, op.ignore_index};
    const double divisor = reduction == Reduction::kMean ? classes.divisor(rows) : 1.0;
    const LossGradient<T> gradient{static_cast<const T*>(grad.data), reduction, divisor};
    if (T* dx = static_cast<T*>(context.outputs[0].data)) {
      parallel(rows, row_grain(count), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin * count; i < end * count; ++i) dx[i] = T(0);
        for (std::int64_t r = begin; r < end; ++r)
          if (!classes.ignored(r))
            dx[r * count + classes.of(r)] = static_cast<T>(-classes.weight_of(classes.of(r)) *
                                                           static_cast<double>(gradient.of(r)));
      });
    }
    T* d_weight = given > 2 ? static_cast<T*>(context.outputs[2].data) : nullptr;
    if (!d_weight) return;
    double mean = 0;
    if (reduction == Reduction::kMean) {
      for (std::int64_t r = 0; r < rows; ++r)
        if (!classes.ignored(r))
          mean -= classes.weight_of(classes.of(r)) *
                  static_cast<double>(x[r * count + classes.of(r)]) / divisor;
    }
    const Scratch<double> total(count);
    for (std::int64_t c = 0; c < count; ++c) total[c] = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      if (classes.ignored(r)) continue;
      const std::int64_t c = classes.of(r);
      total[c] -=
          static_cast<double>(gradient.of(r)) * (static_cast<double>(x[r * count + c]) + mean);
    }
    for (std::int64_t c = 0; c < count; ++c) d_weight[c] = static_cast<T>(total[c]);
  });
}

KernelRow row(KernelFn forward, KernelFn backward) {
  return {.forward = forward, .backward = backward, .dtypes = kFloatTypes};
}

}  // namespace

KernelRow row_CrossEntropy() {
  KernelRow r = row(cross_entropy_forward, cross_entropy_backward);
  r.reads_programs = true;
  return r;
}
KernelRow row_NllLoss() { return row(nll_loss_forward, nll_loss_backward); }

}  // namespace catena::cpu::CATENA_ISA
