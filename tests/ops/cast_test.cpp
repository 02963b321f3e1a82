// Conversions between every pair of dtypes, and rounding to the 16-bit floats.
#include <cmath>
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor doubles(const std::vector<double>& v) {
  return tensor(v, {static_cast<std::int64_t>(v.size())}, kFloat64);
}

TEST(Cast, EveryPairKeepsSmallWholeNumbers) {
  const std::vector<double> whole{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 100, 7, 11, 64, 120, 127};
  for (int from = 0; from < kNumDTypes; ++from) {
    const auto source = static_cast<DType>(from);
    const Tensor x = doubles(whole).to(source);
    for (int to = 0; to < kNumDTypes; ++to) {
      const auto target = static_cast<DType>(to);
      const std::vector<double> got = x.to(target).to_vector<double>();
      // Strided, in reverse order of dimensions.
      const Tensor two = stack(std::vector<Tensor>{x, x}).t();
      const std::vector<double> strided = two.to(target).to_vector<double>();
      for (std::size_t i = 0; i < whole.size(); ++i) {
        const bool boolean = source == kBool || target == kBool;
        const double want = boolean ? (whole[i] != 0) : whole[i];
        EXPECT_EQ(got[i], want) << name_of(source) << " to " << name_of(target);
        EXPECT_EQ(strided[2 * i], want) << name_of(source) << " to " << name_of(target);
        EXPECT_EQ(strided[2 * i + 1], want) << name_of(source) << " to " << name_of(target);
      }
    }
  }
}

template <class Small>
void expect_nearest(DType dtype, double smallest_step) {
  // Every finite 16-bit value, and points just below, at and above the middle to the next one.
  std::vector<double> inputs, expected;
  for (std::uint32_t bits = 0; bits < 0x8000; ++bits) {
    Small low, high;
    low.bits = static_cast<std::uint16_t>(bits);
    high.bits = static_cast<std::uint16_t>(bits + 1);
    const double a = static_cast<float>(low), b = static_cast<float>(high);
    if (!std::isfinite(a) || !std::isfinite(b)) break;
    const double middle = a + (b - a) / 2, even = bits % 2 ? b : a;
    const double nudge = std::max(middle * 0x1p-50, smallest_step * 0x1p-30);
    inputs.insert(inputs.end(), {a, middle, middle - nudge, middle + nudge, -middle});
    expected.insert(expected.end(), {a, even, a, b, -even});
  }
  const Tensor x = doubles(inputs);
  EXPECT_TRUE(close(x.to(dtype), expected, 0, 0)) << "from float64";
  // float32 holds the middles exactly but not the nudged points; those lie on it or beside it.
  const Tensor f = x.to(kFloat32);
  const std::vector<double> rounded = f.to_vector<double>(), got = f.to(dtype).to_vector<double>();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (rounded[i] == inputs[i]) {
      ASSERT_EQ(got[i], expected[i]) << inputs[i];
    }
  }
  // One at a time, and so not through the vector code.
  for (std::size_t i = 0; i < inputs.size(); i += 997)
    EXPECT_EQ(doubles({inputs[i]}).to(dtype).item(), expected[i]);
}

TEST(Cast, Float16IsTheNearestValueTiesToEven) { expect_nearest<Float16>(kFloat16, 0x1p-24); }
TEST(Cast, BFloat16IsTheNearestValueTiesToEven) { expect_nearest<BFloat16>(kBFloat16, 0x1p-133); }

TEST(Cast, Float16Ends) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(close(doubles({65504, 65519.99}).to(kFloat16), {65504, 65504}, 0, 0));
  EXPECT_EQ(doubles({65520}).to(kFloat16).item(), inf);
  EXPECT_EQ(doubles({-1e300}).to(kFloat16).item(), -inf);
  EXPECT_EQ(doubles({inf}).to(kFloat16).item(), inf);
  EXPECT_TRUE(std::isnan(doubles({std::nan("")}).to(kFloat16).item()));
  EXPECT_TRUE(std::isnan(doubles({std::nan("")}).to(kBFloat16).item()));
  EXPECT_EQ(doubles({0x1p-24}).to(kFloat16).item(), 0x1p-24);
  EXPECT_EQ(doubles({0x1p-25}).to(kFloat16).item(), 0.0);
  EXPECT_TRUE(std::signbit(doubles({-0.0}).to(kFloat16).item()));
}

