// References and shapes shared by the samples of reductions.
#pragma once

#include <cmath>
#include <limits>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;
using Values = std::vector<double>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// f of the entries along `dims` (empty: all of them), in row-major order.
template <class F>
auto along(Shape dims, bool keepdim, F f) {
  return [=](const List& in) {
    const Shape& shape = in[0].shape;
    bool reduced[kMaxRank];
    for (int d = 0; d < shape.rank(); ++d) reduced[d] = dims.empty();
    for (std::int64_t d : dims) reduced[d < 0 ? d + shape.rank() : d] = true;
    Shape kept, result;
    for (int d = 0; d < shape.rank(); ++d) {
      kept.push_back(reduced[d] ? 1 : shape[d]);
      if (!reduced[d] || keepdim) result.push_back(reduced[d] ? 1 : shape[d]);
    }
    const Array where(kept);
    std::vector<Values> entries(static_cast<std::size_t>(kept.numel()));
    for_each_index(shape, [&](const Shape& at) {
      Shape to = at;
      for (int d = 0; d < shape.rank(); ++d)
        if (reduced[d]) to[d] = 0;
      entries[static_cast<std::size_t>(where.position(to))].push_back(in[0].at(at));
    });
    Array out(result);
    for (std::size_t i = 0; i < entries.size(); ++i) out.values[i] = f(entries[i]);
    return out;
  };
}

double total(const Values& v) {
  long double s = 0;
  for (double x : v) s += x;
  return static_cast<double>(s);
}
double average(const Values& v) {
  return v.empty() ? kNaN : total(v) / static_cast<double>(v.size());
}
// `op` with these dimensions, on numbers of both signs.
template <class Op, class F>
OpSample reduction(std::string name, const Shape& shape, const Shape& dims, bool keepdim, F f,
                   Op op = {}) {
  op.dims = dims;
  op.keepdim = keepdim;
  return sample(std::move(name), op, {uniform(shape)}, along(dims, keepdim, f));
}

// Shapes that take every way through the kernels; the large ones without the slow checks.
template <class Op, class F>
std::vector<OpSample> shapes(F f, const Op& op = {}) {
  const auto of = [&](const char* name, Shape shape, Shape dims, bool keepdim = false) {
    return reduction<Op>(name, shape, dims, keepdim, f, op);
  };
  const auto large = [&](const char* name, Shape shape, Shape dims) {
    OpSample s = of(name, shape, dims).no_gradient();
    s.atol32 = 1e-5;  // terms of both signs, up to 2 in size
    return s;
  };
  return {
      of("all", {3, 5}, {}),
      of("all_keepdim", {3, 5}, {}, true),
      of("last", {3, 5}, {1}),
      of("last_keepdim", {3, 5}, {-1}, true),
      of("first", {3, 5}, {0}),
      of("first_keepdim", {3, 5}, {0}, true),
      of("middle", {2, 3, 4}, {1}),
      of("outer_and_inner", {2, 3, 4}, {2, 0}),
      of("channels", {2, 3, 2, 2}, {0, 2, 3}),
      of("alternating", {2, 3, 2, 3}, {1, 3}, true),
      of("alternating_rows", {2, 3, 2, 3}, {0, 2}),
      of("vector", {7}, {0}),
      of("one_entry", {4, 1, 2}, {1}),
      of("scalar", {}, {}),
      large("long_line", {3, 70001}, {1}),
      large("many_short_lines", {5, 4, 3000, 7}, {1, 3}),
      large("wide_rows", {301, 1100}, {0}),
      large("narrow_rows", {9001, 3}, {0}),
      large("narrow_rows_in_blocks", {70003, 5}, {0}),
      large("tall_middle", {2, 700, 130}, {1}),
      large("everything", {67, 1031}, {}),
      large("two_outer", {20, 3, 9, 200}, {0, 2}),
  };
}

}  // namespace
}  // namespace catena::test
