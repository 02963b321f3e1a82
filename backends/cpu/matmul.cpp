// Matrix products: every rank is brought to a batch of [m, k] x [k, n] and handed to gemm.
// Transposed views go along as flags; one product does all batches where memory allows it.
#include "catena/ops/matmul.hpp"

#include "catena/backends/cpu/copy.hpp"
#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/product.hpp"
#include "catena/graph/memory.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Smaller products are shared out by batch; larger ones share out their own work.
constexpr double kLargeProduct = 2 * kPanelFlops;
// Operations per range when batches are shared out.
constexpr double kRangeWork = 1e6;

// A batch of matrices: sizes and strides of the leading dimensions of the result, and the matrix.
struct Matrices {
  const void* data;
  int batch_rank;
  std::int64_t batch_stride[kMaxRank];
  std::int64_t rows, cols, row_stride, col_stride;
};

// `x` with the leading dimensions of `y`, which they broadcast to. A vector is one row of a or one
// column of b.
Matrices matrices(const TensorView& x, bool is_a, int batch_rank) {
  const int rank = x.shape.rank();
  const std::int64_t *size = x.shape.data(), *stride = x.strides.data();
  Matrices m{};
  m.data = x.data;
  m.batch_rank = batch_rank;
  if (rank == 1) {
    m.rows = is_a ? 1 : size[0];
    m.cols = is_a ? size[0] : 1;
    m.row_stride = is_a ? size[0] : stride[0];
    m.col_stride = is_a ? stride[0] : 1;
    return m;
  }
  m.rows = size[rank - 2];
  m.cols = size[rank - 1];
  m.row_stride = stride[rank - 2];
  m.col_stride = stride[rank - 1];
  for (int d = 0; d < rank - 2; ++d)
    m.batch_stride[batch_rank - (rank - 2) + d] = size[d] == 1 ? 0 : stride[d];
  return m;
}

// How gemm can read a matrix without a copy.
struct Layout {
  bool readable, transposed;
  std::int64_t leading;
};
CATENA_INLINE Layout layout_of(const Matrices& m) {
  if ((m.cols <= 1 || m.col_stride == 1) && (m.rows <= 1 || m.row_stride >= m.cols))
    return {true, false, m.rows <= 1 ? max_of<std::int64_t>(1, m.cols) : m.row_stride};
  if ((m.rows <= 1 || m.row_stride == 1) && (m.cols <= 1 || m.col_stride >= m.rows))
    return {true, true, m.cols <= 1 ? max_of<std::int64_t>(1, m.rows) : m.col_stride};
  return {false, false, 0};
}

// Memory for a row-major copy of an input whose strides gemm cannot read.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  CATENA_INLINE ~Scratch() {
    if (block_) detail::pool_free(block_, class_);
  }
  CATENA_INLINE TensorView copy(const TensorView& x) {
    TensorView y = x;
    block_ =
        detail::pool_allocate(static_cast<std::size_t>(x.numel * element_bytes(x.dtype)), &class_);
    y.data = block_;
    y.contiguous = true;
    std::int64_t stride = 1;
    for (int d = x.shape.rank() - 1; d >= 0; --d) {
      y.strides[d] = stride;
      stride *= x.shape.data()[d];
    }
    copy_strided(y, x);
    return y;
  }

 private:
  void* block_ = nullptr;
  std::uint8_t class_ = 0;
};

// The distance between rows when the rows of all batches of a lie as those of one matrix do, else
// 0.
CATENA_INLINE std::int64_t row_distance(const Matrices& a, const std::int64_t* batch) {
  if (a.cols > 1 && a.col_stride != 1) return 0;
  std::int64_t distance = -1, rows = 1;
  for (int d = a.batch_rank; d >= 0; --d) {
    const std::int64_t size = d == a.batch_rank ? a.rows : batch[d];
    const std::int64_t stride = d == a.batch_rank ? a.row_stride : a.batch_stride[d];
    if (size == 1) continue;
    if (distance < 0) distance = stride;
    if (stride != distance * rows) return 0;
    rows *= size;
  }
  return distance >= a.cols ? distance : 0;
}

CATENA_INLINE bool is_single(const Matrices& m, const std::int64_t* batch) {
  for (int d = 0; d < m.batch_rank; ++d)
    if (batch[d] != 1 && m.batch_stride[d] != 0) return false;
  return true;
}

