#include "op_suite.hpp"

namespace catena::test {

using List = std::vector<Array>;

std::vector<OpSample> samples_Dropout() {
  return {sample("keeps_all", op::Dropout{.p = 0}, {uniform({3, 4})}, [](double x) { return x; })};
}

std::vector<OpSample> samples_RandomUniform() {
  return {sample("empty", op::RandomUniform{.shape = {0}}, {},
                 [](const List&) { return Array(Shape{0}); })};
}

std::vector<OpSample> samples_RandomNormal() {
  return {sample("empty", op::RandomNormal{.shape = {0}}, {},
                 [](const List&) { return Array(Shape{0}); })};
}

}  // namespace catena::test
