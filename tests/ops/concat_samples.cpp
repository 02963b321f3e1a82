#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

Reference joined(int dim) {
  return reference([dim](const List& in) {
    Shape shape = in[0].shape;
    for (std::size_t k = 1; k < in.size(); ++k) shape[dim] += in[k].shape[dim];
    Array out(shape);
    std::int64_t begin = 0;
    for (const Array& a : in) {
      for_each_index(a.shape, [&](const Shape& at) {
        Shape to = at;
        to[dim] += begin;
        out.at(to) = a.at(at);
      });
      begin += a.shape[dim];
    }
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_Concat() {
  const std::vector<InputSpec> five{uniform({3}), uniform({1}), uniform({0}), uniform({4}),
                                    uniform({2})};
  return {
      sample("rows", op::Concat{.dim = 0}, {uniform({2, 3}), uniform({1, 3})}, joined(0)).exact(),
      sample("columns", op::Concat{.dim = 1}, {uniform({2, 3}), uniform({2, 1})}, joined(1))
          .exact(),
      sample("middle", op::Concat{.dim = -2},
             {uniform({2, 1, 3}), uniform({2, 2, 3}), uniform({2, 4, 3})}, joined(1))
          .exact(),
      sample("many", op::Concat{.dim = 0}, five, joined(0)).exact(),
      // The gradient of one input needs the sizes of those before it.
      sample("constants_before", op::Concat{.dim = 0}, five, joined(0))
          .exact()
          .constant(0)
          .constant(1)
          .constant(4),
      sample("one", op::Concat{.dim = 0}, {uniform({2, 2})}, joined(0)).exact(),
      sample("empty", op::Concat{.dim = 0}, {uniform({0, 3}), uniform({0, 3})}, joined(0)),
      fails("none", op::Concat{}, {}, "0 inputs given; expected 1 or more"),
      fails("sizes", op::Concat{.dim = 0}, {uniform({2, 3}), uniform({2, 4})},
            "sizes differ in dimension 1: x0 [2, 3] has 3, x1 [2, 4] has 4; expected equal in all "
            "dimensions but 0"),
      fails("ranks", op::Concat{.dim = 0}, {uniform({2, 3}), uniform({3})},
            "numbers of dimensions differ: x0 [2, 3] has 2, x1 [3] has 1; expected equal"),
      fails("dtypes", op::Concat{.dim = 0}, {uniform({2}), uniform({2}).as(kFloat64)},
            "dtypes differ: x0 float32, x1 float64; expected equal; convert one with to(dtype)"),
      fails("dim", op::Concat{.dim = 2}, {uniform({2, 3}), uniform({2, 3})}, "dim"),
      fails("scalars", op::Concat{}, {uniform({}), uniform({})}, "x0 is 0-d")};
}

}  // namespace catena::test
