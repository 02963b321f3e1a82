#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "op_suite.hpp"

namespace catena::test {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInf = std::numeric_limits<double>::infinity();

// Below in the order of sorting: NaN above all.
bool below(double a, double b) { return std::isnan(a) ? false : std::isnan(b) ? true : a < b; }

// The first `take` entries along `dim` of a stable sort, and their numbers.
Reference ordered(int dim, bool descending, std::int64_t take = -1, bool in_order = true) {
  return reference([=](const std::vector<Array>& in) {
    const Array& x = in[0];
    Shape shape = x.shape, lines = x.shape;
    if (take >= 0) shape[dim] = take;
    lines[dim] = 1;
    std::vector<Array> out{Array(shape), Array(shape)};
    if (shape.numel() == 0) return out;
    for_each_index(lines, [&](const Shape& line) {
      Shape at = line;
      auto entry = [&](std::int64_t i) {
        at[dim] = i;
        return x.at(at);
      };
      std::vector<std::int64_t> order(static_cast<std::size_t>(x.shape[dim]));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return descending ? below(entry(b), entry(a)) : below(entry(a), entry(b));
      });
      order.resize(static_cast<std::size_t>(shape[dim]));
      if (!in_order) std::sort(order.begin(), order.end());
      Shape to = line;
      for (std::int64_t i = 0; i < shape[dim]; ++i) {
        to[dim] = i;
        out[0].at(to) = entry(order[static_cast<std::size_t>(i)]);
        out[1].at(to) = static_cast<double>(order[static_cast<std::size_t>(i)]);
      }
    });
    return out;
  });
}

InputSpec special() { return values({8}, {3, kNan, -0.0, 0, 1, kInf, kNan, -kInf}); }
// Many equal ones.
InputSpec ties(const Shape& shape) {
  InputSpec s = integers(shape, 0, 4);
  s.has_dtype = false;
  return s;
}

}  // namespace

std::vector<OpSample> samples_Sort() {
  using op::Sort;
  return {sample("rows", Sort{}, {uniform({3, 6})}, ordered(1, false)).exact(),
          sample("columns", Sort{.dim = 0, .descending = true}, {uniform({5, 3})}, ordered(0, true))
              .exact(),
          sample("middle", Sort{.dim = 1}, {uniform({2, 4, 3})}, ordered(1, false)).exact(),
          sample("stable", Sort{}, {ties({2, 20})}, ordered(1, false)).exact().no_gradient(),
          sample("stable_down", Sort{.descending = true}, {ties({70})}, ordered(0, true))
              .exact()
              .no_gradient(),
          sample("special", Sort{}, {special()}, ordered(0, false))
              .only(kFloatTypes)
              .exact()
              .no_gradient(),
          sample("special_down", Sort{.descending = true}, {special()}, ordered(0, true))
              .only(kFloatTypes)
              .exact()
              .no_gradient(),
          sample("long", Sort{}, {uniform({3, 1000}, -1e6, 1e6)}, ordered(1, false))
              .exact()
              .no_gradient(),
          sample("long_down", Sort{.dim = 0, .descending = true}, {uniform({300, 40}, -1e3, 1e3)},
                 ordered(0, true))
              .exact()
              .no_gradient(),
          sample("one", Sort{}, {uniform({1})}, ordered(0, false)).exact(),
          sample("empty", Sort{}, {uniform({2, 0})}, ordered(1, false)),
          fails("scalar", Sort{}, {uniform({})}, "x is 0-d and has no dimension to sort along"),
          fails("dim", Sort{.dim = 1}, {uniform({3})}, "dim"),
          fails("dtype", Sort{}, {uniform({3}).as(kFloat16)}, "float16")};
}

std::vector<OpSample> samples_TopK() {
  using op::TopK;
  return {
      sample("largest", TopK{.k = 2}, {uniform({3, 7})}, ordered(1, true, 2)).exact(),
      sample("smallest", TopK{.k = 3, .dim = 0, .largest = false}, {uniform({5, 2})},
             ordered(0, false, 3))
          .exact(),
      sample("middle", TopK{.k = 2, .dim = 1}, {uniform({2, 4, 3})}, ordered(1, true, 2)).exact(),
      sample("in_place", TopK{.k = 3, .sorted = false}, {uniform({2, 8})},
             ordered(1, true, 3, false))
          .exact(),
      sample("all", TopK{.k = 4}, {uniform({4})}, ordered(0, true, 4)).exact(),
      sample("none", TopK{.k = 0}, {uniform({2, 4})}, ordered(1, true, 0)),
      sample("ties", TopK{.k = 5}, {ties({2, 90})}, ordered(1, true, 5)).exact().no_gradient(),
      sample("ties_smallest", TopK{.k = 60, .largest = false}, {ties({2, 900})},
             ordered(1, false, 60))
          .exact()
          .no_gradient(),
      sample("few_of_many", TopK{.k = 10}, {uniform({2, 2000}, -1e3, 1e3)}, ordered(1, true, 10))
          .exact()
          .no_gradient(),
      sample("few_in_place", TopK{.k = 100, .largest = false, .sorted = false},
             {uniform({2, 2000}, -1e3, 1e3)}, ordered(1, false, 100, false))
          .exact()
          .no_gradient(),
      sample("special", TopK{.k = 4}, {special()}, ordered(0, true, 4))
          .only(kFloatTypes)
          .exact()
          .no_gradient(),
      fails("k", TopK{.k = 4}, {uniform({2, 3})},
            "k = 4 for dimension 1 of x [2, 3]; expected 0 to 3"),
      fails("negative", TopK{.k = -1}, {uniform({2, 3})}, "k = -1"),
      fails("scalar", TopK{}, {uniform({})}, "x is 0-d")};
}

}  // namespace catena::test
