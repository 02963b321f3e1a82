#include "op_suite.hpp"

namespace catena::test {
namespace {

Reference looked_up() {
  return reference([](const std::vector<Array>& in) {
    Shape shape = in[1].shape;
    shape.push_back(in[0].shape[1]);
    Array out(shape);
    const std::int64_t width = in[0].shape[1];
    for (std::int64_t i = 0; i < out.shape.numel(); ++i)
      out[i] = in[0][static_cast<std::int64_t>(in[1][i / width]) * width + i % width];
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_Embedding() {
  return {
      sample("matrix", op::Embedding{}, {uniform({5, 3}), integers({2, 4}, 0, 5)}, looked_up())
          .exact(),
      sample("vector", op::Embedding{}, {uniform({4, 2}), integers({6}, 0, 4).as(kInt32)},
             looked_up())
          .exact(),
      sample("one", op::Embedding{}, {uniform({4, 1}), integers({}, 0, 4)}, looked_up()).exact(),
      sample("nothing", op::Embedding{}, {uniform({4, 2}), integers({0, 3}, 0, 4)}, looked_up()),
      sample("wide", op::Embedding{}, {uniform({9, 700}), integers({40, 10}, 0, 9)}, looked_up())
          .exact()
          .no_gradient(),
      // The row read nowhere else keeps its gradient of 0 in the differences too.
      sample("padding", op::Embedding{.padding_idx = 0}, {uniform({4, 2}), integers({3, 2}, 1, 4)},
             looked_up())
          .exact(),
      fails(
          "range", op::Embedding{}, {uniform({4, 2}), values({1, 2}, {0, 4}).as(kInt64)},
          "index 4 at position [0, 1] is out of range for dimension 0 of size 4; expected 0 to 3"),
      fails("negative", op::Embedding{}, {uniform({4, 2}), values({1}, {-1}).as(kInt64)},
            "index -1 at position 0 is out of range for dimension 0 of size 4; expected 0 to 3"),
      fails("table", op::Embedding{}, {uniform({4}), integers({1}, 0, 4)},
            "table has shape [4]; expected [rows, width]"),
      fails("dtype", op::Embedding{}, {uniform({4, 2}), uniform({1}, 0, 4)}, "int64"),
      fails("padding_row", op::Embedding{.padding_idx = 4}, {uniform({4, 2}), integers({1}, 0, 4)},
            "padding_idx 4 for table [4, 2]; expected a row from 0 to 3, or -1 for none")};
}

}  // namespace catena::test
