// CPU kernels of attention. A block of rows of the query meets one block of keys after the other;
// the scores of one pair of blocks are all that is in memory (Dao et al., 2022).
#include "catena/ops/attention.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/product.hpp"
#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"
#include "catena/graph/philox.hpp"
#include "catena/ops/random_formulas.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kRows = 128, kColumns = 256;
// Rows of scores are an odd number of cache lines apart: products read columns of them.
constexpr std::int64_t kDistance = kColumns + 16;

template <class T>
CATENA_INLINE T* data_of(const TensorView& v) {
  return static_cast<T*>(v.data);
}

// Sizes, mask and dropout of a call. `in` points at the op's inputs, `count` of them.
template <class T>
struct Attention {
  std::int64_t batch = 1, heads, kv_heads, rows, columns, features, values;
  T scale;
  bool causal;
  std::int64_t causal_offset;
  const T *query, *key, *value;
  const T* added = nullptr;              // a mask that is added
  const std::uint8_t* allows = nullptr;  // or one that says who takes part
  std::int64_t mask_stride[kMaxRank] = {};
  int rank;
  std::int64_t lead[kMaxRank];  // the sizes before rows and columns
  bool drops;
  std::uint32_t threshold;
  T kept_scale;
  PhiloxState state;

  Attention(const op::Attention& op, const TensorView* in, int count)
      : scale(static_cast<T>(op.scale)),
        causal(op.causal),
        causal_offset(op.causal_offset),
        query(data_of<T>(in[0])),
        key(data_of<T>(in[1])),
        value(data_of<T>(in[2])),
        rank(in[0].shape.rank()),
        drops(op.dropout > 0),
        threshold(formulas::dropout_threshold(op.dropout)),
        kept_scale(static_cast<T>(formulas::dropout_scale(op.dropout))),
        state(op.state) {
    const std::int64_t *q = in[0].shape.data(), *k = in[1].shape.data();
    rows = q[rank - 2];
    columns = k[rank - 2];
    features = q[rank - 1];
    values = in[2].shape.data()[rank - 1];
    heads = rank > 2 ? q[rank - 3] : 1;
    kv_heads = rank > 2 ? k[rank - 3] : 1;
    for (int d = 0; d < rank - 2; ++d) {
      lead[d] = q[d];
      if (d < rank - 3) batch *= q[d];
    }
    if (count > 3) set_mask(in[3]);
  }
  void set_mask(const TensorView& mask) {
    if (mask.dtype == DType::kBool)
      allows = static_cast<const std::uint8_t*>(mask.data);
    else
      added = data_of<T>(mask);
    const int missing = rank - mask.shape.rank();
    std::int64_t stride = 1;
    for (int d = mask.shape.rank() - 1; d >= 0; --d) {
      const std::int64_t size = mask.shape.data()[d];
      mask_stride[d + missing] = size == 1 ? 0 : stride;
      stride *= size;
    }
  }
  // Heads of the query that read one head of keys and values.
  CATENA_INLINE std::int64_t group() const { return heads / kv_heads; }
  // Where the mask of a head's row begins.
  CATENA_INLINE std::int64_t mask_row(std::int64_t head, std::int64_t row) const {
    std::int64_t at = row * mask_stride[rank - 2];
    for (int d = rank - 3; d >= 0; --d) {
      at += head % lead[d] * mask_stride[d];
      head /= lead[d];
    }
    return at;
  }
  // Of the `count` columns from `begin` on, how many the row may see at most.
  CATENA_INLINE std::int64_t visible(std::int64_t row, std::int64_t begin,
                                     std::int64_t count) const {
    if (!causal) return count;
    return max_of<std::int64_t>(0, min_of(count, row + causal_offset + 1 - begin));
  }
  // Adds the mask to the scores of a row; the first is that of column `begin`.
  CATENA_INLINE void add_mask(T* scores, std::int64_t head, std::int64_t row, std::int64_t begin,
                              std::int64_t count) const {
    if (!added && !allows) return;
    const std::int64_t step = mask_stride[rank - 1], at = mask_row(head, row) + begin * step;
    if (added)
      for (std::int64_t j = 0; j < count; ++j) scores[j] = scores[j] + added[at + j * step];
    else
      for (std::int64_t j = 0; j < count; ++j)
        scores[j] = allows[at + j * step] ? scores[j] : kMinusInfinity<T>;
  }
  // What dropout multiplies the weights of a row with: those of the op dropout on all weights.
  CATENA_INLINE void drop_factors(T* to, std::int64_t head, std::int64_t row, std::int64_t begin,
                                  std::int64_t count) const {
    std::uint64_t at =
        state.offset + static_cast<std::uint64_t>((head * rows + row) * columns + begin);
    Philox4 block = philox(state.seed, at / 4);
    for (std::int64_t j = 0; j < count; ++j, ++at) {
      if (at % 4 == 0) block = philox(state.seed, at / 4);
      to[j] = block.v[at % 4] < threshold ? T(0) : kept_scale;
    }
  }
};

