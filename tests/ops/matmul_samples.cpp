#include "op_suite.hpp"

namespace catena::test {

std::vector<OpSample> samples_Matmul() {
  return {sample("matrices", op::Matmul{}, {uniform({3, 4}), uniform({4, 5})},
                 [](const std::vector<Array>& in) {
                   Array out({3, 5});
                   for_each_index(out.shape, [&](const Shape& i) {
                     for (std::int64_t k = 0; k < 4; ++k)
                       out.at(i) += in[0].at({i[0], k}) * in[1].at({k, i[1]});
                   });
                   return out;
                 })};
}

}  // namespace catena::test
