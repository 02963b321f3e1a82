#include "catena/xtensor.hpp"

#include <xtensor/xarray.hpp>
#include <xtensor/xio.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

TEST(Xtensor, FromContainersAndExpressions) {
  const xt::xarray<double> a{{1, 2, 3}, {4, 5, 6}};
  const Tensor t = from_xtensor(a);
  EXPECT_EQ(t.dtype(), kFloat64);
  EXPECT_EQ(t.shape(), (Shape{2, 3}));
  EXPECT_EQ(t.to_vector(), (Vec{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(from_xtensor(a + 1).to_vector(), (Vec{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(from_xtensor(xt::transpose(a)).to_vector(), (Vec{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(from_xtensor(xt::sum(a, {0})).to_vector(), (Vec{5, 7, 9}));
  EXPECT_EQ(from_xtensor(xt::view(a, xt::all(), 1)).to_vector(), (Vec{2, 5}));
  EXPECT_EQ(from_xtensor(xt::xarray<float>{1, 2}).dtype(), kFloat32);
  EXPECT_EQ(from_xtensor(xt::xarray<int>{1, 2}).dtype(), kInt32);
  EXPECT_EQ(from_xtensor(a > 3).dtype(), kBool);
  EXPECT_EQ(from_xtensor(xt::xarray<double>(5.0)).shape(), Shape());
  EXPECT_TRUE(from_xtensor(a, true).requires_grad());
}

TEST(Xtensor, ColumnMajorKeepsItsIndices) {
  xt::xarray<float, xt::layout_type::column_major> a{{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(from_xtensor(a).to_vector(), (Vec{1, 2, 3, 4, 5, 6}));
}

TEST(Xtensor, ViewSeesTheTensorsMemory) {
  Tensor t = zeros({2, 3});
  auto x = as_xtensor<float>(t);
  x(1, 2) = 7;
  EXPECT_EQ(t.to_vector(), (Vec{0, 0, 0, 0, 0, 7}));
  t.fill_(2);
  EXPECT_EQ(xt::sum(x)(), 12);
  Tensor swapped = t.transpose(0, 1);
  auto y = as_xtensor<float>(swapped);
  ASSERT_EQ(y.shape(0), 3u);
  y(2, 1) = 9;
  EXPECT_EQ(t.to_vector(), (Vec{2, 2, 2, 2, 2, 9}));
  EXPECT_EQ(x(1, 2), 9);
}

TEST(Xtensor, ViewsOfSlicesAndBroadcasts) {
  Tensor t = tensor({{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}});
  Tensor s = t.slice({Slice(1, 3), Slice(0, 4, 2)});
  auto x = as_xtensor<float>(s);
  EXPECT_EQ(x(0, 0), 4);
  EXPECT_EQ(x(1, 1), 10);
  EXPECT_EQ(xt::sum(x)(), 4 + 6 + 8 + 10);
  Tensor e = t.slice({0}).expand({2, 4});
  EXPECT_EQ(xt::sum(as_xtensor<float>(e))(), 12);
  x += 1;
  EXPECT_EQ(t.to_vector(), (Vec{0, 1, 2, 3, 5, 5, 7, 7, 9, 9, 11, 11}));
  x = x * 2;
  x.fill(1);
  EXPECT_EQ(t.to_vector(), (Vec{0, 1, 2, 3, 1, 5, 1, 7, 1, 9, 1, 11}));
  const xt::xarray<float> copy = x + as_xtensor<float>(t.slice({Slice(0, 2), Slice(1, 3)}));
  EXPECT_EQ(copy(1, 1), 2);
}

TEST(Xtensor, WrongTypeIsAnError) {
  Tensor t = zeros({2});
  expect_error<ArgumentError>([&] { as_xtensor<double>(t); },
                              {"[data] asked for float64 elements", "xtensor_test.cpp:"});
}

}  // namespace
}  // namespace catena::test
