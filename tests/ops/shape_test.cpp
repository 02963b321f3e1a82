// Views: what shares memory, what copies, and the methods over the ops.
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

TEST(Reshape, IsAViewWhereStridesAllow) {
  const Tensor x = counted({4, 6});
  EXPECT_TRUE(x.reshape({2, 2, 6}).shares_storage(x));
  EXPECT_TRUE(x.reshape({24}).shares_storage(x));
  // Splitting a dimension of a transposed matrix needs no copy, joining its dimensions does.
  const Tensor t = x.t();
  EXPECT_TRUE(t.reshape({6, 2, 2}).shares_storage(x));
  EXPECT_TRUE(t.reshape({3, 2, 4}).shares_storage(x));
  EXPECT_TRUE(t.reshape({6, 1, 4, 1}).shares_storage(x));
  EXPECT_FALSE(t.reshape({24}).shares_storage(x));
  EXPECT_FALSE(t.reshape({2, 12}).shares_storage(x));
  // Columns of a matrix: rows stay apart.
  const Tensor part = x.slice({Slice(), Slice(0, 4)});
  EXPECT_TRUE(part.reshape({4, 2, 2}).shares_storage(x));
  EXPECT_FALSE(part.reshape({16}).shares_storage(x));
}

TEST(Reshape, KeepsRowMajorOrderOfAnyView) {
  const Tensor x = counted({4, 6});
  for (const Tensor& v :
       {x, x.t(), x.slice({Slice(0, 4, 2), Slice(1, 5)}), x.t().slice({Slice(0, 6, 3)}),
        counted({4, 1}).expand({4, 3}), counted({2, 1, 4}).permute({2, 1, 0})})
    for (const Shape& s : {Shape{-1}, Shape{2, -1}, Shape{-1, 1, 2}, Shape{2, 2, -1}}) {
      if (v.numel() % 4 != 0) continue;
      EXPECT_EQ(v.reshape(s).to_vector(), v.to_vector()) << to_string(v.shape()) << to_string(s);
    }
}

TEST(Reshape, GradientOfACopyReachesTheInput) {
  Tensor x = counted({2, 3}).set_requires_grad();
  x.t().reshape({6}).backward(counted({6}));
  EXPECT_TRUE(close(x.grad(), {0, 2, 4, 1, 3, 5}));
}

