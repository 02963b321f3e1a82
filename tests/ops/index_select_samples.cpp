#include "op_suite.hpp"

namespace catena::test {

using List = std::vector<Array>;

std::vector<OpSample> samples_IndexSelect() {
  return {sample("rows", op::IndexSelect{.dim = 0}, {uniform({4, 3}), integers({5}, 0, 4)},
                 [](const List& in) {
                   Array out({5, 3});
                   for_each_index(out.shape, [&](const Shape& i) {
                     out.at(i) = in[0].at({static_cast<std::int64_t>(in[1][i[0]]), i[1]});
                   });
                   return out;
                 })
              .exact()};
}

std::vector<OpSample> samples_IndexAdd() {
  return {sample("rows", op::IndexAdd{.dim = 0, .size = 4}, {uniform({5, 3}), integers({5}, 0, 4)},
                 [](const List& in) {
                   Array out({4, 3});
                   for_each_index(in[0].shape, [&](const Shape& i) {
                     out.at({static_cast<std::int64_t>(in[1][i[0]]), i[1]}) += in[0].at(i);
                   });
                   return out;
                 })};
}

}  // namespace catena::test
