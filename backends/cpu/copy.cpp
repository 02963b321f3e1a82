#include "catena/backends/cpu/copy.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <emmintrin.h>
#include <xmmintrin.h>

#include "catena/backends/cpu/parallel.hpp"

namespace catena::cpu {
namespace {

// Bytes from which a copy is shared between threads, and about what one range holds.
constexpr std::int64_t kRangeBytes = 256 * 1024;
// Side of the square block in which rows of one side meet columns of the other.
constexpr std::int64_t kBlock = 32;

// One dimension of the copy, strides in elements.
struct Dim {
  std::int64_t size, dst, src;
};

// The copy with size-1 dimensions dropped, the dimension of the smallest destination stride last,
// and neighbours merged where both sides allow it.
struct Plan {
  Dim dims[kMaxRank];
  int rank = 0;
};

Plan make_plan(const TensorView& dst, const TensorView& src) {
  Plan p;
  for (int i = 0; i < dst.shape.rank(); ++i)
    if (dst.shape[i] != 1) p.dims[p.rank++] = {dst.shape[i], dst.strides[i], src.strides[i]};
  std::stable_sort(p.dims, p.dims + p.rank,
                   [](const Dim& a, const Dim& b) { return std::abs(a.dst) > std::abs(b.dst); });
  int kept = 0;
  for (int i = 0; i < p.rank; ++i) {
    const Dim& d = p.dims[i];
    if (kept > 0) {
      Dim& outer = p.dims[kept - 1];
      if (outer.dst == d.dst * d.size && outer.src == d.src * d.size) {
        outer = {outer.size * d.size, d.dst, d.src};
        continue;
      }
    }
    p.dims[kept++] = d;
  }
  p.rank = kept;
  return p;
}

// Where combination number `n` of the first `count` dimensions starts, in elements.
std::pair<std::int64_t, std::int64_t> start_of(const Dim* dims, int count, std::int64_t n) {
  std::int64_t dst = 0, src = 0;
  for (int i = count - 1; i >= 0; --i) {
    const std::int64_t index = n % dims[i].size;
    n /= dims[i].size;
    dst += index * dims[i].dst;
    src += index * dims[i].src;
  }
  return {dst, src};
}

template <class T>
void copy_line(T* dst, const T* src, const Dim& d) {
  if (d.dst == 1 && d.src == 1) {
    std::memcpy(dst, src, static_cast<std::size_t>(d.size) * sizeof(T));
  } else if (d.dst == 1 && d.src == 0) {
    std::fill_n(dst, d.size, *src);
  } else if (d.dst == 1) {
    for (std::int64_t i = 0; i < d.size; ++i) dst[i] = src[i * d.src];
  } else {
    for (std::int64_t i = 0; i < d.size; ++i) dst[i * d.dst] = src[i * d.src];
  }
}

template <class T>
void transpose_block(T* dst, std::int64_t dst_row, const T* src, std::int64_t src_col,
                     std::int64_t rows, std::int64_t cols) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c) dst[r * dst_row + c] = src[c * src_col + r];
}
// Four by four at a time in registers.
void transpose_block(std::uint32_t* dst, std::int64_t dst_row, const std::uint32_t* src,
                     std::int64_t src_col, std::int64_t rows, std::int64_t cols) {
  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    std::int64_t c = 0;
    for (; c + 4 <= cols; c += 4) {
      const auto* in = reinterpret_cast<const float*>(src + c * src_col + r);
      auto* out = reinterpret_cast<float*>(dst + r * dst_row + c);
      __m128 a = _mm_loadu_ps(in), b = _mm_loadu_ps(in + src_col),
             d = _mm_loadu_ps(in + 2 * src_col), e = _mm_loadu_ps(in + 3 * src_col);
      _MM_TRANSPOSE4_PS(a, b, d, e);
      _mm_storeu_ps(out, a);
      _mm_storeu_ps(out + dst_row, b);
      _mm_storeu_ps(out + 2 * dst_row, d);
      _mm_storeu_ps(out + 3 * dst_row, e);
    }
    for (; c < cols; ++c)
      for (std::int64_t k = r; k < r + 4; ++k) dst[k * dst_row + c] = src[c * src_col + k];
  }
  for (; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c) dst[r * dst_row + c] = src[c * src_col + r];
}

// `row` runs evenly in the source (its stride there is 1), `col` in the destination.
template <class T>
void transpose_plane(T* dst, const T* src, const Dim& row, const Dim& col, std::int64_t first_row,
                     std::int64_t last_row) {
  for (std::int64_t c = 0; c < col.size; c += kBlock)
    for (std::int64_t r = first_row; r < last_row; r += kBlock)
      transpose_block(dst + r * row.dst + c, row.dst, src + c * col.src + r, col.src,
                      std::min(kBlock, last_row - r), std::min(kBlock, col.size - c));
}

