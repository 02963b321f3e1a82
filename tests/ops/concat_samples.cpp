#include "op_suite.hpp"

namespace catena::test {

std::vector<OpSample> samples_Concat() {
  return {sample("rows", op::Concat{.dim = 0}, {uniform({2, 3}), uniform({1, 3})},
                 [](const std::vector<Array>& in) {
                   Array out({3, 3}, in[0].values);
                   out.values.insert(out.values.end(), in[1].values.begin(), in[1].values.end());
                   return out;
                 })
              .exact()};
}

}  // namespace catena::test
