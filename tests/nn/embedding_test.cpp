#include "catena/nn/embedding.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

TEST(Embedding, LooksUpRowsAndTrainsThem) {
  nn::Embedding layer(5, 2);
  const Tensor y = layer(tensor({{1, 4, 1}}, kInt64));
  EXPECT_EQ(y.shape(), (Shape{1, 3, 2}));
  EXPECT_TRUE(same_bits(y[0][0], layer.weight()[1]));
  EXPECT_TRUE(same_bits(y[0][1], layer.weight()[4]));
  y.sum().backward();
  EXPECT_EQ(layer.weight().grad().to_vector(), (Vec{0, 0, 2, 2, 0, 0, 0, 0, 1, 1}));
}

TEST(Embedding, ThePaddingRowIsZeroAndStaysSo) {
  nn::Embedding layer(3, 2, -1);
  EXPECT_EQ(layer.weight()[2].to_vector(), (Vec{0, 0}));
  layer(tensor({2, 0}, kInt64)).sum().backward();
  EXPECT_EQ(layer.weight().grad().to_vector(), (Vec{1, 1, 0, 0, 0, 0}));
}

TEST(Embedding, Errors) {
  expect_error<ArgumentError>([] { nn::Embedding(0, 2); }, {"sizes must be positive"});
  expect_error<ArgumentError>([] { nn::Embedding(3, 2, 3); },
                              {"padding_idx is 3; expected -3 to 2"});
  nn::Embedding layer(3, 2);
  expect_error<ArgumentError>([&] { layer(tensor({3}, kInt64)); }, {"[embedding]", "3"});
}

}  // namespace
}  // namespace catena::test
