#include "op_suite.hpp"

namespace catena::test {
namespace {

// One sum after the other.
auto layer_of(std::int64_t n) {
  return [=](const std::vector<Array>& in) {
    const Array &x = in[0], &packed = in[1];
    Shape shape = x.shape;
    shape[shape.rank() - 1] = n;
    Array out(shape);
    for_each_index(shape, [&](const Shape& at) {
      Shape from = at;
      const std::int64_t row = at.back();
      for (std::int64_t k = 0; k < packed.shape[1]; ++k) {
        from[from.rank() - 1] = k;
        out.at(at) += x.at(from) * packed.at({row / kPackedRows, k, row % kPackedRows});
      }
      if (in.size() > 2) out.at(at) += in[2].at({row});
    });
    return out;
  };
}

OpSample of(const char* name, const Shape& x, std::int64_t n, bool bias = true) {
  const std::int64_t panels = (n + kPackedRows - 1) / kPackedRows;
  std::vector<InputSpec> in{uniform(x), uniform({panels, x.back(), kPackedRows})};
  if (bias) in.push_back(uniform({n}));
  return sample(name, op::LinearPacked{n}, in, layer_of(n)).tolerance(2e-5, 1e-12);
}

}  // namespace

std::vector<OpSample> samples_LinearPacked() {
  return {
      of("one_panel", {3, 4}, 48),
      of("part_of_a_panel", {3, 4}, 5),
      of("two_panels", {2, 5}, 61),
      of("no_bias", {9, 4}, 50, false),
      of("vector", {7}, 33),
      of("batches", {2, 3, 4}, 17),
      of("more_than_a_tile", {21, 3}, 49),
      of("long", {5, 67}, 96),
      of("no_rows", {0, 4}, 3),
      of("no_inputs", {2, 0}, 3),
      of("no_outputs", {2, 3}, 0),
      of("shared_out", {130, 300}, 200).no_gradient(),
      fails("sizes", op::LinearPacked{5}, {uniform({5, 3}), uniform({1, 4, 48})},
            "[linear_packed] x is [5, 3], packed [1, 4, 48] and out_features 5; expected x [.., k] "
            "and packed [1, k, 48]; make it with pack_weight"),
      fails("panels", op::LinearPacked{49}, {uniform({5, 3}), uniform({1, 3, 48})},
            "expected x [.., k] and packed [2, k, 48]"),
      fails("scalar", op::LinearPacked{5}, {uniform({}), uniform({1, 3, 48})}, "x is []"),
      fails("bias", op::LinearPacked{5}, {uniform({5, 3}), uniform({1, 3, 48}), uniform({3})},
            "bias is [3]; expected [5], an entry for each row of the weight"),
      fails("dtypes", op::LinearPacked{5}, {uniform({5, 3}), uniform({1, 3, 48}).as(kFloat64)},
            "dtypes differ: x is float32, packed is float64; expected equal")};
}

}  // namespace catena::test
