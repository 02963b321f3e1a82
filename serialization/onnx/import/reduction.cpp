// Reductions, running totals, the search for the largest.
#include "catena/ops/reduction.hpp"

#include <algorithm>
#include <limits>

#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/flip.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/scan.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/ops/statistics.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

using Reduce = Tensor (*)(const Tensor&, const Shape&, bool);

// ReduceSum has its axes as an input since opset 13, the others since 18.
template <Reduce F, int InputSince = 18>
Values reduce(Call& c) {
  const Tensor& x = c.in(0);
  std::vector<std::int64_t> axes;
  if (c.opset() >= InputSince) {
    if (c.has(1)) axes = c.integers(1);
  } else if (const auto given = c.integers("axes")) {
    axes = *given;
  }
  if (axes.empty() && c.attribute("noop_with_empty_axes", std::int64_t{0}) != 0) return {x};
  Shape dims;
  for (const std::int64_t axis : axes) dims.push_back(c.axis(axis, x.rank()));
  return {F(x, dims, c.attribute("keepdims", std::int64_t{1}) != 0)};
}

Tensor reduce_sum(const Tensor& x, const Shape& dims, bool keep) { return sum(x, dims, keep); }
Tensor reduce_mean(const Tensor& x, const Shape& dims, bool keep) {
  if (is_floating(x.dtype())) return mean(x, dims, keep);
  return mean(cast(x, kFloat64), dims, keep);
}
Tensor reduce_prod(const Tensor& x, const Shape& dims, bool keep) { return prod(x, dims, keep); }
// The largest and the smallest of nothing: the ends of what the dtype has.
Tensor of_nothing(const Tensor& x, const Shape& dims, bool keep, bool largest) {
  const double inf = std::numeric_limits<double>::infinity();
  Tensor end;
  if (is_floating(x.dtype()))
    end = number_like(x, largest ? -inf : inf);
  else if (x.dtype() == kInt32)
    end = number_like(x, largest ? std::numeric_limits<std::int32_t>::min()
                                 : std::numeric_limits<std::int32_t>::max());
  else if (x.dtype() == kUInt8)
    end = number_like(x, largest ? 0 : 255);
  else
    end = number_like(x, largest ? std::numeric_limits<std::int64_t>::min()
                                 : std::numeric_limits<std::int64_t>::max());
  return contiguous(expand(end, sum(x, dims, keep).shape()));
}

bool is_of_nothing(const Tensor& x, const Shape& dims) {
  if (dims.empty()) return x.numel() == 0;
  return std::ranges::any_of(dims,
                             [&](std::int64_t d) { return x.size(static_cast<int>(d)) == 0; });
}

Tensor reduce_max(const Tensor& x, const Shape& dims, bool keep) {
  if (x.dtype() != kBool && is_of_nothing(x, dims)) return of_nothing(x, dims, keep, true);
  return x.dtype() == kBool ? any(x, dims, keep) : max(x, dims, keep);
}
Tensor reduce_min(const Tensor& x, const Shape& dims, bool keep) {
  if (x.dtype() != kBool && is_of_nothing(x, dims)) return of_nothing(x, dims, keep, false);
  return x.dtype() == kBool ? all(x, dims, keep) : min(x, dims, keep);
}
Tensor reduce_l1(const Tensor& x, const Shape& dims, bool keep) { return sum(abs(x), dims, keep); }
Tensor reduce_l2(const Tensor& x, const Shape& dims, bool keep) {
  if (is_floating(x.dtype())) return norm(x, 2, dims, keep);
  return sqrt(sum(cast(x, kFloat64) * cast(x, kFloat64), dims, keep));
}
Tensor reduce_log_sum(const Tensor& x, const Shape& dims, bool keep) {
  return log(sum(x, dims, keep));
}
Tensor reduce_log_sum_exp(const Tensor& x, const Shape& dims, bool keep) {
  return logsumexp(is_floating(x.dtype()) ? x : cast(x, kFloat64), dims, keep);
}
Tensor reduce_sum_square(const Tensor& x, const Shape& dims, bool keep) {
  return sum(x * x, dims, keep);
}

template <bool Largest>
Values search(Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.attribute("axis", std::int64_t{0}), x.rank());
  const bool keep = c.attribute("keepdims", std::int64_t{1}) != 0;
  const bool last = c.attribute("select_last_index", std::int64_t{0}) != 0;
  const Tensor from = last ? flip(x, {axis}) : x;
  const Tensor at = Largest ? argmax(from, axis, keep) : argmin(from, axis, keep);
  return {last ? (x.shape()[axis] - 1) - at : at};
}

Values running_sum(Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.integer(1), x.rank());
  const bool reverse = c.attribute("reverse", std::int64_t{0}) != 0;
  const Tensor y = cumsum(x, axis, reverse);
  if (c.attribute("exclusive", std::int64_t{0}) == 0 || x.shape()[axis] == 0) return {y};
  // Without its own entry each sum is its neighbour's.
  Shape edge = y.shape();
  edge[axis] = 1;
  const Tensor zero = zeros(edge, {y.dtype(), y.device()});
  const std::int64_t size = x.shape()[axis];
  if (reverse) return {concat({slice(y, axis, 1, size), zero}, axis)};
  return {concat({zero, slice(y, axis, 0, size - 1)}, axis)};
}

}  // namespace

std::vector<Operator> reduction_operators() {
  constexpr auto kFirst = Types::kFirst;
  constexpr std::uint32_t axes = bit(1);
  return {
      {"ArgMax", 1, search<true>, Types::kWide},
      {"ArgMin", 1, search<false>, Types::kWide},
      {"CumSum", 11, running_sum, kFirst, axes},
      {"ReduceL1", 1, reduce<reduce_l1>, kFirst, axes},
      {"ReduceL2", 1, reduce<reduce_l2>, kFirst, axes},
      {"ReduceLogSum", 1, reduce<reduce_log_sum>, kFirst, axes},
      {"ReduceLogSumExp", 1, reduce<reduce_log_sum_exp>, kFirst, axes},
      {"ReduceMax", 1, reduce<reduce_max>, kFirst, axes},
      {"ReduceMean", 1, reduce<reduce_mean>, kFirst, axes},
      {"ReduceMin", 1, reduce<reduce_min>, kFirst, axes},
      {"ReduceProd", 1, reduce<reduce_prod>, kFirst, axes},
      {"ReduceSum", 1, reduce<reduce_sum, 13>, kFirst, axes},
      {"ReduceSumSquare", 1, reduce<reduce_sum_square>, kFirst, axes},
  };
}

}  // namespace catena::onnx