TEST(Cast, Float16RoundTripsAllBits) {
  std::vector<Float16> all(0x10000);
  for (std::uint32_t i = 0; i < 0x10000; ++i) all[i].bits = static_cast<std::uint16_t>(i);
  const Tensor x = tensor(all, {0x10000});
  const Tensor back = x.to(kFloat32).to(kFloat16);
  const Float16* y = back.data<Float16>();
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const bool nan = (i & 0x7fff) > 0x7c00;
    EXPECT_EQ(y[i].bits, nan ? (i | 0x200) : i);
  }
}

TEST(Cast, LargeIntegersRoundOnceToBFloat16) {
  // Just above the middle of two neighbours: rounding to double first would lose the last bit.
  const std::int64_t middle = (std::int64_t{1} << 61) + (std::int64_t{1} << 53);
  const std::vector<std::int64_t> v{middle + 1, middle, middle - 1, -middle - 1};
  const double low = 0x1p61, high = 0x1p61 + 0x1p54;
  EXPECT_TRUE(close(tensor(v, {4}).to(kBFloat16), {high, low, low, -high}, 0, 0));
}

TEST(Cast, RealsToIntegersStopAtTheEnds) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> v{std::nan(""), inf, -inf, 1e30, -1e30, 2.9, -2.9};
  for (const DType real : {kFloat32, kFloat64}) {
    const Tensor x = doubles(v).to(real);
    EXPECT_EQ(x.to(kInt32).to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{0, 2147483647, -2147483648LL, 2147483647, -2147483648LL, 2,
                                         -2}));
    EXPECT_EQ(x.to(kInt64).to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{0, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, 2, -2}));
    EXPECT_EQ(x.to(kUInt8).to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{0, 255, 0, 255, 0, 2, 0}));
    EXPECT_EQ(x.to(kUInt64).to_vector<std::uint64_t>(),
              (std::vector<std::uint64_t>{0, UINT64_MAX, 0, UINT64_MAX, 0, 2, 0}));
  }
  EXPECT_EQ(doubles({2147483647.0, 2147483648.0, 9007199254740993.0})
                .to(kInt32)
                .to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{2147483647, 2147483647, 2147483647}));
}

TEST(Cast, IntegersKeepTheirLowBits) {
  EXPECT_EQ(tensor(std::vector<std::int64_t>{256, 300, -1}, {3}).to(kUInt8).to_vector<int>(),
            (std::vector<int>{0, 44, 255}));
}

TEST(Cast, ToTheSameDtypeIsTheTensorItself) {
  const Tensor x = ones({3});
  EXPECT_TRUE(x.to(kFloat32).is_same(x));
}

TEST(Cast, GradientComesBackInTheDtypeOfTheInput) {
  Tensor x = ones({3}).set_requires_grad();
  (x.to(kFloat64) * 2.0).backward(doubles({1, 2, 3}));
  EXPECT_EQ(x.grad().dtype(), kFloat32);
  EXPECT_TRUE(close(x.grad(), {2, 4, 6}));
  Tensor h = ones({2}, kFloat16).set_requires_grad();
  h.to(kFloat32).backward(ones({2}));
  EXPECT_EQ(h.grad().dtype(), kFloat16);
}

TEST(Clone, LargeTransposesAreCopiedInOrder) {
  for (const DType dtype : {kFloat32, kFloat64, kUInt8, kInt16}) {
    std::vector<std::int32_t> v(131 * 517);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<std::int32_t>(i * 7 % 113);
    const Tensor x = tensor(v, {131, 517}).to(dtype);
    const Tensor y = x.t().contiguous();
    EXPECT_TRUE(y.is_contiguous());
    const std::vector<std::int64_t> got = y.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < 517; ++i)
      for (std::size_t j = 0; j < 131; ++j) ASSERT_EQ(got[i * 131 + j], v[j * 517 + i]);
  }
}

TEST(Clone, HasMemoryOfItsOwn) {
  const Tensor x = ones({2, 3});
  Tensor y = x.clone();
  EXPECT_FALSE(y.shares_storage(x));
  EXPECT_TRUE(x.contiguous().is_same(x));
  EXPECT_FALSE(x.t().contiguous().shares_storage(x));
}

}  // namespace
}  // namespace catena::test
