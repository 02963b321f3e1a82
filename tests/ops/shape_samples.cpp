#include "op_suite.hpp"

namespace catena::test {

using List = std::vector<Array>;

std::vector<OpSample> samples_Reshape() {
  return {sample("basic", op::Reshape{Shape{4, 3}}, {uniform({3, 4})}, [](const List& in) {
            return Array({4, 3}, in[0].values);
          }).exact()};
}

std::vector<OpSample> samples_Transpose() {
  return {sample("matrix", op::Transpose{Shape{1, 0}}, {uniform({3, 4})}, [](const List& in) {
            Array out({4, 3});
            for_each_index(out.shape, [&](const Shape& i) { out.at(i) = in[0].at({i[1], i[0]}); });
            return out;
          }).exact()};
}

std::vector<OpSample> samples_Expand() {
  return {sample("rows", op::Expand{Shape{2, 3, 4}}, {uniform({3, 1})}, [](const List& in) {
            Array out({2, 3, 4});
            for_each_index(out.shape, [&](const Shape& i) { out.at(i) = broadcast_at(in[0], i); });
            return out;
          }).exact()};
}

}  // namespace catena::test
