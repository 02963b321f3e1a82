#include <cmath>

#include "op_suite.hpp"

namespace catena::test {
namespace {

Array normed(const std::vector<Array>& in) {
  const Array &v = in[0], &g = in[1];
  const auto position = [&](const Shape& at) {
    Shape index;
    for (int d = 0; d < g.shape.rank(); ++d) index.push_back(g.shape[d] == 1 ? 0 : at[d]);
    return g.position(index);
  };
  Array squares(g.shape), w(v.shape);
  for_each_index(v.shape, [&](const Shape& at) { squares[position(at)] += v.at(at) * v.at(at); });
  for_each_index(v.shape, [&](const Shape& at) {
    w.at(at) = v.at(at) * g[position(at)] / std::sqrt(squares[position(at)]);
  });
  return w;
}

}  // namespace

std::vector<OpSample> samples_WeightNorm() {
  const auto add = [](const char* name, const Shape& v, const Shape& g) {
    return sample(name, op::WeightNorm{}, {uniform(v, 0.5, 2), uniform(g)}, normed)
        .tolerance(2e-6, 1e-12);
  };
  const auto wrong = [](const char* name, std::vector<InputSpec> in, const char* error) {
    return fails(name, op::WeightNorm{}, std::move(in), error);
  };
  return {add("rows", {3, 4}, {3, 1}),
          add("columns", {3, 4}, {1, 4}),
          add("filters", {2, 3, 2, 2}, {2, 1, 1, 1}),
          add("whole", {3, 4}, {}),
          add("whole_with_rank", {3, 4}, {1, 1}),
          add("entries", {4}, {4}),
          add("scalar", {}, {}),
          add("nothing", {0, 4}, {0, 1}),
          add("middle", {2, 19, 3}, {1, 19, 1}),
          add("large", {60, 700}, {60, 1}).no_gradient(),
          add("large_columns", {300, 70}, {1, 70}).no_gradient(),
          wrong("shape", {uniform({3, 4}), uniform({4, 1})},
                "[weight_norm] g has shape [4, 1] and v [3, 4]; expected g of rank 0, or of the "
                "rank of v with sizes of 1 but for one, which is that of v"),
          wrong("two_dims", {uniform({3, 4}), uniform({3, 4})}, "[weight_norm] g has shape [3, 4]"),
          wrong("rank", {uniform({3, 4}), uniform({3})}, "[weight_norm] g has shape [3]"),
          wrong("dtype", {uniform({3, 4}), uniform({3, 1}).as(kFloat64)},
                "[weight_norm] g is float64 but v is float32; expected equal dtypes"),
          wrong("integers", {integers({3, 4}, 0, 3), integers({3, 1}, 0, 3)},
                "[weight_norm] v is int64; expected float32 or float64")};
}

}  // namespace catena::test
