#include <cmath>
#include <limits>

#include "op_suite.hpp"

namespace catena::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// Pairs of dtypes and the ends of their ranges are in cast_test.cpp.
std::vector<OpSample> samples_Cast() {
  auto same = [](double x) { return x; };
  auto truncated = [](double x) { return std::trunc(x); };
  const DTypeSet floats = kFloatTypes;
  return {
      sample("to_float64", op::Cast{kFloat64}, {uniform({3, 4})}, same).exact(),
      // Central differences cannot be taken through 32 bits.
      sample("to_float32", op::Cast{kFloat32}, {uniform({67})}, same).exact().no_gradient(),
      sample("to_float16", op::Cast{kFloat16}, {uniform({67})}, same)
          .only(DTypeSet(kFloat32, kInt32))
          .no_gradient(),
      sample("to_bfloat16", op::Cast{kBFloat16}, {uniform({67})}, same)
          .only(DTypeSet(kFloat32, kInt32))
          .no_gradient(),
      sample("to_int32", op::Cast{kInt32}, {uniform({3, 4}, -9, 9)}, truncated).no_gradient(),
      sample("to_uint8", op::Cast{kUInt8}, {uniform({70}, 0, 99)}, truncated).no_gradient(),
      sample("to_bool", op::Cast{kBool}, {values({5}, {0, -0.0, 0.25, -3, 1})}, same)
          .only(floats)
          .no_gradient(),
      sample("saturates", op::Cast{kInt8}, {values({6}, {kNaN, kInf, -kInf, 127.9, -1e9, -128.5})},
             [](const std::vector<Array>&) {
               return Array({6}, {0, 127, -128, 127, -128, -128});
             })
          .only(floats)
          .no_gradient(),
      sample("empty", op::Cast{kFloat64}, {uniform({2, 0, 3})}, same),
      sample("scalar", op::Cast{kFloat64}, {uniform({})}, same).exact(),
      fails("no_inputs", op::Cast{kFloat64}, {}, "0 inputs given; expected 1")};
}

std::vector<OpSample> samples_Clone() {
  auto same = [](double x) { return x; };
  return {sample("basic", op::Clone{}, {uniform({3, 4})}, same).exact(),
          sample("tall", op::Clone{}, {uniform({70, 5, 9})}, same).exact(),
          sample("empty", op::Clone{}, {uniform({0, 4})}, same),
          sample("scalar", op::Clone{}, {uniform({})}, same).exact()};
}

}  // namespace catena::test
