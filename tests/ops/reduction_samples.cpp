#include <algorithm>
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
double largest(const Values& v) {
  double m = v.front();
  for (double x : v)
    if (x > m || std::isnan(x)) m = x;
  return m;
}
double first_largest(const Values& v) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < v.size(); ++i)
    if (v[i] > v[best] || (std::isnan(v[i]) && !std::isnan(v[best]))) best = i;
  return static_cast<double>(best);
}

template <class Op, class F>
OpSample reduction(std::string name, const Shape& shape, const Shape& dims, bool keepdim, F f) {
  return sample(std::move(name), Op{dims, keepdim}, {uniform(shape)}, along(dims, keepdim, f));
}

// Shapes that take every way through the kernels; the large ones without the slow checks.
template <class Op, class F>
std::vector<OpSample> shapes(F f) {
  const auto of = [&](const char* name, Shape shape, Shape dims, bool keepdim = false) {
    return reduction<Op>(name, shape, dims, keepdim, f);
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

std::vector<OpSample> samples_Sum() {
  std::vector<OpSample> list = shapes<op::Sum>(total);
  const auto add = [&](OpSample s) { list.push_back(std::move(s)); };
  add(reduction<op::Sum>("empty", {0, 3}, {0}, false, total));
  add(reduction<op::Sum>("empty_all", {2, 0}, {}, false, total));
  add(reduction<op::Sum>("empty_result", {0, 3}, {1}, false, total));
  add(sample("nan", op::Sum{{1}}, {values({2, 3}, {1, kNaN, 2, 3, 4, 5})}, along({1}, false, total))
          .only(kFloatTypes)
          .no_gradient());
  add(sample("infinities", op::Sum{}, {values({2}, {kInf, -kInf})}, along({}, false, total))
          .only(kFloatTypes)
          .no_gradient());
  add(fails("dim_out_of_range", op::Sum{{2}}, {uniform({2, 3})}, "[sum] dim"));
  add(fails("dim_twice", op::Sum{{0, -2}}, {uniform({2, 3})}, "twice"));
  add(fails("half", op::Sum{}, {uniform({3}).as(kFloat16)}, "no kernel for float16"));
  return list;
}

std::vector<OpSample> samples_Mean() {
  std::vector<OpSample> list = shapes<op::Mean>(average);
  list.push_back(reduction<op::Mean>("empty", {0, 3}, {0}, false, average).no_gradient());
  list.push_back(reduction<op::Mean>("empty_result", {0, 3}, {1}, false, average));
  list.push_back(fails("integers", op::Mean{}, {integers({3}, 0, 5)},
                       "[mean] x is int64; expected float32 or float64"));
  return list;
}

std::vector<OpSample> samples_Max() {
  std::vector<OpSample> list = shapes<op::Max>(largest);
  const auto add = [&](const char* name, Shape shape, Values v, Shape dims) {
    list.push_back(
        sample(name, op::Max{dims}, {values(shape, std::move(v))}, along(dims, false, largest))
            .only(kFloatTypes)
            .no_gradient());
  };
  add("ties", {2, 3}, {1, 3, 3, 2, 2, 2}, {1});
  add("nan_wins", {2, 3}, {1, kNaN, 2, kInf, 4, 5}, {1});
  add("nan_wins_rows", {3, 2}, {1, kNaN, 2, kInf, 4, 5}, {0});
  add("minus_infinity", {3}, {-kInf, -kInf, -kInf}, {});
  Values line(1000, 1);
  line[997] = kNaN;
  line[3] = kInf;
  add("nan_wins_long", {1000}, line, {});
  list.push_back(fails("empty", op::Max{{0}}, {uniform({0, 3})},
                       "[max] no elements to take the maximum of: x has shape [0, 3]"));
  list.push_back(fails("empty_all", op::Max{}, {uniform({2, 0})}, "dimension 1 is reduced"));
  return list;
}

std::vector<OpSample> samples_Argmax() {
  const auto of = [](const char* name, Shape shape, std::int64_t dim, bool keepdim = false) {
    return sample(name, op::Argmax{dim, keepdim}, {uniform(shape, -5, 5)},
                  along({dim}, keepdim, first_largest));
  };
  const auto given = [](const char* name, Shape shape, Values v, std::int64_t dim) {
    return sample(name, op::Argmax{dim}, {values(shape, std::move(v))},
                  along({dim}, false, first_largest))
        .only(kFloatTypes);
  };
  Values line(5000, 2);
  line[4321] = 3;
  line[4567] = 3;
  Values with_nan = line;
  with_nan[4400] = with_nan[4999] = kNaN;
  return {
      of("last", {3, 5}, -1),
      of("last_keepdim", {3, 5}, 1, true),
      of("first", {3, 5}, 0),
      of("middle", {2, 6, 4}, 1, true),
      of("vector", {40}, 0),
      of("one_entry", {3, 1}, 1),
      of("wide_rows", {9, 700}, 0),
      of("long_line", {2, 9000}, 1),
      of("empty_result", {0, 3}, 1),
      given("ties", {2, 3}, {1, 3, 3, 2, 2, 2}, 1),
      given("ties_long", {5000}, line, 0),
      given("nan_is_largest", {2, 4}, {1, kNaN, kInf, kNaN, 0, 1, 2, 2}, 1),
      given("nan_is_largest_long", {5000}, with_nan, 0),
      given("nan_is_largest_rows", {3, 2}, {1, 7, kNaN, kInf, kNaN, 5}, 0),
      given("minus_infinity", {40}, Values(40, -kInf), 0),
      fails("empty", op::Argmax{0}, {uniform({0, 3})},
            "[argmax] no elements to search: x has shape [0, 3]"),
      fails("scalar", op::Argmax{}, {uniform({})}, "[argmax] x is 0-d"),
      fails("dim_out_of_range", op::Argmax{3}, {uniform({2, 3})}, "[argmax] dim is 3"),
  };
}

}  // namespace catena::test
