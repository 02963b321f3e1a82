// CPU kernels of cross_entropy. Each row of logits is read from memory once per pass: the maximum,
// then the exponentials while the row is in cache.
#include "catena/ops/loss.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"
#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

CATENA_INLINE bool holds_indices(const TensorView& target) {
  return target.dtype == DType::kInt32 || target.dtype == DType::kInt64;
}

CATENA_INLINE std::int64_t class_of(const TensorView& target, std::int64_t row) {
  return target.dtype == DType::kInt64 ? static_cast<const std::int64_t*>(target.data)[row]
                                       : static_cast<const std::int32_t*>(target.data)[row];
}

void check_classes(const TensorView& target, std::int64_t rows, std::int64_t classes,
                   const KernelContext& context) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t c = class_of(target, r);
    if (c < 0 || c >= classes) throw_class_index(c, r, classes, context);
  }
}

CATENA_INLINE std::int64_t row_grain(std::int64_t classes) {
  return max_of<std::int64_t>(1, kRowGrain / classes);
}

void cross_entropy_forward(const void* op, const KernelContext& context) {
  const TensorView &logits = context.inputs[0], &target = context.inputs[1];
  const TensorView &loss = context.outputs[0], &log_sums = context.outputs[1];
  const std::int64_t rows = logits.shape.data()[0], classes = logits.shape.data()[1];
  const Reduction reduction = reduction_of(*static_cast<const op::CrossEntropy*>(op));
  const bool indices = holds_indices(target);
  if (indices) check_classes(target, rows, classes, context);
  const Scratch<double> losses(rows);
  visit_float(logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    T* lse = static_cast<T*>(log_sums.data);
    parallel(rows, row_grain(classes), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const T* x = static_cast<const T*>(logits.data) + r * classes;
        const T shift = row_max(x, classes);
        const double log_sum = __builtin_log(row_exp_sum(x, classes, shift));
        lse[r] = static_cast<T>(static_cast<double>(shift) + log_sum);
        if (indices) {
          const double picked = static_cast<double>(x[class_of(target, r)]);
          losses[r] = log_sum - (picked - static_cast<double>(shift));
          continue;
        }
        const T* t = static_cast<const T*>(target.data) + r * classes;
        const B m(shift), log_total(static_cast<T>(log_sum)), none(T(0));
        losses[r] = sum_terms<T>(classes, [&](std::int64_t i, std::int64_t count) {
          const B p = load(t + i, count);
          // A class of probability 0 adds nothing, also where its logit is -inf.
          return xsimd::select(p == none, none, p * (log_total - (load(x + i, count) - m)));
        });
      }
    });
    T* out = static_cast<T*>(loss.data);
    if (reduction == Reduction::kNone) {
      for (std::int64_t r = 0; r < rows; ++r) out[r] = static_cast<T>(losses[r]);
      return;
    }
    double total = 0;
    for (std::int64_t r = 0; r < rows; ++r) total += losses[r];
    if (reduction == Reduction::kMean) total /= static_cast<double>(rows);
    out[0] = static_cast<T>(total);
  });
}

// Inputs: gradients of the loss and of the log-sum-exp (absent), logits, target, loss, log-sum-exp.
// With p = e^(x - lse): dx = (p sum(t) - t) g and dt = (lse - x) g.
void cross_entropy_backward(const void* op, const KernelContext& context) {
  const TensorView &grad = context.inputs[0], &logits = context.inputs[2];
  const TensorView &target = context.inputs[3], &log_sums = context.inputs[5];
  const TensorView &d_logits = context.outputs[0], &d_target = context.outputs[1];
  const std::int64_t rows = logits.shape.data()[0], classes = logits.shape.data()[1];
  const Reduction reduction = reduction_of(*static_cast<const op::CrossEntropy*>(op));
  const bool indices = holds_indices(target);
  visit_float(logits.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    const T* g = static_cast<const T*>(grad.data);
    const T* lse = static_cast<const T*>(log_sums.data);
    parallel(rows, row_grain(classes), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t start = r * classes;
        const T* x = static_cast<const T*>(logits.data) + start;
        const T row_grad = reduction == Reduction::kNone  ? g[r]
                           : reduction == Reduction::kSum ? g[0]
                                                          : g[0] / static_cast<T>(rows);
        const B scale(row_grad), log_sum(lse[r]);
        if (indices) {
          if (!d_logits.data) continue;
          T* dx = static_cast<T*>(d_logits.data) + start;
          for_batches<T>(classes, [&](std::int64_t i, std::int64_t count) {
            store(dx + i, xsimd::exp(load(x + i, count) - log_sum) * scale, count);
          });
          dx[class_of(target, r)] -= row_grad;
          continue;
        }
        const T* t = static_cast<const T*>(target.data) + start;
        if (d_logits.data) {
          T* dx = static_cast<T*>(d_logits.data) + start;
          const B mass(static_cast<T>(sum_terms<T>(
              classes, [&](std::int64_t i, std::int64_t count) { return load(t + i, count); })));
          for_batches<T>(classes, [&](std::int64_t i, std::int64_t count) {
            const B p = xsimd::exp(load(x + i, count) - log_sum);
            store(dx + i, (p * mass - load(t + i, count)) * scale, count);
          });
        }
        if (d_target.data) {
          T* dt = static_cast<T*>(d_target.data) + start;
          for_batches<T>(classes, [&](std::int64_t i, std::int64_t count) {
            store(dt + i, (log_sum - load(x + i, count)) * scale, count);
          });
        }
      }
    });
  });
}

}  // namespace

KernelRow row_CrossEntropy() {
  KernelRow row;
  row.forward = cross_entropy_forward;
  row.backward = cross_entropy_backward;
  row.dtypes = kFloatTypes;
  return row;
}

}  // namespace catena::cpu::CATENA_ISA
