#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// Calls f(where an entry of the index stands, the entry of x it names).
template <class F>
void for_each_entry(const Array& index, const Shape& x, int dim, F&& f) {
  for_each_index(index.shape, [&](const Shape& at) {
    Shape to = at;
    to[dim] = static_cast<std::int64_t>(index.at(at));
    if (to[dim] < 0) to[dim] += x[dim];
    f(at, to);
  });
}

Reference gathered(int dim) {
  return reference([dim](const List& in) {
    Array out(in[1].shape);
    for_each_entry(in[1], in[0].shape, dim,
                   [&](const Shape& at, const Shape& from) { out.at(at) = in[0].at(from); });
    return out;
  });
}
Reference scattered(int dim, bool add) {
  return reference([dim, add](const List& in) {
    Array out = in[0];
    for_each_entry(in[1], in[0].shape, dim, [&](const Shape& at, const Shape& to) {
      out.at(to) = in[2].at(at) + (add ? out.at(to) : 0);
    });
    return out;
  });
}

InputSpec picks(const Shape& shape, std::vector<double> v) {
  return values(shape, std::move(v)).as(kInt64);
}

}  // namespace

std::vector<OpSample> samples_Gather() {
  return {
      sample("rows", op::Gather{.dim = 0}, {uniform({4, 3}), integers({5, 3}, 0, 4)}, gathered(0))
          .exact(),
      sample("columns", op::Gather{.dim = -1}, {uniform({3, 4}), integers({3, 6}, -4, 4)},
             gathered(1))
          .exact(),
      sample("middle", op::Gather{.dim = 1}, {uniform({2, 3, 4}), integers({2, 5, 4}, -3, 3)},
             gathered(1))
          .exact(),
      sample("smaller", op::Gather{.dim = 1}, {uniform({3, 4, 2}), integers({2, 3, 1}, 0, 4)},
             gathered(1))
          .exact(),
      sample("int32", op::Gather{.dim = 0}, {uniform({5}), integers({7}, 0, 5).as(kInt32)},
             gathered(0))
          .exact(),
      sample("long", op::Gather{.dim = 1}, {uniform({3, 50}), integers({3, 40000}, 0, 50)},
             gathered(1))
          .exact()
          .no_gradient(),
      sample("nothing", op::Gather{.dim = 0}, {uniform({3, 2}), integers({0, 2}, 0, 3)},
             gathered(0)),
      sample("of_nothing", op::Gather{.dim = 1}, {uniform({0, 2}), integers({0, 3}, 0, 2)},
             gathered(1)),
      fails(
          "range", op::Gather{.dim = 1}, {uniform({2, 3}), picks({2, 2}, {0, 1, 3, 0})},
          "index 3 at position [1, 0] is out of range for dimension 1 of size 3; expected -3 to 2"),
      fails("below", op::Gather{.dim = 0}, {uniform({3}), picks({2}, {-3, -4})},
            "index -4 at position 1 is out of range for dimension 0 of size 3; expected -3 to 2"),
      fails("from_nothing", op::Gather{.dim = 0}, {uniform({0}), picks({1}, {0})},
            "dimension 0 of size 0; expected a dimension with entries"),
      fails("rank", op::Gather{.dim = 0}, {uniform({3, 2}), integers({2}, 0, 3)},
            "numbers of dimensions differ: x [3, 2] has 2, index [2] has 1; expected equal"),
      fails(
          "larger", op::Gather{.dim = 0}, {uniform({3, 2}), integers({2, 4}, 0, 3)},
          "index [2, 4] has 4 entries in dimension 1, x [3, 2] has 2; expected at most as many in "
          "all dimensions but 0; take_along_dim broadcasts"),
      fails("dtype", op::Gather{.dim = 0}, {uniform({3}), uniform({2}, 0, 3)}, "int64"),
      fails("scalar", op::Gather{.dim = 0}, {uniform({}), integers({}, 0, 1)}, "x is 0-d"),
      fails("dim", op::Gather{.dim = 2}, {uniform({3}), integers({1}, 0, 1)}, "dim")};
}

