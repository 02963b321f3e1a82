#include "catena/ops/creation.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 65536;

void arange(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Arange*>(attrs);
  const TensorView& y = c.outputs[0];
  visit_compute(y.dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(y.data);
    parallel(y.numel, kGrain, [&](std::int64_t begin, std::int64_t end) {
      if constexpr (static_cast<T>(0.5) == 0.5) {
        for (std::int64_t i = begin; i < end; ++i)
          out[i] = static_cast<T>(op.start + static_cast<double>(i) * op.step);
      } else {
        // Integers stay integers: float64 has 53 bits only. What does not fit wraps.
        const auto start = static_cast<std::uint64_t>(static_cast<std::int64_t>(op.start));
        const auto step = static_cast<std::uint64_t>(static_cast<std::int64_t>(op.step));
        for (std::int64_t i = begin; i < end; ++i)
          out[i] = static_cast<T>(start + static_cast<std::uint64_t>(i) * step);
      }
    });
  });
}

void linspace(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Linspace*>(attrs);
  const TensorView& y = c.outputs[0];
  const std::int64_t n = op.count;
  const double step = n > 1 ? (op.end - op.start) / static_cast<double>(n - 1) : 0;
  visit_float(y.dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(y.data);
    parallel(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        out[i] = static_cast<T>(i < (n + 1) / 2 ? op.start + static_cast<double>(i) * step
                                                : op.end - static_cast<double>(n - 1 - i) * step);
    });
  });
}

void eye(const void*, const KernelContext& c) {
  const TensorView& y = c.outputs[0];
  const std::int64_t rows = y.shape.data()[0], columns = y.shape.data()[1];
  if (y.numel == 0) return;
  visit_compute(y.dtype, [&]<class T>(T) {
    T* out = static_cast<T*>(y.data);
    parallel(rows, max_of<std::int64_t>(1, kGrain / columns),
             [&](std::int64_t begin, std::int64_t end) {
               std::memset(out + begin * columns, 0,
                           static_cast<std::size_t>((end - begin) * columns) * sizeof(T));
               for (std::int64_t i = begin; i < min_of(end, columns); ++i)
                 out[i * columns + i] = T(1);
             });
  });
}

KernelRow row_of(KernelFn forward, DTypeSet dtypes) {
  return {.forward = forward, .dtypes = dtypes};
}

}  // namespace

KernelRow row_Arange() { return row_of(arange, kNumberTypes); }
KernelRow row_Linspace() { return row_of(linspace, kFloatTypes); }
KernelRow row_Eye() { return row_of(eye, kComputeTypes); }

}  // namespace catena::cpu::CATENA_ISA