CATENA_INLINE std::int64_t blocks_of(std::int64_t n, std::int64_t block) {
  return (n + block - 1) / block;
}
template <class T>
CATENA_INLINE void scale_row(T* row, std::int64_t n, T factor) {
  const Batch<T> f(factor);
  for_batches<T>(n, [&](std::int64_t j, std::int64_t lanes) {
    store(row + j, load(row + j, lanes) * f, lanes);
  });
}
template <class T>
CATENA_INLINE T exp_of(T x) {
  alignas(64) T lanes[Batch<T>::size];
  xsimd::exp(Batch<T>(x)).store_aligned(lanes);
  return lanes[0];
}
template <class T>
CATENA_INLINE T log_of(T x) {
  alignas(64) T lanes[Batch<T>::size];
  xsimd::log(Batch<T>(x)).store_aligned(lanes);
  return lanes[0];
}

// One block of rows of a head: y and the logarithms of the sums.
template <class T>
void forward_rows(const Attention<T>& a, std::int64_t head, std::int64_t first, T* scores, T* y,
                  T* log_sums) {
  const std::int64_t rows = min_of(kRows, a.rows - first);
  const std::int64_t kv = head / a.group();
  const T* query = a.query + (head * a.rows + first) * a.features;
  T* out = y + (head * a.rows + first) * a.values;
  T largest[kRows], sums[kRows], factors[kColumns];
  for (std::int64_t r = 0; r < rows; ++r) {
    largest[r] = kMinusInfinity<T>;
    sums[r] = T(0);
  }
  std::memset(out, 0, static_cast<std::size_t>(rows * a.values) * sizeof(T));
  for (std::int64_t begin = 0; begin < a.columns; begin += kColumns) {
    const std::int64_t count = min_of(kColumns, a.columns - begin);
    const std::int64_t seen = a.visible(first + rows - 1, begin, count);  // by any of the rows
    if (seen == 0) break;
    gemm(false, true, rows, seen, a.features, a.scale, query, a.features,
         a.key + (kv * a.columns + begin) * a.features, a.features, T(0), scores, kDistance);
    for (std::int64_t r = 0; r < rows; ++r) {
      T* row = scores + r * kDistance;
      const std::int64_t n = min_of(seen, a.visible(first + r, begin, count));
      a.add_mask(row, head, first + r, begin, n);
      const T before = largest[r], now = max_of(before, row_max(row, n));
      largest[r] = now;
      const T base = now == kMinusInfinity<T> ? T(0) : now;
      const Batch<T> shift(base);
      const double sum = sum_terms<T>(n, [&](std::int64_t j, std::int64_t lanes) {
        const Batch<T> e = xsimd::exp(load(row + j, lanes, kMinusInfinity<T>) - shift);
        store(row + j, e, lanes);
        return e;
      });
      for (std::int64_t j = n; j < seen; ++j) row[j] = T(0);
      if (before != now && begin > 0) {
        const T fading = exp_of(before - base);
        sums[r] *= fading;
        scale_row(out + r * a.values, a.values, fading);
      }
      sums[r] += static_cast<T>(sum);
      if (a.drops) {
        a.drop_factors(factors, head, first + r, begin, n);
        for (std::int64_t j = 0; j < n; ++j) row[j] = row[j] * factors[j];
      }
    }
    gemm(false, false, rows, a.values, seen, T(1), scores, kDistance,
         a.value + (kv * a.columns + begin) * a.values, a.values, T(1), out, a.values);
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    const bool none = sums[r] == T(0);
    scale_row(out + r * a.values, a.values, none ? T(0) : T(1) / sums[r]);
    log_sums[head * a.rows + first + r] = none ? -kMinusInfinity<T> : largest[r] + log_of(sums[r]);
  }
}