std::vector<OpSample> samples_Scatter() {
  return {
      sample("rows", op::Scatter{.dim = 0},
             {uniform({4, 3}), integers({2, 3}, 0, 4), uniform({2, 3})}, scattered(0, false))
          .exact(),
      // Entries that meet: the last one stays and alone has a gradient.
      sample("twice", op::Scatter{.dim = -1},
             {uniform({2, 3}), picks({2, 4}, {0, 2, 0, -1, 1, 1, -3, 1}), uniform({2, 4})},
             scattered(1, false))
          .exact(),
      sample("middle", op::Scatter{.dim = 1},
             {uniform({2, 5, 3}), integers({2, 3, 2}, -5, 5).as(kInt32), uniform({2, 3, 2})},
             scattered(1, false))
          .exact(),
      sample("nothing", op::Scatter{.dim = 0},
             {uniform({2, 2}), integers({0, 2}, 0, 2), uniform({0, 2})}, scattered(0, false))
          .exact(),
      sample("constant_src", op::Scatter{.dim = 0},
             {uniform({4}), integers({3}, 0, 4), uniform({3})}, scattered(0, false))
          .exact()
          .constant(2),
      fails("range", op::Scatter{.dim = 0}, {uniform({2}), picks({1}, {2}), uniform({1})},
            "index 2 at position 0 is out of range for dimension 0 of size 2; expected -2 to 1"),
      fails("src", op::Scatter{.dim = 0}, {uniform({2}), picks({1}, {1}), uniform({2})},
            "src has shape [2], index [1]; expected equal shapes"),
      fails("dtypes", op::Scatter{.dim = 0},
            {uniform({2}), picks({1}, {1}), uniform({1}).as(kFloat64)},
            "dtypes differ: x float32, src float64; expected equal; convert one with to(dtype)")};
}

std::vector<OpSample> samples_ScatterAdd() {
  return {
      sample("rows", op::ScatterAdd{.dim = 0},
             {uniform({4, 3}), integers({6, 3}, 0, 4), uniform({6, 3})}, scattered(0, true)),
      sample("columns", op::ScatterAdd{.dim = -1},
             {uniform({2, 3}), integers({2, 7}, -3, 3), uniform({2, 7})}, scattered(1, true)),
      sample("middle", op::ScatterAdd{.dim = 1},
             {uniform({3, 2, 4}), integers({2, 5, 3}, 0, 2).as(kInt32), uniform({2, 5, 3})},
             scattered(1, true)),
      // Several ranges of columns and of blocks: sums in one order for any number of threads.
      sample("wide", op::ScatterAdd{.dim = 0},
             {uniform({3, 1100}), integers({80, 1100}, 0, 3), uniform({80, 1100})},
             scattered(0, true))
          .tolerance(2e-5, 1e-12)
          .no_gradient(),
      sample("blocks", op::ScatterAdd{.dim = 1},
             {uniform({600, 5}), integers({600, 90}, 0, 5), uniform({600, 90})}, scattered(1, true))
          .tolerance(2e-5, 1e-12)
          .no_gradient(),
      sample("nothing", op::ScatterAdd{.dim = 0},
             {uniform({0, 3}), integers({0, 3}, 0, 2), uniform({0, 3})}, scattered(0, true)),
      fails("range", op::ScatterAdd{.dim = 1},
            {uniform({1, 2}), picks({1, 1}, {2}), uniform({1, 1})},
            "index 2 at position [0, 0] is out of range for dimension 1 of size 2; expected -2 to "
            "1"),
      fails("src", op::ScatterAdd{.dim = 0}, {uniform({2}), picks({1}, {1}), uniform({2})},
            "src has shape [2], index [1]; expected equal shapes")};
}

}  // namespace catena::test
