// What the kernels of the recurrent layers share. The input of all steps is projected in one
// product; a step then is one product with the state and one pass over the gates. The gradient
// walks back in time and leaves the gradients of the gates of all steps, from which those of the
// weights follow in one product each.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"
#include "catena/backends/cpu/product.hpp"
#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"
#include "catena/ops/formula.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

using formula::CATENA_ISA::logistic;

template <class T>
CATENA_INLINE T* data_of(const TensorView& v) {
  return static_cast<T*>(v.data);
}
template <class T>
CATENA_INLINE void clear(T* to, std::int64_t n) {
  std::memset(to, 0, static_cast<std::size_t>(n) * sizeof(T));
}
template <class T>
CATENA_INLINE void copy(T* to, const T* from, std::int64_t n) {
  std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
}
// Rows of n entries, `distance` apart, all equal to `row`.
template <class T>
CATENA_INLINE void repeat(T* to, std::int64_t distance, const T* row, std::int64_t n,
                          std::int64_t rows) {
  for (std::int64_t r = 0; r < rows; ++r) copy(to + r * distance, row, n);
}

// A batch of sequences, x [steps, batch, input], walked in one direction.
struct Sequence {
  std::int64_t steps, batch, input, hidden;
  bool reverse;
  const std::int64_t* lengths;  // null: every sequence has all steps

  std::int64_t rows() const { return steps * batch; }
  CATENA_INLINE std::int64_t time(std::int64_t step) const {
    return reverse ? steps - 1 - step : step;
  }
  CATENA_INLINE std::int64_t length(std::int64_t n) const { return lengths ? lengths[n] : steps; }
  CATENA_INLINE bool counts(std::int64_t t, std::int64_t n) const { return t < length(n); }
  // The state before step t of sequence n: a row of `states` (of all steps) or of the initial one.
  template <class T>
  CATENA_INLINE const T* before(std::int64_t t, std::int64_t n, const T* states, const T* initial,
                                std::int64_t size) const {
    if (t == (reverse ? length(n) - 1 : 0)) return initial + n * size;
    return states + ((reverse ? t + 1 : t - 1) * batch + n) * size;
  }
  // body(begin, end) for ranges of columns that threads share out.
  template <class Body>
  CATENA_INLINE void for_columns(const Body& body) const {
    const std::int64_t width = kRowGrain / (4 * max_of<std::int64_t>(1, batch));
    parallel(hidden, max_of<std::int64_t>(64, width / 16 * 16), body);
  }
};

Sequence sequence_of(const TensorView& x, std::int64_t hidden, bool reverse,
                     const TensorView* lengths) {
  const std::int64_t* size = x.shape.data();
  return {size[0], size[1], size[2],
          hidden,  reverse, lengths ? static_cast<const std::int64_t*>(lengths->data) : nullptr};
}

void check_lengths(const char* op, const Sequence& s, const KernelContext& context) {
  for (std::int64_t n = 0; s.lengths && n < s.batch; ++n)
    if (s.lengths[n] < 1 || s.lengths[n] > s.steps)
      throw_sequence_length(op, s.lengths[n], n, s.steps, context);
}

// to [rows, distance] = x weight^T + bias, for all steps.
template <class T>
void project_input(const Sequence& s, const T* x, const T* weight, const T* bias,
                   std::int64_t gates, T* to, std::int64_t distance) {
  repeat(to, distance, bias, gates, s.rows());
  gemm(false, true, s.rows(), gates, s.input, T(1), x, s.input, weight, s.input, T(1), to,
       distance);
}

// The state's weight [gates, size]. Long sequences have it turned round once, which makes the
// product of a step a quarter faster.
template <class T>
class StateWeight {
 public:
  StateWeight(const Sequence& s, const T* weight, std::int64_t gates, std::int64_t size)
      : batch_(s.batch),
        gates_(gates),
        size_(size),
        weight_(weight),
        is_turned_(s.steps >= 16),
        turned_(is_turned_ ? gates * size : 0) {
    constexpr std::int64_t kBlock = 16;
    if (!is_turned_) return;
    for (std::int64_t g = 0; g < gates; g += kBlock)
      for (std::int64_t j = 0; j < size; j += kBlock)
        for (std::int64_t k = j; k < min_of(size, j + kBlock); ++k)
          for (std::int64_t i = g; i < min_of(gates, g + kBlock); ++i)
            turned_[k * gates + i] = weight[i * size + k];
  }
  // to [batch, gates] += h weight^T
  void add_product(const T* h, T* to) const {
    gemm(false, !is_turned_, batch_, gates_, size_, T(1), h, size_,
         is_turned_ ? turned_.data() : weight_, is_turned_ ? gates_ : size_, T(1), to, gates_);
  }

