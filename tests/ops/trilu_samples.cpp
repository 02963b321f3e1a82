#include "op_suite.hpp"

namespace catena::test {
namespace {

OpSample triangle(const std::string& name, bool upper, std::int64_t diagonal, const Shape& shape) {
  const op::Trilu op{.upper = upper, .diagonal = diagonal};
  return sample(name, op, {uniform(shape)},
                [op](const std::vector<Array>& in) {
                  Array out(in[0].shape);
                  for_each_index(out.shape, [&](const Shape& at) {
                    const std::int64_t d = at[at.rank() - 1] - at[at.rank() - 2];
                    if (op.upper ? d >= op.diagonal : d <= op.diagonal) out.at(at) = in[0].at(at);
                  });
                  return out;
                })
      .exact();
}

}  // namespace

std::vector<OpSample> samples_Trilu() {
  return {triangle("upper", true, 0, {3, 4}),
          triangle("lower", false, 0, {4, 3}),
          triangle("above", true, 1, {4, 4}),
          triangle("below", false, -2, {4, 5}),
          triangle("band", false, 2, {2, 3, 5}),
          triangle("wide", true, -1, {2, 2, 3, 2}),
          triangle("all", true, -100, {3, 2}),
          triangle("far", false, INT64_MAX, {3, 2}),
          triangle("none", false, INT64_MIN, {3, 2}),
          triangle("empty", true, 0, {2, 0, 3}),
          triangle("large", true, 3, {2, 400, 500}).no_gradient(),
          fails("vector", op::Trilu{}, {uniform({3})},
                "x has shape [3]; expected at least two dimensions")};
}

}  // namespace catena::test
