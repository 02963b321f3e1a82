// Indices as NumPy reads them.
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor counted(const Shape& shape) {
  std::vector<float> v(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i);
  return tensor(v, shape);
}
const std::optional<std::int64_t> kOpen;

TEST(Slice, BoundsCountFromTheEndAndAreClipped) {
  const Tensor x = counted({10});
  using V = std::vector<double>;
  EXPECT_EQ(x.slice({Slice(2, 5)}).to_vector(), (V{2, 3, 4}));
  EXPECT_EQ(x.slice({Slice(-3, kOpen)}).to_vector(), (V{7, 8, 9}));
  EXPECT_EQ(x.slice({Slice(kOpen, -7)}).to_vector(), (V{0, 1, 2}));
  EXPECT_EQ(x.slice({Slice(kOpen, kOpen, 4)}).to_vector(), (V{0, 4, 8}));
  EXPECT_EQ(x.slice({Slice(1, 8, 3)}).to_vector(), (V{1, 4, 7}));
  EXPECT_EQ(x.slice({Slice(8, 100)}).to_vector(), (V{8, 9}));
  EXPECT_EQ(x.slice({Slice(-100, 2)}).to_vector(), (V{0, 1}));
  EXPECT_EQ(x.slice({Slice(5, 5)}).shape(), (Shape{0}));
  EXPECT_EQ(x.slice({Slice(7, 3)}).shape(), (Shape{0}));
  EXPECT_EQ(x.slice({Slice(20, 30)}).shape(), (Shape{0}));
}

TEST(Slice, IntegersDropEllipsisSkipsNewAxisAdds) {
  const Tensor x = counted({2, 3, 4});
  EXPECT_EQ(x.slice({1}).shape(), (Shape{3, 4}));
  EXPECT_EQ(x.slice({1, -1}).to_vector(), (std::vector<double>{20, 21, 22, 23}));
  EXPECT_EQ(x.slice({1, 2, 3}).shape(), (Shape{}));
  EXPECT_EQ(x.slice({1, 2, 3}).item(), 23);
  EXPECT_EQ(x.slice({Ellipsis, 0}).shape(), (Shape{2, 3}));
  EXPECT_EQ(x.slice({Ellipsis, 1}).to_vector(), (std::vector<double>{1, 5, 9, 13, 17, 21}));
  EXPECT_EQ(x.slice({0, Ellipsis, Slice(0, 2)}).shape(), (Shape{3, 2}));
  EXPECT_EQ(x.slice({NewAxis, 0, Slice(), NewAxis}).shape(), (Shape{1, 3, 1, 4}));
  EXPECT_EQ(x.slice({Ellipsis, NewAxis}).shape(), (Shape{2, 3, 4, 1}));
  EXPECT_EQ(x.slice({Ellipsis}).shape(), x.shape());
  EXPECT_EQ(x.slice({0, 1, 2, Ellipsis}).shape(), (Shape{}));
  EXPECT_EQ(x[1][2][3].item(), 23);
  EXPECT_EQ(x[-1].to_vector(), x.slice({1}).to_vector());
}

TEST(Slice, IsAlwaysAView) {
  const Tensor x = counted({4, 5});
  for (const Tensor& v : {x[2], x.slice({Slice(1, 3), Slice(0, 5, 2)}), slice(x, 1, 1, -1),
                          select(x, -1, 2), x.slice({Ellipsis})})
    EXPECT_TRUE(v.shares_storage(x));
}

TEST(Slice, OneDimension) {
  const Tensor x = counted({3, 6});
  EXPECT_EQ(slice(x, 1, 1, -1, 2).shape(), (Shape{3, 2}));
  EXPECT_EQ(slice(x, -1, 4, 100).to_vector(), (std::vector<double>{4, 5, 10, 11, 16, 17}));
  EXPECT_EQ(select(x, 1, -1).to_vector(), (std::vector<double>{5, 11, 17}));
}

TEST(Slice, SaysWhatIsWrong) {
  const Tensor x = counted({3, 4});
  expect_error<ArgumentError>(
      [&] { x.slice({5}); },
      {"[slice] index 5 is out of range for dimension 0 of [3, 4], which has size 3; expected -3 "
       "to 2",
       "slice_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        x.slice({0, -5});
      },
      {"index -5 is out of range for dimension 1"});
  expect_error<ArgumentError>(
      [&] {
        x.slice({0, 0, 0});
      },
      {"3 indices for x [3, 4]; expected at most 2"});
  expect_error<ArgumentError>([&] { x.slice({Ellipsis, Ellipsis}); }, {"2 Ellipsis in one index"});
  expect_error<ArgumentError>([&] { x.slice({Slice(0, 2, -1)}); }, {"step -1; expected 1 or more"});
  expect_error<ArgumentError>([&] { counted({})[0]; }, {"x is 0-d"});
  expect_error<ArgumentError>([&] { slice(x, 2, 0, 1); }, {"dim 2 is out of range for x [3, 4]"});
  expect_error<ArgumentError>(
      [&] {
        zeros({0, 2})[0];
      },
      {"has size 0; expected a dimension with entries"});
}

TEST(Slice, GradientsOfManySlicesAddUp) {
  Tensor x = counted({4, 3}).set_requires_grad();
  Tensor y = x[0] * 2.0 + x[1] * 3.0 + x[0];
  backward(y, counted({3}));
  EXPECT_TRUE(close(x.grad(), {0, 3, 6, 0, 3, 6, 0, 0, 0, 0, 0, 0}));
}

TEST(Slice, HigherDerivativesGoThrough) {
  Tensor x = tensor({1, 2, 3}, kFloat64).set_requires_grad();
  const Tensor part = x.slice({Slice(1, 3)});
  const Tensor y = (part * part * part).sum();
  const Tensor g = grad(y, x, {.create_graph = true});
  EXPECT_TRUE(close(g, {0, 12, 27}));
  EXPECT_TRUE(close(grad(g.sum(), x), {0, 12, 18}));
}

TEST(Concat, StackAddsADimension) {
  const Tensor a = counted({2, 2}), b = ones({2, 2});
  const std::vector<Tensor> both{a, b};
  EXPECT_EQ(stack(both).shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(stack(both, 1).to_vector(), (std::vector<double>{0, 1, 1, 1, 2, 3, 1, 1}));
  EXPECT_EQ(stack(both, -1).to_vector(), (std::vector<double>{0, 1, 1, 1, 2, 1, 3, 1}));
  expect_error<ArgumentError>(
      [&] {
        stack(std::vector<Tensor>{a, ones({2})});
      },
      {"[stack] shapes differ: x0 [2, 2], x1 [2]; expected equal"});
}

TEST(Concat, LargeInputsAndViews) {
  const Tensor a = counted({300, 400});
  const Tensor y = concat({a, a.t().reshape({300, 400}), a.slice({Slice(0, 5)})});
  EXPECT_EQ(y.shape(), (Shape{605, 400}));
  EXPECT_EQ(y.slice({Slice(0, 300)}).to_vector(), a.to_vector());
  EXPECT_EQ(y.slice({Slice(300, 600)}).to_vector(), a.t().contiguous().to_vector());
  EXPECT_EQ(y.slice({Slice(600, 605)}).to_vector(), a.slice({Slice(0, 5)}).to_vector());
}

}  // namespace
}  // namespace catena::test