template <class T>
void forward(const Attention<T>& a, const KernelContext& context) {
  T *y = data_of<T>(context.outputs[0]), *log_sums = data_of<T>(context.outputs[1]);
  const std::int64_t blocks = blocks_of(a.rows, kRows);
  parallel(a.batch * a.heads * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    const Scratch<T> scores(kRows * kDistance);
    for (std::int64_t unit = begin; unit < end; ++unit)
      forward_rows(a, unit / blocks, unit % blocks * kRows, scores.data(), y, log_sums);
  });
}

// What the gradient reads and writes; null where a gradient is not wanted.
template <class T>
struct Gradients {
  const T *y, *log_sums, *d_y;
  T *d_query, *d_key, *d_value, *d_mask;
};

// One pair of blocks: the dropped weights take the place of the scores, and the gradients of the
// scores that of the gradients of the weights. `dots` are the products of y and its gradient.
template <class T>
CATENA_INLINE void score_gradients(const Attention<T>& a, const Gradients<T>& g, std::int64_t head,
                                   std::int64_t first, std::int64_t rows, std::int64_t begin,
                                   std::int64_t seen, const T* dots, T* scores, T* d_weights) {
  using B = Batch<T>;
  T factors[kColumns];
  for (std::int64_t r = 0; r < rows; ++r) {
    T *row = scores + r * kDistance, *d = d_weights + r * kDistance;
    const std::int64_t n = min_of(seen, a.visible(first + r, begin, seen));
    a.add_mask(row, head, first + r, begin, n);
    if (a.drops) a.drop_factors(factors, head, first + r, begin, n);
    const B shift(g.log_sums[head * a.rows + first + r]), dot(dots[r]);
    for_batches<T>(n, [&](std::int64_t j, std::int64_t lanes) {
      const B p = xsimd::exp(load(row + j, lanes, kMinusInfinity<T>) - shift);
      B dp = load(d + j, lanes), dropped = p;
      if (a.drops) {
        const B f = load(factors + j, lanes);
        dp = dp * f;
        dropped = p * f;
      }
      store(row + j, dropped, lanes);
      store(d + j, p * (dp - dot), lanes);
    });
    for (std::int64_t j = n; j < seen; ++j) row[j] = d[j] = T(0);
    if (!g.d_mask) continue;
    const std::int64_t step = a.mask_stride[a.rank - 1],
                       at = a.mask_row(head, first + r) + begin * step;
    for (std::int64_t j = 0; j < n; ++j) g.d_mask[at + j * step] += d[j];
  }
}