template <class T>
struct Job {
  Plan plan;
  T* dst;
  const T* src;
  std::int64_t unit;  // contiguous copy: elements; transpose: rows of blocks per plane
  int row = -1;       // the dimension that runs evenly in the source, when it is not the last
};

template <class T>
void copy_typed(const TensorView& dst_view, const TensorView& src_view) {
  Job<T> job{make_plan(dst_view, src_view), static_cast<T*>(dst_view.data),
             static_cast<const T*>(src_view.data), 0};
  Plan& p = job.plan;
  if (p.rank == 0) {
    *job.dst = *job.src;
    return;
  }
  const Dim& last = p.dims[p.rank - 1];
  if (p.rank == 1) {
    const std::int64_t grain =
        std::max<std::int64_t>(1, kRangeBytes / static_cast<std::int64_t>(sizeof(T)));
    parallel_for(
        last.size, grain,
        [](void* context, std::int64_t begin, std::int64_t end) {
          const auto& j = *static_cast<const Job<T>*>(context);
          const Dim& d = j.plan.dims[0];
          copy_line(j.dst + begin * d.dst, j.src + begin * d.src, {end - begin, d.dst, d.src});
        },
        &job);
    return;
  }

  if (last.dst == 1 && last.src != 1 && last.size > 1)
    for (int i = p.rank - 2; i >= 0 && job.row < 0; --i)
      if (p.dims[i].src == 1) job.row = i;
  if (job.row >= 0) {
    // Moves that dimension next to the last, then shares out strips of kBlock rows of all planes.
    std::rotate(p.dims + job.row, p.dims + job.row + 1, p.dims + p.rank - 1);
    const Dim& row = p.dims[p.rank - 2];
    job.unit = (row.size + kBlock - 1) / kBlock;
    std::int64_t planes = 1;
    for (int i = 0; i < p.rank - 2; ++i) planes *= p.dims[i].size;
    const std::int64_t strip_bytes = kBlock * last.size * static_cast<std::int64_t>(sizeof(T));
    parallel_for(
        planes * job.unit, std::max<std::int64_t>(1, kRangeBytes / strip_bytes),
        [](void* context, std::int64_t begin, std::int64_t end) {
          const auto& j = *static_cast<const Job<T>*>(context);
          const int rank = j.plan.rank;
          const Dim &r = j.plan.dims[rank - 2], &c = j.plan.dims[rank - 1];
          while (begin < end) {
            // As many strips of one plane as the range holds.
            const std::int64_t plane = begin / j.unit, strip = begin % j.unit;
            const std::int64_t strips = std::min(end - begin, j.unit - strip);
            const auto [dst, src] = start_of(j.plan.dims, rank - 2, plane);
            transpose_plane(j.dst + dst, j.src + src, r, c, strip * kBlock,
                            std::min(r.size, (strip + strips) * kBlock));
            begin += strips;
          }
        },
        &job);
    return;
  }

  std::int64_t lines = 1;
  for (int i = 0; i < p.rank - 1; ++i) lines *= p.dims[i].size;
  const std::int64_t line_bytes = last.size * static_cast<std::int64_t>(sizeof(T));
  parallel_for(
      lines, std::max<std::int64_t>(1, kRangeBytes / line_bytes),
      [](void* context, std::int64_t begin, std::int64_t end) {
        const auto& j = *static_cast<const Job<T>*>(context);
        const int outer = j.plan.rank - 1;
        const Dim& line = j.plan.dims[outer];
        const Dim& next = j.plan.dims[outer - 1];
        while (begin < end) {
          // As many lines along the last but one dimension as the range holds.
          const std::int64_t index = begin % next.size;
          const std::int64_t count = std::min(end - begin, next.size - index);
          auto [dst, src] = start_of(j.plan.dims, outer, begin);
          for (std::int64_t k = 0; k < count; ++k, dst += next.dst, src += next.src)
            copy_line(j.dst + dst, j.src + src, line);
          begin += count;
        }
      },
      &job);
}

}  // namespace

void copy_strided(const TensorView& dst, const TensorView& src) {
  if (dst.numel == 0) return;
  switch (size_of(dst.dtype)) {
    case 1:
      return copy_typed<std::uint8_t>(dst, src);
    case 2:
      return copy_typed<std::uint16_t>(dst, src);
    case 4:
      return copy_typed<std::uint32_t>(dst, src);
    default:
      return copy_typed<std::uint64_t>(dst, src);
  }
}

}  // namespace catena::cpu
