#include "op_suite.hpp"

namespace catena::test {

using List = std::vector<Array>;

std::vector<OpSample> samples_Slice() {
  return {sample("steps", op::Slice{.start = {1, 0}, .length = {2, 2}, .step = {1, 3}},
                 {uniform({3, 4})},
                 [](const List& in) {
                   Array out({2, 2});
                   for_each_index(out.shape, [&](const Shape& i) {
                     out.at(i) = in[0].at({1 + i[0], 3 * i[1]});
                   });
                   return out;
                 })
              .exact()};
}

std::vector<OpSample> samples_SliceAdjoint() {
  return {sample("steps", op::SliceAdjoint{.shape = {3, 4}, .start = {1, 0}, .step = {1, 3}},
                 {uniform({2, 2})},
                 [](const List& in) {
                   Array out({3, 4});
                   for_each_index(in[0].shape, [&](const Shape& i) {
                     out.at({1 + i[0], 3 * i[1]}) = in[0].at(i);
                   });
                   return out;
                 })
              .exact()};
}

}  // namespace catena::test
