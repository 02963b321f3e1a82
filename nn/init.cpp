#include "catena/nn/init.hpp"

#include <fmt/format.h>

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/random.hpp"

namespace catena::nn::init {

namespace {
// The dtype numbers are drawn in: float64 only where it is not lost.
DType drawn_dtype(const Tensor& t) { return t.dtype() == kFloat64 ? kFloat64 : kFloat32; }
}  // namespace

Tensor constant_(Tensor t, double value) {
  NoGrad no_grad;
  t.fill_(value);
  return t;
}
Tensor zeros_(Tensor t) { return constant_(std::move(t), 0); }
Tensor ones_(Tensor t) { return constant_(std::move(t), 1); }

Tensor uniform_(Tensor t, double low, double high) {
  NoGrad no_grad;
  t.copy_(random_uniform(t.shape(), low, high, drawn_dtype(t)));
  return t;
}
Tensor normal_(Tensor t, double mean, double stddev) {
  NoGrad no_grad;
  t.copy_(random_normal(t.shape(), mean, stddev, drawn_dtype(t)));
  return t;
}

Fans fans(const Tensor& t, std::source_location loc) {
  if (t.rank() < 2)
    throw_argument("init",
                   fmt::format("fan-in and fan-out need at least two dimensions; the tensor is {}",
                               to_string(t.shape())),
                   loc);
  double field = 1;
  for (int i = 2; i < t.rank(); ++i) field *= static_cast<double>(t.shape()[i]);
  return {static_cast<double>(t.shape()[1]) * field, static_cast<double>(t.shape()[0]) * field};
}

Tensor xavier_uniform_(Tensor t, double gain, std::source_location loc) {
  const Fans f = fans(t, loc);
  const double bound = gain * std::sqrt(6 / (f.in + f.out));
  return uniform_(std::move(t), -bound, bound);
}
Tensor xavier_normal_(Tensor t, double gain, std::source_location loc) {
  const Fans f = fans(t, loc);
  return normal_(std::move(t), 0, gain * std::sqrt(2 / (f.in + f.out)));
}
Tensor kaiming_uniform_(Tensor t, double a, std::source_location loc) {
  const double bound = std::sqrt(6 / ((1 + a * a) * fans(t, loc).in));
  return uniform_(std::move(t), -bound, bound);
}
Tensor kaiming_normal_(Tensor t, double a, std::source_location loc) {
  const double stddev = std::sqrt(2 / ((1 + a * a) * fans(t, loc).in));
  return normal_(std::move(t), 0, stddev);
}

}  // namespace catena::nn::init
