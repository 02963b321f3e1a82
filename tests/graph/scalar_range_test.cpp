// Numbers that a dtype does not have: errors, never other numbers. NumPy's, where it compares.
#include <cmath>
#include <cstdint>
#include <limits>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Ints = std::vector<int>;

constexpr std::int64_t kLarge = std::int64_t{1} << 40;

Tensor bytes() { return tensor({0, 44, 255}, kUInt8); }

TEST(ScalarRange, OfFilledTensors) {
  EXPECT_EQ(full({1}, 255, kUInt8).item<int>(), 255);
  EXPECT_EQ(full({1}, 255.9, kUInt8).item<int>(), 255);
  EXPECT_EQ(full({1}, -0.5, kUInt8).item<int>(), 0);
  EXPECT_EQ(full({1}, -0x1p63, kInt64).item<std::int64_t>(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(full({1}, ~std::uint64_t{0}, kUInt64).item<std::uint64_t>(), ~std::uint64_t{0});
  EXPECT_EQ(full({1}, 300, kBool).item<int>(), 1);
  expect_error<ArgumentError>(
      [] { full({1}, 300, kUInt8); },
      {"[full] value 300 for dtype uint8; expected 0 to 255", "scalar_range_test.cpp:"});
  expect_error<ArgumentError>([] { full({1}, -1, kUInt8); }, {"value -1"});
  expect_error<ArgumentError>([] { full({1}, 1e30, kInt32); },
                              {"value 1e+30 for dtype int32; expected -2147483648 to 2147483647"});
  expect_error<ArgumentError>([] { full({1}, std::nan(""), kInt64); }, {"value nan"});
  expect_error<ArgumentError>([] { full({1}, 0x1p63, kInt64); }, {"[full] value"});
  expect_error<ArgumentError>([] { full({1}, ~std::uint64_t{0}, kInt64); },
                              {"value 18446744073709551615"});
  expect_error<ArgumentError>([] { full({1}, -1, kUInt64); }, {"value -1 for dtype uint64"});
  expect_error<ArgumentError>([] { full({1}, 128, kInt8); }, {"expected -128 to 127"});
  expect_error<ArgumentError>([] { zeros({2}, kUInt8).fill_(256); }, {"[fill_] value 256"});
  expect_error<ArgumentError>([] { tensor({1, 300}, kUInt8); }, {"[tensor] value 300"});
}

TEST(ScalarRange, OfSelections) {
  const Tensor x = bytes(), first = tensor({1, 0, 0}, kBool), at = tensor({0}, kInt64);
  expect_error<ArgumentError>(
      [&] { masked_fill(x, first, 300); },
      {"[masked_fill] value 300 for dtype uint8", "scalar_range_test.cpp:"});
  expect_error<ArgumentError>([&] { where(first, x, 300); }, {"[where] value 300"});
  expect_error<ArgumentError>([&] { where(first, -1, x); }, {"[where] value -1"});
  expect_error<ArgumentError>([&] { scatter(x, 0, at, 300); }, {"[scatter] value 300"});
  expect_error<ArgumentError>([&] { maximum(x, -5); }, {"[maximum] value -5"});
  expect_error<ArgumentError>([&] { minimum(x, 300); }, {"[minimum] value 300"});
}

TEST(ScalarRange, OfOperators) {
  const Tensor x = bytes(), i = tensor({0, 1, -7}, kInt32);
  EXPECT_EQ((x == -1).to_vector<int>(), (Ints{0, 0, 0}));
  EXPECT_EQ((x > -1).to_vector<int>(), (Ints{1, 1, 1}));
  EXPECT_EQ((x < 300).to_vector<int>(), (Ints{1, 1, 1}));
  EXPECT_EQ((i < kLarge).to_vector<int>(), (Ints{1, 1, 1}));
  EXPECT_EQ((-kLarge >= i).to_vector<int>(), (Ints{0, 0, 0}));
  EXPECT_EQ((i == kLarge).to_vector<int>(), (Ints{0, 0, 0}));
  // What gives float32 takes the number as such.
  EXPECT_TRUE(close(x / 1000, {0, 0.044, 0.255}));
  EXPECT_TRUE(close(pow(x, -1), {std::numeric_limits<double>::infinity(), 1. / 44, 1. / 255}));
  EXPECT_EQ((x + 1).dtype(), kUInt8);
  expect_error<ArgumentError>(
      [&] { x + 1000; },
      {"[add] value 1000 for dtype uint8; expected 0 to 255", "scalar_range_test.cpp:"});
  expect_error<ArgumentError>([&] { kLarge - i; }, {"[sub] value 1099511627776 for dtype int32"});
  expect_error<ArgumentError>([&] { zeros({2}, kInt64) < ~std::uint64_t{0}; }, {"[less] value"});
}

}  // namespace
}  // namespace catena::test
