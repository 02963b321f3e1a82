// Expected texts are NumPy's (array2string with separator ', ').
#include <limits>
#include <sstream>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNaN = std::numeric_limits<double>::quiet_NaN();

Tensor f64(const std::vector<double>& v) {
  return tensor(v, {static_cast<std::int64_t>(v.size())}, kFloat64);
}
std::string without_dtype(const Tensor& t) {
  const std::string s = t.to_string();
  return s.substr(0, s.rfind(", dtype="));
}

TEST(Print, Reals) {
  EXPECT_EQ(tensor({1, 2, 3}).to_string(), "[1., 2., 3.]");
  EXPECT_EQ(tensor({1, 2.5, -3.25}).to_string(), "[ 1.  ,  2.5 , -3.25]");
  EXPECT_EQ(tensor({0.1, 0.2, 1.0 / 3}).to_string(), "[0.1       , 0.2       , 0.33333334]");
  EXPECT_EQ(tensor({100, 0.5}).to_string(), "[100. ,   0.5]");
  EXPECT_EQ(tensor({0, 0}).to_string(), "[0., 0.]");
  EXPECT_EQ(tensor({-0.0, 1}).to_string(), "[-0.,  1.]");
  EXPECT_EQ(tensor({999999, 1000000}).to_string(), "[ 999999., 1000000.]");
}

TEST(Print, ScientificWhenValuesAreFarApart) {
  EXPECT_EQ(tensor({1e-5, 1}).to_string(), "[1.e-05, 1.e+00]");
  EXPECT_EQ(tensor({1e8, 1}).to_string(), "[1.e+08, 1.e+00]");
  EXPECT_EQ(tensor({1.5, 2000}).to_string(), "[1.5e+00, 2.0e+03]");
  EXPECT_EQ(tensor({-1.25e10, 3}).to_string(), "[-1.25e+10,  3.00e+00]");
  EXPECT_EQ(without_dtype(f64({1e100, 1e-5})), "[1.e+100, 1.e-005]");
  EXPECT_EQ(without_dtype(f64({1.0 / 3 * 1e-9})), "[3.33333333e-10]");
}

TEST(Print, NanAndInfinity) {
  EXPECT_EQ(tensor({kNaN, 1}).to_string(), "[nan,  1.]");
  EXPECT_EQ(tensor({kInf, -kInf, 1.5}).to_string(), "[ inf, -inf,  1.5]");
  EXPECT_EQ(tensor({kInf, 1}).to_string(), "[inf,  1.]");
  EXPECT_EQ(tensor({kNaN, kNaN}).to_string(), "[nan, nan]");
  EXPECT_EQ(tensor({kNaN, 1e-10}).to_string(), "[   nan, 1.e-10]");
}

TEST(Print, IntegersAndBool) {
  EXPECT_EQ(tensor({1, -20, 300}, kInt64).to_string(), "[  1, -20, 300]");
  EXPECT_EQ(tensor({true, false}, kBool).to_string(), "[ True, False]");
  EXPECT_EQ(tensor({1, 2}, kInt32).to_string(), "[1, 2], dtype=int32");
  EXPECT_EQ(tensor({1, 255}, kUInt8).to_string(), "[  1, 255], dtype=uint8");
  EXPECT_EQ(tensor(std::vector<std::uint64_t>{UINT64_MAX}, {1}).to_string(),
            "[18446744073709551615], dtype=uint64");
}

TEST(Print, SmallFloats) {
  EXPECT_EQ(tensor({0.1, 2}, kFloat16).to_string(), "[0.1, 2. ], dtype=float16");
  EXPECT_EQ(tensor({0.1, 2}, kBFloat16).to_string(), "[0.1, 2. ], dtype=bfloat16");
  EXPECT_EQ(tensor({65504}, kFloat16).to_string(), "[65500.], dtype=float16");
}

TEST(Print, ScalarsAndEmpty) {
  EXPECT_EQ(tensor(3.5).to_string(), "3.5");
  EXPECT_EQ(tensor(7, kInt64).to_string(), "7");
  EXPECT_EQ(tensor(true, kBool).to_string(), "True");
  EXPECT_EQ(zeros({0}).to_string(), "[]");
  EXPECT_EQ(zeros({0, 3}).to_string(), "[], shape=[0, 3]");
  EXPECT_EQ(zeros({2, 0}, kFloat64).to_string(), "[], shape=[2, 0], dtype=float64");
  EXPECT_EQ(Tensor().to_string(), "undefined");
}

TEST(Print, MoreDimensions) {
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).to_string(), "[[1., 2.],\n [3., 4.]]");
  EXPECT_EQ(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, kInt64).to_string(),
            "[[[1, 2],\n  [3, 4]],\n\n [[5, 6],\n  [7, 8]]]");
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).t().to_string(), "[[1., 3.],\n [2., 4.]]");
}

TEST(Print, LongLinesWrap) {
  std::vector<std::int64_t> v;
  for (std::int64_t i = 0; i < 30; ++i) v.push_back(i);
  EXPECT_EQ(tensor(v, {30}).to_string(),
            "[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            " 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]");
}

TEST(Print, LargeTensorsAreSummarised) {
  std::vector<std::int64_t> v;
  for (std::int64_t i = 0; i < 1001; ++i) v.push_back(i);
  EXPECT_EQ(tensor(v, {1001}).to_string(), "[   0,    1,    2, ...,  998,  999, 1000]");
  // Only what is shown decides the format.
  std::vector<float> w(2000, 1.0f);
  w[1000] = 1e20f;
  EXPECT_EQ(tensor(w, {1000, 2}).to_string(),
            "[[1., 1.],\n [1., 1.],\n [1., 1.],\n ...,\n [1., 1.],\n [1., 1.],\n [1., 1.]]");
  v.resize(1000);
  EXPECT_EQ(tensor(v, {1000}).to_string().find("..."), std::string::npos);
}

TEST(Print, StreamsAndPendingValues) {
  const DeferralScope deferred(true, 1);
  std::ostringstream out;
  out << tensor({1, 2}) + tensor({3, 4});
  EXPECT_EQ(out.str(), "[4., 6.]");
}

}  // namespace
}  // namespace catena::test
