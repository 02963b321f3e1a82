// Matrix products: register tiles over operands packed for the caches; built once per instruction
// set. See gemm.hpp for what it promises.
#include "catena/backends/cpu/gemm.hpp"

#include <emmintrin.h>

#include "catena/backends/cpu/kernel.hpp"
#include "catena/graph/memory.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

using Index = std::int64_t;

// A tile of C is kRows x (2 vectors): all accumulators, two vectors of B and an element of A fit
// into the registers.
#if defined(CATENA_ISA_avx512)
constexpr int kRows = 14;
#elif defined(CATENA_ISA_avx2)
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif
constexpr int kVectors = 2;
template <class T>
constexpr Index kColumns = kVectors* Index{Batch<T>::size};

constexpr Index kDepth = kGemmDepth;
// Columns of B packed at once: with kDepth rows of them about half of a 1 MiB second-level cache.
constexpr Index kPanelColumns = 512;
// Below these sizes of the other operand a packed copy is not used often enough to pay.
constexpr Index kPackBRows = 2 * kRows;
// Up to here A B^T is computed as (B A^T)^T, so that the small operand is the one to transpose.
constexpr Index kSwapRows = 48;
// Rows of A in work at once, for the same cache.
constexpr Index kPanelRows = 40 * kRows;
// Up to here A B^T is computed with dot products.
constexpr Index kDotRows = 4;

// x * y + z, rounded once where the machine can; xsimd 8 splits it in two for AVX-512.
template <class T>
CATENA_INLINE Batch<T> fused(const Batch<T>& x, const Batch<T>& y, const Batch<T>& z) {
#if defined(CATENA_ISA_avx512)
  if constexpr (sizeof(T) == 4)
    return Batch<T>(_mm512_fmadd_ps(x, y, z));
  else
    return Batch<T>(_mm512_fmadd_pd(x, y, z));
#else
  return xsimd::fma(x, y, z);
#endif
}

// An operand seen with any strides: element (i, p) at data[i * row + p * column].
template <class T>
struct Operand {
  const T* data;
  Index row, column;
};

// Where a tile goes. With `column` != 1 the tile is stored transposed.
template <class T>
struct Target {
  T* data;
  Index row, column;
  T alpha, beta;
  CATENA_INLINE T* at(Index i, Index j) const { return data + i * row + j * column; }
};

// One tile: `R` rows and `V` vectors, of which the first `columns` columns are stored. b holds
// whole vectors, `b_row` apart.
template <class T, int R, int V>
[[gnu::noinline]] void tile(Index depth, const T* a, Index a_row, Index a_column, const T* b,
                            Index b_row, const Target<T>& c, Index columns) {
  constexpr Index kLanes = Batch<T>::size;
  Batch<T> sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = Batch<T>(T(0));
  // Three rows are reached from one pointer with the scaled addresses the machine has.
  const T* base[(R + 2) / 3];
#pragma GCC unroll 8
  for (int g = 0; g < (R + 2) / 3; ++g) base[g] = a + 3 * g * a_row;
  for (Index p = 0; p < depth; ++p) {
    Batch<T> right[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) right[v] = Batch<T>::load_unaligned(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Batch<T> left(base[r / 3][(r % 3) * a_row]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[r][v] = fused(left, right[v], sum[r][v]);
    }
    b += b_row;
#pragma GCC unroll 8
    for (int g = 0; g < (R + 2) / 3; ++g) base[g] += a_column;
  }

  const Batch<T> alpha(c.alpha), beta(c.beta);
  const bool whole = columns == V * kLanes;
  if (c.column == 1 && (whole || columns > (V - 1) * kLanes)) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        T* out = c.data + r * c.row + v * kLanes;
        const Index count = columns - v * kLanes;
        Batch<T> y = alpha * sum[r][v];
        if (whole || v + 1 < V) {
          if (c.beta != 0) y = y + beta * Batch<T>::load_unaligned(out);
          y.store_unaligned(out);
        } else {
          if (c.beta != 0) y = y + beta * load_partial(out, count);
          store_partial(out, y, count);
        }
      }
    return;
  }
  alignas(64) T buffer[R][V * kLanes];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) (alpha * sum[r][v]).store_aligned(buffer[r] + v * kLanes);
  for (Index j = 0; j < columns; ++j)
    for (int r = 0; r < R; ++r) {
      T* out = c.at(r, j);
      *out = c.beta == 0 ? buffer[r][j] : buffer[r][j] + c.beta * *out;
    }
}