// All heads of the query that read one head of keys and values.
template <class T>
void backward_head(const Attention<T>& a, const Gradients<T>& g, std::int64_t kv, T* scores,
                   T* d_weights) {
  for (std::int64_t head = kv * a.group(); head < (kv + 1) * a.group(); ++head)
    for (std::int64_t first = 0; first < a.rows; first += kRows) {
      const std::int64_t rows = min_of(kRows, a.rows - first), at = head * a.rows + first;
      const T *query = a.query + at * a.features, *d_y = g.d_y + at * a.values;
      T dots[kRows];
      for (std::int64_t r = 0; r < rows; ++r) {
        const T *y = g.y + (at + r) * a.values, *d = d_y + r * a.values;
        dots[r] = static_cast<T>(sum_terms<T>(a.values, [&](std::int64_t j, std::int64_t lanes) {
          return load(y + j, lanes) * load(d + j, lanes);
        }));
      }
      for (std::int64_t begin = 0; begin < a.columns; begin += kColumns) {
        const std::int64_t count = min_of(kColumns, a.columns - begin);
        const std::int64_t seen = a.visible(first + rows - 1, begin, count);
        if (seen == 0) break;
        const std::int64_t from = kv * a.columns + begin;
        const T *key = a.key + from * a.features, *value = a.value + from * a.values;
        gemm(false, true, rows, seen, a.features, a.scale, query, a.features, key, a.features, T(0),
             scores, kDistance);
        gemm(false, true, rows, seen, a.values, T(1), d_y, a.values, value, a.values, T(0),
             d_weights, kDistance);
        score_gradients(a, g, head, first, rows, begin, seen, dots, scores, d_weights);
        if (g.d_value)
          gemm(true, false, seen, a.values, rows, T(1), scores, kDistance, d_y, a.values, T(1),
               g.d_value + from * a.values, a.values);
        if (g.d_query)
          gemm(false, false, rows, a.features, seen, a.scale, d_weights, kDistance, key, a.features,
               T(1), g.d_query + at * a.features, a.features);
        if (g.d_key)
          gemm(true, false, seen, a.features, rows, a.scale, d_weights, kDistance, query,
               a.features, T(1), g.d_key + from * a.features, a.features);
      }
    }
}

// Inputs: the gradient of y (that of the logarithms absent), the op's inputs, then its outputs.
template <class T>
void backward(const Attention<T>& a, const KernelContext& context) {
  const int given = context.num_outputs;
  const TensorView* outputs = context.inputs + 2 + given;
  const auto wanted = [&](int i) {
    if (i >= given || !context.outputs[i].data) return static_cast<T*>(nullptr);
    std::memset(context.outputs[i].data, 0,
                static_cast<std::size_t>(context.outputs[i].numel) * sizeof(T));
    return data_of<T>(context.outputs[i]);
  };
  const Gradients<T> g{data_of<T>(outputs[0]),
                       data_of<T>(outputs[1]),
                       data_of<T>(context.inputs[0]),
                       wanted(0),
                       wanted(1),
                       wanted(2),
                       wanted(3)};
  const std::int64_t heads = a.batch * a.kv_heads;
  // Heads may share entries of the mask, so that only one at a time adds to its gradient.
  parallel(heads, g.d_mask ? max_of<std::int64_t>(1, heads) : 1,
           [&](std::int64_t begin, std::int64_t end) {
             const Scratch<T> scores(kRows * kDistance), d_weights(kRows * kDistance);
             for (std::int64_t kv = begin; kv < end; ++kv)
               backward_head(a, g, kv, scores.data(), d_weights.data());
           });
}

void attention_forward(const void* op, const KernelContext& context) {
  if (context.outputs[1].numel == 0) return;
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Attention<decltype(zero)> a(*static_cast<const op::Attention*>(op), context.inputs,
                                      context.num_inputs);
    forward(a, context);
  });
}
void attention_backward(const void* op, const KernelContext& context) {
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    const Attention<decltype(zero)> a(*static_cast<const op::Attention*>(op), context.inputs + 2,
                                      context.num_outputs);
    backward(a, context);
  });
}

}  // namespace

KernelRow row_Attention() {
  return {.forward = attention_forward, .backward = attention_backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