TEST(Methods, AreTheFreeFunctions) {
  const Tensor x = counted({2, 3, 4});
  EXPECT_EQ(x.flatten().shape(), (Shape{24}));
  EXPECT_EQ(x.flatten(1).shape(), (Shape{2, 12}));
  EXPECT_EQ(x.flatten(-1).shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(counted({}).flatten().shape(), (Shape{1}));
  EXPECT_EQ(x.transpose(0, -1).shape(), (Shape{4, 3, 2}));
  EXPECT_EQ(x.permute({1, -1, 0}).shape(), (Shape{3, 4, 2}));
  EXPECT_EQ(x.unsqueeze(0).shape(), (Shape{1, 2, 3, 4}));
  EXPECT_EQ(x.unsqueeze(-1).shape(), (Shape{2, 3, 4, 1}));
  EXPECT_EQ(x.unsqueeze(1).squeeze(1).shape(), x.shape());
  EXPECT_EQ(x.unsqueeze(3).squeeze(-1).shape(), x.shape());
  EXPECT_TRUE(x.unsqueeze(1).shares_storage(x));
  EXPECT_EQ(counted({2, 3}).t().shape(), (Shape{3, 2}));
  const Tensor v = counted({3});
  EXPECT_TRUE(v.t().is_same(v));
  EXPECT_EQ(v.expand({2, 3}).strides(), (Shape{0, 1}));
}

TEST(Squeeze, OneSeveralOrAll) {
  const Tensor x = counted({1, 3, 1, 2, 1});
  EXPECT_EQ(squeeze(x).shape(), (Shape{3, 2}));
  EXPECT_EQ(squeeze(x, 2).shape(), (Shape{1, 3, 2, 1}));
  EXPECT_EQ(squeeze(x, {0, -1}).shape(), (Shape{3, 1, 2}));
  EXPECT_EQ(squeeze(counted({1, 1})).shape(), Shape());
  EXPECT_TRUE(squeeze(x).shares_storage(x));
  expect_error<ArgumentError>(
      [&] {
        squeeze(x, {0, 1});
      },
      {"[squeeze] dimension 1 of x [1, 3, 1, 2, 1] has size 3; expected 1"});
}

TEST(Flatten, AnyRangeAndBack) {
  const Tensor x = counted({2, 3, 4, 5});
  EXPECT_EQ(flatten(x, 1, 2).shape(), (Shape{2, 12, 5}));
  EXPECT_EQ(flatten(x, 0, -2).shape(), (Shape{24, 5}));
  EXPECT_EQ(flatten(x, 2, 2).shape(), x.shape());
  const Tensor back = unflatten(flatten(x, 1, 2), 1, {3, -1});
  EXPECT_EQ(back.shape(), x.shape());
  EXPECT_EQ(back.to_vector(), x.to_vector());
  EXPECT_EQ(unflatten(x, -1, {5, 1}).shape(), (Shape{2, 3, 4, 5, 1}));
  expect_error<ArgumentError>(
      [&] { flatten(x, 2, 1); },
      {"[flatten] dimensions 2 to 1 of x [2, 3, 4, 5]; expected the first"});
  expect_error<ArgumentError>(
      [&] {
        unflatten(x, 1, {2, 2});
      },
      {"[unflatten] dimension 1 of x [2, 3, 4, 5]: 3 elements of [3] do "
       "not fit shape [2, 2] of 4",
       "shape_test.cpp"});
}

// Shapes as NumPy's moveaxis gives them.
TEST(Movedim, MovesDimensionsAndKeepsTheOrderOfTheRest) {
  const Tensor x = counted({2, 3, 4, 5});
  EXPECT_EQ(movedim(x, 0, -1).shape(), (Shape{3, 4, 5, 2}));
  EXPECT_EQ(movedim(x, -1, 1).shape(), (Shape{2, 5, 3, 4}));
  EXPECT_EQ(movedim(x, {0, 1}, {-1, -2}).shape(), (Shape{4, 5, 3, 2}));
  EXPECT_EQ(movedim(x, {3, 0}, {0, 2}).shape(), (Shape{5, 3, 2, 4}));
  EXPECT_EQ(swapaxes(x, 0, 2).shape(), (Shape{4, 3, 2, 5}));
  EXPECT_EQ(movedim(x, 1, 3).to_vector(), permute(x, {0, 2, 3, 1}).to_vector());
  EXPECT_TRUE(movedim(x, 1, 3).shares_storage(x));
  expect_error<ArgumentError>(
      [&] {
        movedim(x, {0, 0}, {1, 2});
      },
      {"[movedim] from [0, 0] and to [1, 2] name a dimension twice"});
  expect_error<ArgumentError>([&] { movedim(x, {0}, {1, 2}); }, {"differ in length"});
  expect_error<ArgumentError>([&] { movedim(x, 4, 0); }, {"[movedim] dim 4 is out of range"});
  expect_error<ArgumentError>([&] { swapaxes(x, 0, 4); }, {"[swapaxes] dim 4 is out of range"});
}

TEST(Methods, SayWhatIsWrong) {
  const Tensor x = counted({2, 3});
  expect_error<ArgumentError>(
      [&] { x.squeeze(1); },
      {"[squeeze] dimension 1 of x [2, 3] has size 3; expected 1", "shape_test.cpp"});
  expect_error<ArgumentError>([&] { x.transpose(0, 2); },
                              {"[transpose] dim 2 is out of range for 2 dimensions; expected -2 "
                               "to 1"});
  expect_error<ArgumentError>([&] { x.unsqueeze(4); }, {"[unsqueeze] dim 4 is out of range"});
  expect_error<ArgumentError>(
      [&] {
        counted({1, 1, 1}).t();
      },
      {"[t] x [1, 1, 1] has 3 dimensions; expected at most 2"});
  expect_error<ArgumentError>([&] { counted({}).transpose(0, 0); },
                              {"dim 0 of a 0-d tensor; it has no dimensions"});
  expect_error<ArgumentError>([&] { Tensor().reshape({1}); }, {"undefined tensor"});
  expect_error<ArgumentError>([&] { Tensor().flatten(); }, {"[flatten] x is an undefined tensor"});
  expect_error<ArgumentError>(
      [&] {
        ones({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0);
      },
      {"8 dimensions already"});
}

TEST(Expand, GradientIsTheSum) {
  Tensor x = counted({3, 1}).set_requires_grad();
  x.expand({2, 3, 2}).backward(counted({2, 3, 2}));
  EXPECT_TRUE(close(x.grad(), {0 + 1 + 6 + 7, 2 + 3 + 8 + 9, 4 + 5 + 10 + 11}));
}

}  // namespace
}  // namespace catena::test
