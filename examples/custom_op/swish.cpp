#include "swish.hpp"

#include <cmath>

namespace {

template <class T>
void swish_loop(double beta, const T* x, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] / (1 + std::exp(-static_cast<T>(beta) * x[i]));
}

// Inputs come row-major unless the kernel asks for strides; outputs are allocated and row-major.
void swish_kernel(const Swish& op, const catena::KernelContext& c) {
  const catena::TensorView& x = c.input(0);
  if (x.dtype == catena::kFloat64)
    swish_loop(op.beta, x.as<double>(), c.output().as<double>(), x.numel);
  else
    swish_loop(op.beta, x.as<float>(), c.output().as<float>(), x.numel);
}

}  // namespace

void register_swish() {
  catena::register_op<Swish>();
  catena::register_kernel<Swish, swish_kernel>(catena::DeviceType::kCpu, catena::kFloatTypes);
}
