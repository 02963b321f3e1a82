#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

Reference selected(int dim) {
  return reference([dim](const List& in) {
    Shape shape = in[0].shape;
    shape[dim] = in[1].shape[0];
    Array out(shape);
    for_each_index(shape, [&](const Shape& at) {
      Shape from = at;
      from[dim] = static_cast<std::int64_t>(in[1][at[dim]]);
      out.at(at) = in[0].at(from);
    });
    return out;
  });
}
Reference added(int dim, std::int64_t size) {
  return reference([dim, size](const List& in) {
    Shape shape = in[0].shape;
    shape[dim] = size;
    Array out(shape);
    for_each_index(in[0].shape, [&](const Shape& at) {
      Shape to = at;
      to[dim] = static_cast<std::int64_t>(in[1][at[dim]]);
      out.at(to) += in[0].at(at);
    });
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_IndexSelect() {
  return {
      sample("rows", op::IndexSelect{.dim = 0}, {uniform({4, 3}), integers({5}, 0, 4)}, selected(0))
          .exact(),
      sample("columns", op::IndexSelect{.dim = -1}, {uniform({2, 4}), integers({6}, 0, 4)},
             selected(1))
          .exact(),
      sample("middle", op::IndexSelect{.dim = 1}, {uniform({2, 3, 2}), integers({4}, 0, 3)},
             selected(1))
          .exact(),
      sample("int32", op::IndexSelect{.dim = 0}, {uniform({3, 2}), integers({4}, 0, 3).as(kInt32)},
             selected(0))
          .exact(),
      sample("vector", op::IndexSelect{.dim = 0}, {uniform({7}), integers({9}, 0, 7)}, selected(0))
          .exact(),
      sample("nothing", op::IndexSelect{.dim = 0}, {uniform({3, 2}), integers({0}, 0, 3)},
             selected(0)),
      fails("range", op::IndexSelect{.dim = 0},
            {uniform({4, 3}), values({3}, {0, 4, 1}).as(kInt64)},
            "index 4 at position 1 is out of range for dimension 0 of size 4; expected 0 to 3"),
      fails("negative", op::IndexSelect{.dim = 1}, {uniform({4, 3}), values({1}, {-1}).as(kInt32)},
            "index -1 at position 0 is out of range for dimension 1 of size 3; expected 0 to 2"),
      fails("from_nothing", op::IndexSelect{.dim = 0},
            {uniform({0, 3}), values({1}, {0}).as(kInt64)},
            "dimension 0 of size 0; expected a dimension with entries"),
      fails("index_shape", op::IndexSelect{.dim = 0}, {uniform({4}), integers({2, 2}, 0, 4)},
            "index has shape [2, 2]; expected a vector"),
      fails("index_dtype", op::IndexSelect{.dim = 0}, {uniform({4}), uniform({2}, 0, 4)}, "int64"),
      fails("scalar", op::IndexSelect{.dim = 0}, {uniform({}), integers({1}, 0, 1)}, "x is 0-d"),
      fails("dim", op::IndexSelect{.dim = 3}, {uniform({4}), integers({1}, 0, 1)}, "dim")};
}

std::vector<OpSample> samples_IndexAdd() {
  return {
      sample("rows", op::IndexAdd{.dim = 0, .size = 4}, {uniform({5, 3}), integers({5}, 0, 4)},
             added(0, 4)),
      sample("columns", op::IndexAdd{.dim = 1, .size = 5}, {uniform({2, 4}), integers({4}, 0, 5)},
             added(1, 5)),
      sample("wide", op::IndexAdd{.dim = -2, .size = 3}, {uniform({7, 40}), integers({7}, 0, 3)},
             added(0, 3)),
      sample("nothing", op::IndexAdd{.dim = 0, .size = 2}, {uniform({0, 3}), integers({0}, 0, 2)},
             added(0, 2)),
      sample("to_nothing", op::IndexAdd{.dim = 0, .size = 0},
             {uniform({0, 3}), integers({0}, 0, 2)}, added(0, 0)),
      fails("range", op::IndexAdd{.dim = 0, .size = 2},
            {uniform({1, 3}), values({1}, {2}).as(kInt64)},
            "index 2 at position 0 is out of range for dimension 0 of size 2; expected 0 to 1"),
      fails("lengths", op::IndexAdd{.dim = 0, .size = 4}, {uniform({5, 3}), integers({4}, 0, 4)},
            "x [5, 3] has 5 entries in dimension 0, index has 4; expected equal"),
      fails("size", op::IndexAdd{.dim = 0, .size = -1}, {uniform({1}), integers({1}, 0, 1)},
            "size -1; expected 0 or more")};
}

}  // namespace catena::test
