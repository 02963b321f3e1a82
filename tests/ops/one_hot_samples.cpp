#include "op_suite.hpp"

namespace catena::test {
namespace {

Reference hot(std::int64_t classes) {
  return reference([classes](const std::vector<Array>& in) {
    Shape shape = in[0].shape;
    shape.push_back(classes);
    Array out(shape);
    for (std::int64_t i = 0; i < in[0].shape.numel(); ++i)
      out[i * classes + static_cast<std::int64_t>(in[0][i])] = 1;
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_OneHot() {
  return {
      sample("vector", op::OneHot{.classes = 4}, {integers({5}, 0, 4)}, hot(4)),
      sample("matrix", op::OneHot{.classes = 3, .dtype = kFloat32}, {integers({2, 3}, 0, 3)},
             hot(3)),
      sample("scalar", op::OneHot{.classes = 2, .dtype = kBool}, {integers({}, 0, 2).as(kInt32)},
             hot(2)),
      sample("double", op::OneHot{.classes = 2, .dtype = kFloat64}, {integers({3}, 0, 2)}, hot(2)),
      sample("bytes", op::OneHot{.classes = 300, .dtype = kUInt8}, {integers({500}, 0, 300)},
             hot(300)),
      sample("nothing", op::OneHot{.classes = 0}, {integers({0}, 0, 1)}, hot(0)),
      fails("range", op::OneHot{.classes = 3}, {values({2}, {1, 3}).as(kInt64)},
            "index 3 at position 1 is out of range for dimension 1 of size 3; expected 0 to 2"),
      fails("negative", op::OneHot{.classes = 3}, {values({1, 1}, {-1}).as(kInt32)},
            "index -1 at position [0, 0] is out of range for dimension 2 of size 3"),
      fails("classes", op::OneHot{.classes = -1}, {integers({1}, 0, 1)},
            "classes -1; expected 0 or more"),
      fails("dtype", op::OneHot{.classes = 3}, {uniform({2}, 0, 3)}, "int64"),
      fails("result", op::OneHot{.classes = 3, .dtype = kFloat16}, {integers({2}, 0, 3)},
            "dtype float16; expected float32")};
}

}  // namespace catena::test
