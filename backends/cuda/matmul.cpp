// Matrix products through cuBLAS. Our matrices are row-major, cuBLAS reads column-major: C = A B is
// asked for as C^T = B^T A^T, which needs no copy. float32 products are full float32, no TF32.
#include "catena/ops/matmul.hpp"

#include <cublas_v2.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "catena/backends/cuda/nest.hpp"
#include "catena/backends/cuda/row.hpp"
#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {
namespace {

void check_blas(cublasStatus_t status, const char* call, const char* file, int line) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail(ErrorKind::kSystem, "[cuda] %s failed: %s (at %s:%d)", call, cublasGetStatusString(status),
         file, line);
}
#define CATENA_BLAS(call) check_blas((call), #call, __FILE__, __LINE__)

// One handle per device, used by one thread at a time. The workspace is ours and fixed: with one
// stream and one workspace cuBLAS gives the same bits every time.
struct Blas {
  static constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
  std::mutex mutex;
  cublasHandle_t handle = nullptr;

  explicit Blas(cudaStream_t stream) {
    CATENA_BLAS(cublasCreate(&handle));
    CATENA_BLAS(cublasSetStream(handle, stream));
    void* workspace = nullptr;
    CATENA_CUDA(cudaMalloc(&workspace, kWorkspaceBytes));
    // After cublasSetStream, which goes back to the pool of cuBLAS itself.
    CATENA_BLAS(cublasSetWorkspace(handle, workspace, kWorkspaceBytes));
    CATENA_BLAS(cublasSetMathMode(handle, CUBLAS_DEFAULT_MATH));
  }
};

Blas& blas(int device, cudaStream_t stream) {
  static std::mutex mutex;
  // Never destroyed: the driver may be gone when static objects are.
  static auto& handles = *new std::map<int, std::unique_ptr<Blas>>;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Blas>& entry = handles[device];
  if (!entry) entry = std::make_unique<Blas>(stream);
  return *entry;
}

// One factor: batches of [rows, cols] matrices, as cuBLAS can read them after prepare().
struct Factor {
  TensorView view;  // of the whole operand, its last two dimensions the matrix
  std::int64_t rows, cols;
  std::int64_t leading = 0;
  bool transposed = false;
  std::unique_ptr<Scratch> copy;

  // A vector is one row (left) or one column (right).
  Factor(const TensorView& v, bool left) : view(v) {
    if (view.shape.rank() == 1) {
      view.shape.insert(left ? 0 : 1, 1);
      view.strides.insert(left ? 0 : 1, 0);
    }
    rows = view.size(-2);
    cols = view.size(-1);
  }
  std::int64_t row_stride() const { return view.strides[view.rank() - 2]; }
  std::int64_t col_stride() const { return view.strides[view.rank() - 1]; }
  int batch_rank() const { return view.rank() - 2; }

  bool readable() {
    if ((col_stride() == 1 || cols <= 1) &&
        (rows <= 1 || row_stride() >= std::max<std::int64_t>(1, cols))) {
      transposed = false;
      leading = rows <= 1 ? std::max<std::int64_t>(1, cols) : row_stride();
      return true;
    }
    if ((row_stride() == 1 || rows <= 1) &&
        (cols <= 1 || col_stride() >= std::max<std::int64_t>(1, rows))) {
      transposed = true;
      leading = cols <= 1 ? std::max<std::int64_t>(1, rows) : col_stride();
      return true;
    }
    return false;
  }

  // A matrix with neither stride 1 is copied; batches that only repeat it are not.
  void prepare(int device) {
    if (readable()) return;
    TensorView from = view;
    for (int d = 0; d < batch_rank(); ++d)
      if (view.strides[d] == 0) from.shape[d] = 1;
    TensorView to = from;
    std::int64_t stride = 1;
    for (int d = to.rank() - 1; d >= 0; --d) {
      to.strides[d] = stride;
      stride *= to.shape[d];
    }
    copy =
        std::make_unique<Scratch>(static_cast<std::size_t>(stride) * size_of(view.dtype), device);
    to.data = copy->data();
    copy_strided(to, from, device);
    for (int d = 0; d < batch_rank(); ++d)
      if (from.shape[d] == 1) to.strides[d] = 0;
    to.shape = view.shape;
    view = to;
    readable();
  }

  // Strides over the batch dimensions of the result, from the right; 0 where this one repeats.
  TensorView batches(const Shape& batch) const {
    TensorView v = view;
    v.shape = batch;
    v.strides = Shape::filled(batch.rank(), 0);
    const int missing = batch.rank() - batch_rank();
    for (int d = 0; d < batch_rank(); ++d)
      v.strides[missing + d] = view.shape[d] == 1 ? 0 : view.strides[d];
    return v;
  }
};

struct Product {
  bool transpose_a, transpose_b;
  std::int64_t m, n, k;
  std::int64_t lda, ldb;
  std::int64_t stride_a = 0, stride_b = 0, stride_c = 0;
  std::int64_t count = 1;
  bool adds = false;  // to what is in C
};