 private:
  std::int64_t batch_, gates_, size_;
  const T* weight_;
  bool is_turned_;
  Scratch<T> turned_;
};

// The distance between rows of n entries that products read columns of: an odd number of cache
// lines, because rows a power of two apart share few places in the cache (1024x256x2016 a quarter
// slower).
CATENA_INLINE std::int64_t row_distance(std::int64_t n) { return ((n + 15) / 16 | 1) * 16; }

// total += the sum of the rows.
template <class T>
void add_rows(const T* rows, std::int64_t distance, std::int64_t n, std::int64_t count,
              double* total) {
  for_batches<T>(n, [&](std::int64_t i, std::int64_t lanes) {
    Batch<T> sum(T(0));
    for (std::int64_t r = 0; r < count; ++r) sum = sum + load(rows + r * distance + i, lanes);
    alignas(64) T part[Batch<T>::size];
    sum.store_aligned(part);
    for (std::int64_t k = 0; k < lanes; ++k) total[i + k] += static_cast<double>(part[k]);
  });
}
template <class T>
CATENA_INLINE void store_sums(const double* total, std::int64_t n, T* to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(total[i]);
}

// The gradients of the gates of all steps: [rows, distance], zero where a step does not count.
template <class T>
struct GateGradients {
  const Sequence& s;
  const T* d;
  std::int64_t distance;

  // The gradients of the input and of its weight, from `gates` columns. Null where not wanted.
  void input(const T* x, const T* weight, std::int64_t gates, T* d_x, T* d_weight) const {
    if (d_x)
      gemm(false, false, s.rows(), s.input, gates, T(1), d, distance, weight, s.input, T(0), d_x,
           s.input);
    if (!d_weight) return;
    const Scratch<T> masked(s.lengths ? s.rows() * s.input : 0);
    if (s.lengths) {  // what x holds beyond an end may be NaN
      for (std::int64_t t = 0; t < s.steps; ++t)
        for (std::int64_t n = 0; n < s.batch; ++n) {
          const std::int64_t at = (t * s.batch + n) * s.input;
          if (s.counts(t, n))
            copy(masked.data() + at, x + at, s.input);
          else
            clear(masked.data() + at, s.input);
        }
      x = masked.data();
    }
    gemm(true, false, gates, s.input, s.rows(), T(1), d, distance, x, s.input, T(0), d_weight,
         s.input);
  }

  // The gradient of the rows of the state's weight that belong to `gates` columns from `first` on,
  // where y [steps, batch, size] are the states of all steps.
  void state(const T* y, const T* initial, std::int64_t size, std::int64_t first,
             std::int64_t gates, T* d_weight) const {
    const std::int64_t rows = s.rows() - s.batch;  // those with a step before them
    const T *after = d + first + (s.reverse ? 0 : s.batch * distance),
            *before = y + (s.reverse ? s.batch * size : 0);
    gemm(true, false, gates, size, rows, T(1), after, distance, before, size, T(0), d_weight, size);
    const T* start = d + first + (s.reverse ? rows * distance : 0);
    if (!s.reverse || !s.lengths) {
      gemm(true, false, gates, size, s.batch, T(1), start, distance, initial, size, T(1), d_weight,
           size);
      return;
    }
    const Scratch<T> starts(s.batch * gates);
    for (std::int64_t n = 0; n < s.batch; ++n)
      copy(starts.data() + n * gates, d + first + ((s.lengths[n] - 1) * s.batch + n) * distance,
           gates);
    gemm(true, false, gates, size, s.batch, T(1), starts.data(), gates, initial, size, T(1),
         d_weight, size);
  }
};

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
