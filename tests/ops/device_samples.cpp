// Copies to and from a GPU are tried in tests/cuda.
#include "op_suite.hpp"

namespace catena::test {

std::vector<OpSample> samples_ToDevice() {
  return {
      sample("basic", op::ToDevice{.device = "cpu"}, {uniform({3, 5})}, [](double x) { return x; })
          .exact(),
      fails("device", op::ToDevice{.device = "tpu"}, {uniform({2})}, "tpu")};
}

}  // namespace catena::test