void run(cublasHandle_t handle, DType dtype, const Product& p, const void* a, const void* b,
         void* c) {
  const cublasOperation_t op_a = p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t op_b = p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  if (dtype == kFloat64) {
    const double one = 1, beta = p.adds ? 1 : 0;
    CATENA_BLAS(cublasDgemmStridedBatched_64(
        handle, op_b, op_a, p.n, p.m, p.k, &one, static_cast<const double*>(b), p.ldb, p.stride_b,
        static_cast<const double*>(a), p.lda, p.stride_a, &beta, static_cast<double*>(c), p.n,
        p.stride_c, p.count));
  } else {
    const float one = 1, beta = p.adds ? 1 : 0;
    CATENA_BLAS(cublasSgemmStridedBatched_64(handle, op_b, op_a, p.n, p.m, p.k, &one,
                                             static_cast<const float*>(b), p.ldb, p.stride_b,
                                             static_cast<const float*>(a), p.lda, p.stride_a, &beta,
                                             static_cast<float*>(c), p.n, p.stride_c, p.count));
  }
}

// out = x1 x2, or out + x1 x2.
void multiply(const KernelContext& c, const TensorView& x1, const TensorView& x2, bool adds) {
  const TensorView& out = c.output();
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  Factor a(x1, true), b(x2, false);
  if (a.cols == 0) {
    if (adds) return;
    CATENA_CUDA(cudaMemsetAsync(out.data, 0,
                                static_cast<std::size_t>(out.numel) * size_of(out.dtype), stream));
    return;
  }
  a.prepare(device);
  b.prepare(device);
  Product p{a.transposed, b.transposed, a.rows, b.cols, a.cols, a.leading, b.leading};
  p.adds = adds;

  const int vectors = (x1.rank() == 1) + (x2.rank() == 1);
  const Shape batch(out.shape.data(), out.rank() - (2 - vectors));
  TensorView batch_c = out;
  batch_c.shape = batch;
  batch_c.strides = Shape(out.strides.data(), batch.rank());
  const TensorView batch_a = a.batches(batch), batch_b = b.batches(batch);
  const WideNest<3> nest = merge<3>({&batch_c, &batch_a, &batch_b});

  Blas& cublas = blas(device, stream);
  const std::lock_guard lock(cublas.mutex);
  if (nest.rank == 0)
    return run(cublas.handle, out.dtype, p, nest.data[1], nest.data[2], nest.data[0]);
  // Batches of A that lie one below the other meet one B: a single taller product.
  if (nest.rank == 1 && nest.stride[2][0] == 0 && !a.transposed &&
      nest.stride[1][0] == a.rows * a.leading) {
    p.m *= nest.sizes[0];
    return run(cublas.handle, out.dtype, p, nest.data[1], nest.data[2], nest.data[0]);
  }
  // The longest dimension goes to cuBLAS as a batch, the others are stepped through here.
  int longest = 0;
  for (int d = 1; d < nest.rank; ++d)
    if (nest.sizes[d] > nest.sizes[longest]) longest = d;
  p.count = nest.sizes[longest];
  p.stride_c = nest.stride[0][longest];
  p.stride_a = nest.stride[1][longest];
  p.stride_b = nest.stride[2][longest];
  const std::int64_t rest = nest.numel() / p.count;
  for (std::int64_t i = 0; i < rest; ++i) {
    char* at[3] = {nest.data[0], nest.data[1], nest.data[2]};
    std::int64_t left = i;
    for (int d = nest.rank - 1; d >= 0; --d) {
      if (d == longest) continue;
      const std::int64_t r = left % nest.sizes[d];
      left /= nest.sizes[d];
      for (int k = 0; k < 3; ++k) at[k] += r * nest.stride[k][d] * nest.element_bytes[k];
    }
    run(cublas.handle, out.dtype, p, at[1], at[2], at[0]);
  }
}

void matmul(const op::Matmul&, const KernelContext& c) {
  if (c.output().numel > 0) multiply(c, c.input(0), c.input(1), false);
}

void linear(const op::Linear&, const KernelContext& c) {
  const TensorView& out = c.output();
  if (out.numel == 0) return;
  TensorView weight = c.input(1);
  std::swap(weight.shape[0], weight.shape[1]);
  std::swap(weight.strides[0], weight.strides[1]);
  const bool has_bias = c.num_inputs > 2;
  if (has_bias) {  // the product is added to rows of the bias
    TensorView rows = c.input(2);
    const std::int64_t stride = rows.strides[0];
    rows.shape = out.shape;
    rows.strides = Shape::filled(out.rank(), 0);
    rows.strides[out.rank() - 1] = stride;
    rows.numel = out.numel;
    rows.contiguous = false;
    copy_strided(out, rows, c.device.index);
  }
  multiply(c, c.input(0), weight, has_bias);
}

}  // namespace

KernelRow row_Linear() {
  return {.forward = kernel<op::Linear, linear>(), .dtypes = kFloatTypes, .strided_inputs = true};
}
KernelRow row_Matmul() {
  return {.forward = kernel<op::Matmul, matmul>(), .dtypes = kFloatTypes, .strided_inputs = true};
}

}  // namespace catena::gpu