template <class T, int R>
CATENA_INLINE void tile_of(Index depth, const T* a, Index a_row, Index a_column, const T* b,
                           Index b_row, const Target<T>& c, Index columns) {
  if (columns > Index{Batch<T>::size})
    tile<T, R, 2>(depth, a, a_row, a_column, b, b_row, c, columns);
  else
    tile<T, R, 1>(depth, a, a_row, a_column, b, b_row, c, columns);
}

// How many rows the next tile takes when `left` are left.
CATENA_INLINE int next_rows(Index left) {
  if (left >= kRows) return kRows;
  if (kRows > 8 && left >= 8) return 8;
  return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

template <class T>
CATENA_INLINE void any_tile(int rows, Index depth, const T* a, Index a_row, Index a_column,
                            const T* b, Index b_row, const Target<T>& c, Index columns) {
  switch (rows) {
    case kRows:
      return tile_of<T, kRows>(depth, a, a_row, a_column, b, b_row, c, columns);
#if defined(CATENA_ISA_avx512)
    case 8:
      return tile_of<T, 8>(depth, a, a_row, a_column, b, b_row, c, columns);
#endif
#if !defined(CATENA_ISA_baseline)
    case 4:
      return tile_of<T, 4>(depth, a, a_row, a_column, b, b_row, c, columns);
#endif
    case 2:
      return tile_of<T, 2>(depth, a, a_row, a_column, b, b_row, c, columns);
    default:
      return tile_of<T, 1>(depth, a, a_row, a_column, b, b_row, c, columns);
  }
}

// --- Packing -------------------------------------------------------------------------------------

// dst[q * dst_row + i] = src[i * src_row + q] for i, q < 4.
CATENA_INLINE void transpose4(const float* src, Index src_row, float* dst, Index dst_row) {
  __m128 r0 = _mm_loadu_ps(src), r1 = _mm_loadu_ps(src + src_row);
  __m128 r2 = _mm_loadu_ps(src + 2 * src_row), r3 = _mm_loadu_ps(src + 3 * src_row);
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  _mm_storeu_ps(dst, r0);
  _mm_storeu_ps(dst + dst_row, r1);
  _mm_storeu_ps(dst + 2 * dst_row, r2);
  _mm_storeu_ps(dst + 3 * dst_row, r3);
}
CATENA_INLINE void transpose4(const double* src, Index src_row, double* dst, Index dst_row) {
  for (Index i = 0; i < 4; i += 2)
    for (Index q = 0; q < 4; q += 2) {
      const __m128d r0 = _mm_loadu_pd(src + i * src_row + q);
      const __m128d r1 = _mm_loadu_pd(src + (i + 1) * src_row + q);
      _mm_storeu_pd(dst + q * dst_row + i, _mm_unpacklo_pd(r0, r1));
      _mm_storeu_pd(dst + (q + 1) * dst_row + i, _mm_unpackhi_pd(r0, r1));
    }
}

// dst[p * width + j] = x(j, p) for j < count, zero up to width; x has `strides` of its own.
template <class T>
void pack_strip(const Operand<T>& x, Index count, Index depth, T* dst, Index width) {
  constexpr Index kLanes = Batch<T>::size;
  if (x.row == 1 && count == width && width % kLanes == 0) {
    for (Index p = 0; p < depth; ++p)
      for (Index j = 0; j < width; j += kLanes)
        Batch<T>::load_unaligned(x.data + p * x.column + j).store_unaligned(dst + p * width + j);
  } else if (x.row == 1) {
    for (Index p = 0; p < depth; ++p) {
      const T* from = x.data + p * x.column;
      T* to = dst + p * width;
      for (Index j = 0; j < count; ++j) to[j] = from[j];
    }
  } else {
    Index j = 0;
    for (; x.column == 1 && j + 4 <= count; j += 4) {
      Index p = 0;
      for (; p + 4 <= depth; p += 4)
        transpose4(x.data + j * x.row + p, x.row, dst + p * width + j, width);
      for (; p < depth; ++p)
        for (Index i = j; i < j + 4; ++i) dst[p * width + i] = x.data[i * x.row + p];
    }
    for (; j < count; ++j)
      for (Index p = 0; p < depth; ++p) dst[p * width + j] = x.data[j * x.row + p * x.column];
  }
  for (Index p = 0; p < depth && count < width; ++p)
    for (Index j = count; j < width; ++j) dst[p * width + j] = T(0);
}

// Memory for packed operands: a little on the stack, more from the pool.
template <class T>
class Workspace {
 public:
  CATENA_INLINE explicit Workspace(Index elements) {
    const std::size_t bytes = static_cast<std::size_t>(elements) * sizeof(T);
    if (bytes <= sizeof stack_) {
      data_ = reinterpret_cast<T*>(stack_);
    } else {
      block_ = detail::pool_allocate(bytes, &size_class_);
      data_ = static_cast<T*>(block_);
    }
  }
  CATENA_INLINE ~Workspace() {
    if (block_) detail::pool_free(block_, size_class_);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  CATENA_INLINE T* data() const { return data_; }

 private:
  alignas(64) std::byte stack_[16384];
  T* data_;
  void* block_ = nullptr;
  std::uint8_t size_class_ = 0;
};

CATENA_INLINE Index least(Index a, Index b) { return b < a ? b : a; }
CATENA_INLINE Index round_up(Index n, Index to) { return (n + to - 1) / to * to; }

// Rows of A a power of two apart fall into the same few lines of the cache.
template <class T>
CATENA_INLINE bool strides_collide(Index stride) {
  return stride * Index{sizeof(T)} % 512 == 0;
}

// --- The product ---------------------------------------------------------------------------------

// Rows of tiles over one strip of B: `columns` columns, depth rows `right_row` apart.
template <class T>
CATENA_INLINE void tiles(Index m, Index depth, const Operand<T>& a, const T* packed_a,
                         const T* right, Index right_row, const Target<T>& c, Index columns) {
  for (Index i = 0; i < m;) {
    const int rows = next_rows(m - i);
    Target<T> here = c;
    here.data = c.at(i, 0);
    if (packed_a)
      any_tile<T>(rows, depth, packed_a + i * depth, 1, rows, right, right_row, here, columns);
    else
      any_tile<T>(rows, depth, a.data + i * a.row, a.row, a.column, right, right_row, here,
                  columns);
    i += rows;
  }
}

// C = alpha A B + beta C with A(i, p), and B(p, j) given as b(j, p): b.row is the step along j.
template <class T>
void product(Index m, Index n, Index k, const Operand<T>& a, const Operand<T>& b,
             const Target<T>& c) {
  constexpr Index kLanes = Batch<T>::size, kWidth = kColumns<T>;
  const bool pack_b = m > kPackBRows || b.row != 1;
  const bool pack_a =
      n > 2 * kWidth && m > 1 &&
      (a.row == 1 ? strides_collide<T>(a.column) || m > 4 * kRows : strides_collide<T>(a.row));
  const Index depth_of = least(k, kDepth);
  const Index width_of = pack_b ? least(round_up(n, kLanes), kPanelColumns) : kWidth;
  Workspace<T> space_b(pack_b || n % kWidth ? depth_of * width_of : 0);
  Workspace<T> space_a(pack_a ? depth_of * least(m, kPanelRows) : 0);
  for (Index p = 0; p < k; p += kDepth) {
    const Index depth = least(kDepth, k - p);
    for (Index j0 = 0; j0 < n; j0 += kPanelColumns) {
      const Index j1 = least(n, j0 + kPanelColumns);
      // A strip is two vectors wide, the last one perhaps one.
      auto width_at = [&](Index j) { return n - j > kLanes ? kWidth : kLanes; };
      auto pack = [&](Index j, T* dst) {
        pack_strip(Operand<T>{b.data + j * b.row + p * b.column, b.row, b.column},
                   least(kWidth, n - j), depth, dst, width_at(j));
      };
      if (pack_b)
        for (Index j = j0; j < j1; j += kWidth) pack(j, space_b.data() + (j - j0) * depth);
      for (Index i0 = 0; i0 < m; i0 += kPanelRows) {
        const Index rows_here = least(kPanelRows, m - i0);
        const Operand<T> left{a.data + i0 * a.row + p * a.column, a.row, a.column};
        if (pack_a)
          for (Index i = 0; i < rows_here;) {
            const int rows = next_rows(rows_here - i);
            pack_strip(Operand<T>{left.data + i * left.row, left.row, left.column}, rows, depth,
                       space_a.data() + i * depth, rows);
            i += rows;
          }
        for (Index j = j0; j < j1; j += kWidth) {
          const Index columns = least(kWidth, n - j);
          Target<T> target = c;
          target.data = c.at(i0, j);
          if (p > 0) target.beta = T(1);
          const T* right = b.data + j * b.row + p * b.column;
          Index right_row = b.column;
          if (pack_b) {
            right = space_b.data() + (j - j0) * depth;
            right_row = width_at(j);
          } else if (columns % kLanes != 0) {
            pack(j, space_b.data());
            right = space_b.data();
            right_row = width_at(j);
          }
          tiles(rows_here, depth, left, pack_a ? space_a.data() : nullptr, right, right_row, target,
                columns);
        }
      }
    }
  }
}

// --- A vector on the left
// --------------------------------------------------------------------------

// c[i * ldc + j * step] = alpha sum_p x[i * ldx + p] b[j * ldb + p] + beta c for X rows of x and R
// rows of b at once.
template <class T, int X, int R>
void dots(Index k, const T* x, Index ldx, const T* b, Index ldb, T alpha, T beta, T* c, Index ldc,
          Index step) {
  constexpr Index kLanes = Batch<T>::size;
  Batch<T> sum[X][R];
#pragma GCC unroll 8
  for (int i = 0; i < X; ++i)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[i][r] = Batch<T>(T(0));
  Index p = 0;
  for (; p + kLanes <= k; p += kLanes) {
    Batch<T> left[X];
#pragma GCC unroll 8
    for (int i = 0; i < X; ++i) left[i] = Batch<T>::load_unaligned(x + i * ldx + p);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Batch<T> right = Batch<T>::load_unaligned(b + r * ldb + p);
#pragma GCC unroll 8
      for (int i = 0; i < X; ++i) sum[i][r] = fused(left[i], right, sum[i][r]);
    }
  }
  if (p < k) {
    Batch<T> left[X];
#pragma GCC unroll 8
    for (int i = 0; i < X; ++i) left[i] = load_partial(x + i * ldx + p, k - p);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Batch<T> right = load_partial(b + r * ldb + p, k - p);
#pragma GCC unroll 8
      for (int i = 0; i < X; ++i) sum[i][r] = fused(left[i], right, sum[i][r]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < X; ++i)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const T y = alpha * xsimd::hadd(sum[i][r]);
      T* out = c + i * ldc + r * step;
      *out = beta == 0 ? y : y + beta * *out;
    }
}

// C = alpha x b^T + beta C with m rows of x and n of b, both in one piece along k.
template <class T>
void rows_times_rows(Index m, Index n, Index k, const T* x, Index ldx, const T* b, Index ldb,
                     T alpha, T beta, T* c, Index ldc, Index step) {
  // Two rows of x and four of b fit into the registers of every instruction set.
  Index i = 0;
  for (; i + 2 <= m; i += 2) {
    const T* xi = x + i * ldx;
    T* ci = c + i * ldc;
    Index j = 0;
    for (; j + 4 <= n; j += 4)
      dots<T, 2, 4>(k, xi, ldx, b + j * ldb, ldb, alpha, beta, ci + j * step, ldc, step);
    for (; j < n; ++j)
      dots<T, 2, 1>(k, xi, ldx, b + j * ldb, ldb, alpha, beta, ci + j * step, ldc, step);
  }
  if (i == m) return;
  const T* xi = x + i * ldx;
  T* ci = c + i * ldc;
  Index j = 0;
  for (; j + 8 <= n; j += 8)
    dots<T, 1, 8>(k, xi, ldx, b + j * ldb, ldb, alpha, beta, ci + j * step, ldc, step);
  for (; j < n; ++j)
    dots<T, 1, 1>(k, xi, ldx, b + j * ldb, ldb, alpha, beta, ci + j * step, ldc, step);
}

// y[j] = sum_p x[p] b[p * ldb + j] for one strip of columns after the other, so wide that the sums
// stay in registers and every line of b is read whole.
template <class T>
void vector_times(Index n, Index k, const T* x, Index x_step, const T* b, Index ldb, T alpha,
                  T beta, T* out) {
  constexpr Index kLanes = Batch<T>::size;
  constexpr int kWide = 8;
  const Batch<T> a(alpha), old(beta);
  auto finish = [&](T* y, const Batch<T>& sum, Index count) {
    Batch<T> v = a * sum;
    if (count >= kLanes) {
      if (beta != 0) v = v + old * Batch<T>::load_unaligned(y);
      v.store_unaligned(y);
    } else {
      if (beta != 0) v = v + old * load_partial(y, count);
      store_partial(y, v, count);
    }
  };
  Index j = 0;
  for (; j + kWide * kLanes <= n; j += kWide * kLanes) {
    Batch<T> sum[kWide];
#pragma GCC unroll 8
    for (int v = 0; v < kWide; ++v) sum[v] = Batch<T>(T(0));
    for (Index p = 0; p < k; ++p) {
      const Batch<T> left(x[p * x_step]);
      const T* row = b + p * ldb + j;
#pragma GCC unroll 8
      for (int v = 0; v < kWide; ++v)
        sum[v] = fused(left, Batch<T>::load_unaligned(row + v * kLanes), sum[v]);
    }
#pragma GCC unroll 8
    for (int v = 0; v < kWide; ++v) finish(out + j + v * kLanes, sum[v], kLanes);
  }
  for (; j < n; j += kLanes) {
    const Index count = least(kLanes, n - j);
    Batch<T> sum(T(0));
    if (count == kLanes)
      for (Index p = 0; p < k; ++p)
        sum = fused(Batch<T>(x[p * x_step]), Batch<T>::load_unaligned(b + p * ldb + j), sum);
    else
      for (Index p = 0; p < k; ++p)
        sum = fused(Batch<T>(x[p * x_step]), load_partial(b + p * ldb + j, count), sum);
    finish(out + j, sum, count);
  }
}

template <class T>
void gemm(bool ta, bool tb, Index m, Index n, Index k, T alpha, const T* a, Index lda, const T* b,
          Index ldb, T beta, T* c, Index ldc) {
  const Operand<T> left = ta ? Operand<T>{a, 1, lda} : Operand<T>{a, lda, 1};
  const Operand<T> right = tb ? Operand<T>{b, ldb, 1} : Operand<T>{b, 1, ldb};
  if (m <= kDotRows && tb && !ta)
    return rows_times_rows(m, n, k, a, lda, b, ldb, alpha, beta, c, ldc, Index{1});
  // A matrix times a column that lies in one piece: the same with the roles exchanged.
  if (n == 1 && !ta && right.column == 1)
    return rows_times_rows(n, m, k, b, ldb, a, lda, alpha, beta, c, Index{1}, ldc);
  if (m == 1 && !tb) return vector_times(n, k, a, left.column, b, ldb, alpha, beta, c);
  if (tb && !ta && m <= kSwapRows && n > m)
    return product<T>(n, m, k, right, left, Target<T>{c, 1, ldc, alpha, beta});
  product<T>(m, n, k, left, right, Target<T>{c, ldc, 1, alpha, beta});
}

}  // namespace

void fill_gemm(GemmTable* table) {
  table->f32 = gemm<float>;
  table->f64 = gemm<double>;
}

}  // namespace catena::cpu::CATENA_ISA
