#include "catena/nn/init.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/random.hpp"

namespace catena::nn::init {

namespace {
// The dtype numbers are drawn in: float64 only where it is not lost.
DType drawn_dtype(const Tensor& t) { return t.dtype() == kFloat64 ? kFloat64 : kFloat32; }

double size_of(Fan fan, const Tensor& t, const std::source_location& loc) {
  const Fans f = fans(t, loc);
  return fan == Fan::kIn ? f.in : f.out;
}
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

double gain(std::string_view nonlinearity, double slope, std::source_location loc) {
  if (nonlinearity == "linear" || nonlinearity == "sigmoid") return 1;
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return M_SQRT2;
  if (nonlinearity == "leaky_relu") return std::sqrt(2 / (1 + slope * slope));
  if (nonlinearity == "selu") return 0.75;
  const std::string names[] = {"linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"};
  throw_argument(
      "init",
      fmt::format("no gain is known for '{}'{}; expected one of {}", nonlinearity,
                  catena::detail::near_names(nonlinearity, names), fmt::join(names, ", ")),
      loc);
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
Tensor kaiming_uniform_(Tensor t, double a, Fan fan, std::source_location loc) {
  const double bound = std::sqrt(6 / ((1 + a * a) * size_of(fan, t, loc)));
  return uniform_(std::move(t), -bound, bound);
}
Tensor kaiming_normal_(Tensor t, double a, Fan fan, std::source_location loc) {
  const double stddev = std::sqrt(2 / ((1 + a * a) * size_of(fan, t, loc)));
  return normal_(std::move(t), 0, stddev);
}

Tensor trunc_normal_(Tensor t, double mean, double stddev, double low, double high,
                     std::source_location loc) {
  if (!(low < high) || !(stddev > 0))
    throw_argument("init",
                   fmt::format("trunc_normal_: stddev {}, low {}, high {}; expected stddev > 0 and "
                               "low < high",
                               stddev, low, high),
                   loc);
  // The quantile of a uniform number between the two ends' (Burkardt 2014), taken below the mean,
  // where it is exact however far out the ends are.
  const bool mirrored = low > mean;
  const double from = mirrored ? 2 * mean - high : low, to = mirrored ? 2 * mean - low : high;
  const auto below = [&](double x) { return std::erfc((mean - x) / stddev * M_SQRT1_2) / 2; };
  using Limits = std::numeric_limits<double>;
  NoGrad no_grad;
  std::vector<double> u = random_uniform(t.shape(), below(from), below(to), kFloat64).to_vector();
  for (double& p : u) {
    // The quantiles of 0 and 1 are infinite.
    p = std::clamp(p, Limits::min(), 1 - Limits::epsilon() / 2);
    const double v = mean - stddev * M_SQRT2 * boost::math::erfc_inv(2 * p);
    p = std::clamp(mirrored ? 2 * mean - v : v, low, high);
  }
  t.copy_(tensor(u, t.shape(), kFloat64));
  return t;
}

Tensor orthogonal_(Tensor t, double gain, std::source_location loc) {
  fans(t, loc);
  const std::int64_t rows = t.shape()[0], columns = rows ? t.numel() / rows : 0;
  const bool wide = rows < columns;
  const std::int64_t count = wide ? rows : columns, length = wide ? columns : rows;
  std::vector<double> v = random_normal({count, length}, 0, 1, kFloat64).to_vector();
  // Gram-Schmidt done twice is orthogonal to rounding (Giraud et al. 2005).
  const auto vector = [&](std::int64_t i) {
    return std::span(v).subspan(static_cast<std::size_t>(i * length),
                                static_cast<std::size_t>(length));
  };
  const auto dot = [](std::span<const double> a, std::span<const double> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const auto a = vector(i);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t j = 0; j < i; ++j) {
        const auto b = vector(j);
        const double along = dot(a, b);
        for (std::size_t k = 0; k < a.size(); ++k) a[k] -= along * b[k];
      }
      const double norm = std::sqrt(dot(a, a));
      for (double& x : a) x /= norm;
    }
  }
  NoGrad no_grad;
  const Tensor q = tensor(v, {count, length}, kFloat64);
  t.copy_((wide ? q : q.t()).reshape(t.shape()) * gain);
  return t;
}

Tensor eye_(Tensor t, std::source_location loc) {
  if (t.rank() != 2)
    throw_argument(
        "init",
        fmt::format("eye_: the tensor is {}; expected two dimensions", to_string(t.shape())), loc);
  zeros_(t);
  NoGrad no_grad;
  for (std::int64_t i = 0; i < std::min(t.shape()[0], t.shape()[1]); ++i) t[i][i].fill_(1);
  return t;
}

}  // namespace catena::nn::init