CATENA_INLINE std::int64_t batch_offset(const Matrices& m, const std::int64_t* batch,
                                        std::int64_t index) {
  std::int64_t offset = 0;
  for (int d = m.batch_rank - 1; d >= 0; --d) {
    offset += index % batch[d] * m.batch_stride[d];
    index /= batch[d];
  }
  return offset;
}

// y = x1 x2 + beta y
template <class T>
CATENA_INLINE void multiply(const TensorView& x1, const TensorView& x2, const TensorView& y,
                            T beta) {
  T* out = static_cast<T*>(y.data);
  if (x1.numel == 0) {  // no columns: sums of nothing
    if (beta == T(0)) std::memset(out, 0, static_cast<std::size_t>(y.numel) * sizeof(T));
    return;
  }
  const int vectors = (x1.shape.rank() == 1) + (x2.shape.rank() == 1);
  const int batch_rank = y.shape.rank() - (2 - vectors);
  const std::int64_t* batch = y.shape.data();
  Scratch scratch_a, scratch_b;
  Matrices a = matrices(x1, true, batch_rank);
  Matrices b = matrices(x2, false, batch_rank);
  if (!layout_of(a).readable) a = matrices(scratch_a.copy(x1), true, batch_rank);
  if (!layout_of(b).readable) b = matrices(scratch_b.copy(x2), false, batch_rank);
  const Layout la = layout_of(a), lb = layout_of(b);
  const std::int64_t m = a.rows, n = b.cols, k = a.cols;
  std::int64_t count = 1;
  for (int d = 0; d < batch_rank; ++d) count *= batch[d];

  const T* pa = static_cast<const T*>(a.data);
  const T* pb = static_cast<const T*>(b.data);
  if (count > 1 && is_single(b, batch))
    if (const std::int64_t distance = row_distance(a, batch))
      return gemm(false, lb.transposed, m * count, n, k, T(1), pa, distance, pb, lb.leading, beta,
                  out, n);
  const double work =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const auto one = [&](std::int64_t i) {
    gemm(la.transposed, lb.transposed, m, n, k, T(1), pa + batch_offset(a, batch, i), la.leading,
         pb + batch_offset(b, batch, i), lb.leading, beta, out + i * m * n, n);
  };
  if (work >= kLargeProduct) {
    for (std::int64_t i = 0; i < count; ++i) one(i);
    return;
  }
  parallel(count, static_cast<std::int64_t>(kRangeWork / (work + 1000.0)) + 1,
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t i = begin; i < end; ++i) one(i);
           });
}

template <class T>
void linear(const KernelContext& c) {
  const TensorView &y = c.outputs[0], &weight = c.inputs[1];
  TensorView transposed = weight;
  for (int d = 0; d < 2; ++d) {
    transposed.shape[d] = weight.shape.data()[1 - d];
    transposed.strides[d] = weight.strides.data()[1 - d];
  }
  if (c.num_inputs < 3) return multiply<T>(c.inputs[0], transposed, y, T(0));
  // The product is added to rows of the bias: no second pass over the result.
  const TensorView& bias = c.inputs[2];
  const std::int64_t n = bias.numel, stride = bias.strides.data()[0];
  const T* from = static_cast<const T*>(bias.data);
  T* to = static_cast<T*>(y.data);
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
  for (std::int64_t row = 1; row < y.numel / n; ++row)
    std::memcpy(to + row * n, to, static_cast<std::size_t>(n) * sizeof(T));
  multiply<T>(c.inputs[0], transposed, y, T(1));
}

void matmul(const void*, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  if (c.outputs[0].dtype == DType::kFloat64)
    multiply<double>(c.inputs[0], c.inputs[1], c.outputs[0], 0);
  else
    multiply<float>(c.inputs[0], c.inputs[1], c.outputs[0], 0);
}
void linear(const void*, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  if (c.outputs[0].dtype == DType::kFloat64)
    linear<double>(c);
  else
    linear<float>(c);
}

}  // namespace

KernelRow row_Matmul() {
  return {.forward = matmul, .dtypes = kFloatTypes, .strided_inputs = true};
}
KernelRow row_Linear() {
  return {.forward = linear, .dtypes = kFloatTypes, .strided_inputs = true};
}

}  // namespace catena::cpu::CATENA_ISA
