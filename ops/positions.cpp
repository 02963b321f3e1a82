#include "catena/ops/positions.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/composite.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace {

// The angle of pair i at position p.
double angle(std::int64_t p, std::int64_t i, std::int64_t features, double base) {
  return static_cast<double>(p) /
         std::pow(base, static_cast<double>(2 * i) / static_cast<double>(features));
}

}  // namespace

Tensor sinusoidal_positions(std::int64_t length, std::int64_t features, std::int64_t first,
                            TensorOptions options, std::source_location loc) {
  if (length < 0 || features < 0)
    throw_argument("sinusoidal_positions",
                   fmt::format("length {}, features {}; expected sizes from 0", length, features),
                   loc);
  std::vector<double> values;
  for (std::int64_t p = 0; p < length; ++p)
    for (std::int64_t f = 0; f < features; ++f) {
      const double a = angle(first + p, f / 2, features, 10000);
      values.push_back(f % 2 == 0 ? std::sin(a) : std::cos(a));
    }
  return tensor(values, {length, features}, options, loc);
}

Tensor rotary(Operand given, const RotaryOptions& options) {
  const std::source_location location = given.location();
  const Tensor x = given.tensor();
  const auto fail = [&](const std::string& what) { throw_argument("rotary", what, location); };
  if (!x.defined()) fail("x is an undefined tensor; give it a value first");
  if (!is_floating(x.dtype())) fail(detail::not_floating("x", x.dtype()));
  if (x.rank() < 2 || x.shape().back() % 2 != 0)
    fail(fmt::format("x is {}; expected [.., L, E] with an even E", to_string(x.shape())));
  const CallSite site(location);
  const std::int64_t length = x.shape()[x.rank() - 2], features = x.shape().back(),
                     half = features / 2;
  std::vector<double> cosines, sines;
  for (std::int64_t p = 0; p < length; ++p)
    for (std::int64_t i = 0; i < half; ++i) {
      const double a = angle(options.first + p, i, features, options.base);
      cosines.push_back(std::cos(a));
      sines.push_back(std::sin(a));
    }
  const TensorOptions like{x.dtype(), x.device()};
  const Tensor c = tensor(cosines, {length, half}, like), s = tensor(sines, {length, half}, like);
  const auto part = [&](int k) {
    return options.interleaved ? slice(x, {Ellipsis, Slice(k, {}, 2)})
                               : slice(x, -1, k * half, (k + 1) * half);
  };
  const Tensor a = part(0), b = part(1);
  const Tensor turned_a = a * c - b * s, turned_b = b * c + a * s;
  if (options.interleaved) return reshape(stack({turned_a, turned_b}, -1), x.shape());
  return concat({turned_a, turned_b}, -1);
}

}  // namespace catena
