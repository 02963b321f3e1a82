// Parts of a tensor are views; sizes as PyTorch's split, chunk and unbind give them.
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

std::vector<std::int64_t> lengths(const std::vector<Tensor>& parts, int dim = 0) {
  std::vector<std::int64_t> list;
  for (const Tensor& t : parts) list.push_back(t.size(dim));
  return list;
}
using List = std::vector<std::int64_t>;

TEST(Split, PartsOfOneSizeAndTheRest) {
  const Tensor x = arange(10);
  EXPECT_EQ(lengths(split(x, 3)), (List{3, 3, 3, 1}));
  EXPECT_EQ(lengths(split(x, 5)), (List{5, 5}));
  EXPECT_EQ(lengths(split(x, 100)), (List{10}));
  EXPECT_EQ(lengths(split(arange(0), 3)), (List{0}));
  EXPECT_EQ(split(x, 3)[3].to_vector<int>(), std::vector<int>{9});
  EXPECT_TRUE(split(x, 3)[1].shares_storage(x));
  EXPECT_EQ(lengths(split(zeros({2, 5}), 2, -1), 1), (List{2, 2, 1}));
}

TEST(Split, PartsOfGivenSizes) {
  const Tensor x = arange(6);
  const std::vector<Tensor> parts = split(x, {1, 0, 5});
  EXPECT_EQ(lengths(parts), (List{1, 0, 5}));
  EXPECT_EQ(parts[2].to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5}));
  EXPECT_EQ(lengths(split(zeros({2, 6}), {4, 2}, 1), 1), (List{4, 2}));
}

TEST(Split, Chunks) {
  EXPECT_EQ(lengths(chunk(arange(10), 4)), (List{3, 3, 3, 1}));
  EXPECT_EQ(lengths(chunk(arange(5), 4)), (List{2, 2, 1}));
  EXPECT_EQ(lengths(chunk(arange(0), 3)), (List{0, 0, 0}));
}

TEST(Split, UnbindDropsTheDimension) {
  const Tensor x = arange(6).reshape({2, 3});
  const std::vector<Tensor> columns = unbind(x, 1);
  ASSERT_EQ(columns.size(), 3u);
  EXPECT_EQ(columns[2].shape(), Shape{2});
  EXPECT_EQ(columns[2].to_vector<int>(), (std::vector<int>{2, 5}));
  EXPECT_TRUE(columns[0].shares_storage(x));
  EXPECT_TRUE(unbind(zeros({0, 3})).empty());
  EXPECT_EQ(stack(columns, 1).to_vector<int>(), x.to_vector<int>());
}

TEST(Split, GradientsMeetInOneTensor) {
  Tensor x = zeros({5}).set_requires_grad();
  const std::vector<Tensor> parts = split(x, 2);
  (sum(parts[0]) * 2 + sum(parts[2]) * 3).backward();
  EXPECT_TRUE(close(x.grad(), {2, 2, 0, 0, 3}));
}

TEST(Split, SaysWhatIsWrong) {
  const Tensor x = zeros({5});
  expect_error<ArgumentError>([&] { split(x, 0); },
                              {"[split] parts of 0 entries; expected 1 or more", "split_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        split(x, {2, 2});
      },
      {"[split] sizes [2, 2] for dimension 0 of x [5]; expected sizes from "
       "0 that add up to 5"});
  expect_error<ArgumentError>([&] { split(x, {6, -1}); }, {"sizes [6, -1]"});
  expect_error<ArgumentError>([&] { chunk(x, 0); }, {"[chunk] 0 chunks; expected 1 or more"});
  expect_error<ArgumentError>([&] { unbind(x, 1); },
                              {"[unbind] dim 1 is out of range for x [5]; expected -1 to 0"});
  expect_error<ArgumentError>([&] { unbind(zeros({})); }, {"[unbind] x is 0-d"});
}

}  // namespace
}  // namespace catena::test
