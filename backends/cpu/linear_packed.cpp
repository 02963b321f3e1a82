// The product with a packed weight: tiles of some rows of x and 48 columns of the result stay in
// registers while the sum over k runs, so that each line of the weight is read once per tile.
#include "catena/ops/linear_packed.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Operations per range of panels.
constexpr double kRangeFlops = 6e6;

// Columns and rows of a tile, such that its sums and what is read for them fill the registers.
#if defined(CATENA_ISA_avx512)
constexpr int kSums = 24;
#else
constexpr int kSums = 12;
#endif
template <class T>
constexpr int kPanelBatches = kPackedRows / static_cast<int>(Batch<T>::size);
template <class T>
constexpr int kTileBatches = kPanelBatches<T> < kSums ? kPanelBatches<T> : kSums;
template <class T>
constexpr int kTileRows = kSums / kTileBatches<T>;

// y[r, j] = bias[j] + sum_i x[r, i] w[i, j] for Rows rows and kTileBatches batches of columns, of
// which `columns` columns are there. Lines of w are kPackedRows apart.
template <class T, int Rows>
CATENA_INLINE void tile(const T* x, std::int64_t k, const T* w, const T* bias, T* y, std::int64_t n,
                        std::int64_t columns) {
  using B = Batch<T>;
  constexpr int size = static_cast<int>(B::size), count = kTileBatches<T>;
  B sum[Rows][count];
  for (int b = 0; b < count; ++b) {
    const std::int64_t left = columns - b * size;
    const B start = !bias || left <= 0 ? B(T(0))
                    : left >= size     ? B::load_unaligned(bias + b * size)
                                       : load_partial(bias + b * size, left);
    for (int r = 0; r < Rows; ++r) sum[r][b] = start;
  }
  for (std::int64_t i = 0; i < k; ++i) {
    B line[count];
    for (int b = 0; b < count; ++b) line[b] = B::load_unaligned(w + i * kPackedRows + b * size);
    for (int r = 0; r < Rows; ++r) {
      const B factor(x[r * k + i]);
      for (int b = 0; b < count; ++b) sum[r][b] = xsimd::fma(factor, line[b], sum[r][b]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < count; ++b) {
      const std::int64_t left = columns - b * size;
      if (left >= size)
        sum[r][b].store_unaligned(y + r * n + b * size);
      else if (left > 0)
        store_partial(y + r * n + b * size, sum[r][b], left);
    }
}

// The rows that are left over when tiles of `Rows` are done.
template <class T, int Rows>
CATENA_INLINE void rest(std::int64_t rows, const T* x, std::int64_t k, const T* w, const T* bias,
                        T* y, std::int64_t n, std::int64_t columns) {
  if constexpr (Rows > 0) {
    if (rows == Rows) return tile<T, Rows>(x, k, w, bias, y, n, columns);
    rest<T, Rows - 1>(rows, x, k, w, bias, y, n, columns);
  }
}

template <class T>
void multiply(const KernelContext& c) {
  const T* x = static_cast<const T*>(c.inputs[0].data);
  const T* packed = static_cast<const T*>(c.inputs[1].data);
  const T* bias = c.num_inputs > 2 ? static_cast<const T*>(c.inputs[2].data) : nullptr;
  T* y = static_cast<T*>(c.outputs[0].data);
  const std::int64_t panels = c.inputs[1].shape.data()[0], k = c.inputs[1].shape.data()[1];
  const std::int64_t n = c.outputs[0].shape.data()[c.outputs[0].shape.rank() - 1];
  const std::int64_t rows = c.outputs[0].numel / n;
  constexpr int tile_rows = kTileRows<T>;
  constexpr std::int64_t tile_columns = kTileBatches<T> * static_cast<int>(Batch<T>::size);
  const double flops = 2.0 * static_cast<double>(rows) * static_cast<double>(k * kPackedRows);
  parallel(panels, static_cast<std::int64_t>(kRangeFlops / (flops + 1)) + 1,
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t p = begin; p < end; ++p)
               for (std::int64_t at = 0; at < kPackedRows; at += tile_columns) {
                 const std::int64_t j = p * kPackedRows + at;
                 if (j >= n) break;
                 const T* w = packed + p * k * kPackedRows + at;
                 const T* b = bias ? bias + j : nullptr;
                 std::int64_t r = 0;
                 for (; r + tile_rows <= rows; r += tile_rows)
                   tile<T, tile_rows>(x + r * k, k, w, b, y + r * n + j, n, n - j);
                 rest<T, tile_rows - 1>(rows - r, x + r * k, k, w, b, y + r * n + j, n, n - j);
               }
           });
}

void linear_packed(const void*, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  visit_float(c.outputs[0].dtype, [&](auto zero) { multiply<decltype(zero)>(c); });
}

}  // namespace

KernelRow row_LinearPacked() { return {.forward = linear_packed, .dtypes = kFloatTypes}; }

}  // namespace catena::cpu::CATENA_ISA
