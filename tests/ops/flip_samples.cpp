#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

Reference flipped(std::vector<int> dims) {
  return reference([dims](const List& in) {
    Array out(in[0].shape);
    for_each_index(out.shape, [&](const Shape& at) {
      Shape from = at;
      for (int d : dims) from[d] = out.shape[d] - 1 - at[d];
      out.at(at) = in[0].at(from);
    });
    return out;
  });
}
Reference rolled(std::vector<std::pair<int, std::int64_t>> shifts) {
  return reference([shifts](const List& in) {
    Array out(in[0].shape);
    for_each_index(out.shape, [&](const Shape& at) {
      Shape to = at;
      for (const auto& [d, s] : shifts) {
        const std::int64_t n = out.shape[d];
        to[d] = ((at[d] + s) % n + n) % n;
      }
      out.at(to) = in[0].at(at);
    });
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_Flip() {
  return {sample("rows", op::Flip{.dims = {0}}, {uniform({3, 4})}, flipped({0})).exact(),
          sample("columns", op::Flip{.dims = {-1}}, {uniform({2, 5})}, flipped({1})).exact(),
          sample("two", op::Flip{.dims = {0, 2}}, {uniform({2, 3, 4})}, flipped({0, 2})).exact(),
          sample("all", op::Flip{}, {uniform({2, 3})}, flipped({0, 1})).exact(),
          sample("scalar", op::Flip{}, {uniform({})}, flipped({})).exact(),
          sample("empty", op::Flip{.dims = {0}}, {uniform({0, 3})}, flipped({0})),
          sample("large", op::Flip{.dims = {1}}, {uniform({300, 500})}, flipped({1}))
              .exact()
              .no_gradient(),
          fails("dim", op::Flip{.dims = {2}}, {uniform({2, 3})}, "dims"),
          fails("twice", op::Flip{.dims = {0, -2}}, {uniform({2, 3})}, "dims")};
}

std::vector<OpSample> samples_Roll() {
  return {
      sample("rows", op::Roll{.shifts = {1}, .dims = {0}}, {uniform({3, 4})}, rolled({{0, 1}}))
          .exact(),
      sample("back", op::Roll{.shifts = {-2}, .dims = {-1}}, {uniform({2, 5})}, rolled({{1, -2}}))
          .exact(),
      sample("two", op::Roll{.shifts = {2, -1}, .dims = {2, 0}}, {uniform({3, 2, 4})},
             rolled({{2, 2}, {0, -1}}))
          .exact(),
      sample("round", op::Roll{.shifts = {7}, .dims = {1}}, {uniform({2, 3})}, rolled({{1, 7}}))
          .exact(),
      sample("whole", op::Roll{.shifts = {3, 0}, .dims = {0, 1}}, {uniform({3, 2})}, rolled({}))
          .exact(),
      sample("nowhere", op::Roll{}, {uniform({3})}, rolled({})).exact(),
      sample("empty", op::Roll{.shifts = {1}, .dims = {0}}, {uniform({0, 3})}, rolled({{0, 1}})),
      fails("lengths", op::Roll{.shifts = {1, 2}, .dims = {0}}, {uniform({2, 3})},
            "shifts [1, 2] and dims [0] differ in length; expected one shift per dimension"),
      fails("dim", op::Roll{.shifts = {1}, .dims = {2}}, {uniform({2, 3})}, "dims")};
}

}  // namespace catena::test
