// Pairs of numbers, negative ones, names of modes. Numbers are PyTorch's.
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Pad, PairsBelongToTheLastDimensions) {
  const Tensor x = tensor({{{1, 2}, {3, 4}}});
  const Tensor y = pad(x, {{1, 0}, {0, 1}}, PadMode::kConstant, 9);
  EXPECT_EQ(y.shape(), (Shape{1, 3, 3}));
  EXPECT_TRUE(close(y, {9, 9, 9, 1, 2, 9, 3, 4, 9}));
  EXPECT_TRUE(close(pad(x, {{1, 1}}, PadMode::kReflect), {2, 1, 2, 1, 4, 3, 4, 3}));
  // Negative numbers cut.
  Tensor line = arange(0, 5, 1, TensorOptions(kFloat32)).set_requires_grad();
  const Tensor cut = pad(line, {{-2, 1}});
  EXPECT_TRUE(close(cut, {2, 3, 4, 0}));
  sum(cut).backward();
  EXPECT_TRUE(close(line.grad(), {0, 0, 1, 1, 1}));
  EXPECT_TRUE(close(pad(line.detach(), {{2, -4}}, PadMode::kConstant, 7), {7, 7, 0}));
  expect_error<ArgumentError>(
      [&] {
        pad(line, {{-3, -3}});
      },
      {"[pad] dimension 0 of [5] is padded by -3 and -3; expected to cut "
       "off at most its 5 entries"});
  expect_error<ArgumentError>(
      [&] {
        pad(line, {{0, 0}, {1, 1}});
      },
      {"[pad] 2 pairs for x [5]; expected at most 1, one per dimension", "pad_test.cpp"});
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  expect_error<ArgumentError>(
      [&] {
        pad(line, {{least, 0}});
      },
      {"[pad] dimension 0 of [5] is padded by -9223372036854775808 and 0; expected to cut"});
  EXPECT_EQ(pad_mode_from_name("circular"), PadMode::kCircular);
  expect_error<ArgumentError>([] { pad_mode_from_name("edge"); },
                              {"[pad] unknown mode \"edge\"", "pad_test.cpp:"});
}

TEST(Pad, ValuesAreExactOrErrors) {
  const Tensor x = tensor({1}, kInt64);
  const std::int64_t exact = std::int64_t{1} << 53;
  const auto padded = [](const Tensor& t, Scalar value) {
    return pad(t, {{1, 0}}, PadMode::kConstant, value)[0].item<std::int64_t>();
  };
  EXPECT_EQ(padded(x, exact), exact);
  EXPECT_EQ(padded(x, std::numeric_limits<std::int64_t>::min()),
            std::numeric_limits<std::int64_t>::min());
  expect_error<ArgumentError>([&] { padded(x, exact + 1); },
                              {"[pad] value 9007199254740993 for x of dtype int64; expected a "
                               "number that float64 has exactly",
                               "pad_test.cpp:"});
  expect_error<ArgumentError>([&] { padded(x, std::numeric_limits<std::int64_t>::max()); },
                              {"[pad] value 9223372036854775807 for x of dtype int64"});
  expect_error<ArgumentError>([&] { padded(x.to(kUInt8), 256); }, {"[pad] value 256"});
}

}  // namespace
}  // namespace catena::test
