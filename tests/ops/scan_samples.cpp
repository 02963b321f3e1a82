#include "op_suite.hpp"

namespace catena::test {
namespace {

auto running_sums(int dim, bool reverse) {
  return [=](const std::vector<Array>& in) {
    Array out(in[0].shape);
    for_each_index(out.shape, [&](const Shape& at) {
      long double sum = 0;
      Shape k = at;
      const std::int64_t n = out.shape[dim];
      for (k[dim] = reverse ? at[dim] : 0; k[dim] < (reverse ? n : at[dim] + 1); ++k[dim])
        sum += in[0].at(k);
      out.at(at) = static_cast<double>(sum);
    });
    return out;
  };
}

}  // namespace

std::vector<OpSample> samples_CumSum() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, Shape shape, int dim, bool reverse = false) {
    list.push_back(sample(name, op::CumSum{dim, reverse}, {uniform(shape)},
                          running_sums(dim < 0 ? dim + shape.rank() : dim, reverse)));
    return &list.back();
  };
  add("vector", {7}, 0);
  add("last", {3, 5}, -1);
  add("last_reverse", {3, 5}, 1, true);
  add("first", {3, 5}, 0);
  add("first_reverse", {3, 5}, -2, true);
  add("middle", {2, 3, 4}, 1);
  add("middle_reverse", {2, 3, 4}, 1, true);
  add("one_entry", {3, 1}, 1);
  add("empty", {0, 3}, 0);
  add("empty_lines", {3, 0}, 0);
  add("long_line", {1, 3000}, 1)->gradients = false;
  add("many_columns", {300, 700}, 0)->gradients = false;
  list.push_back(fails("scalar", op::CumSum{}, {uniform({})}, "[cumsum] x is 0-d"));
  list.push_back(fails("dim_out_of_range", op::CumSum{2}, {uniform({2, 3})}, "[cumsum] dim is 2"));
  return list;
}

}  // namespace catena::test
