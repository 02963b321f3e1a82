// Products of views without copies, and large ones.
#include <xtensor-blas/xlinalg.hpp>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "catena/xtensor.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

// Whole numbers, so that sums are exact in any order.
Tensor whole(const Shape& shape, std::int64_t seed) {
  std::vector<float> v(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<float>((static_cast<std::int64_t>(i) * 37 + seed) % 7 - 3);
  return tensor(v, shape);
}

// xtensor-blas in double is the reference.
std::vector<double> product(const Tensor& a, const Tensor& b) {
  auto array = [](const Tensor& t) {
    xt::xarray<double> out = as_xtensor<double>(t.to(kFloat64).contiguous());
    return out;
  };
  const xt::xarray<double> c = xt::linalg::dot(array(a), array(b));
  return {c.begin(), c.end()};
}

TEST(Matmul, ViewsOfEveryKind) {
  for (const std::int64_t m : {1, 2, 17})
    for (const std::int64_t k : {1, 3, 33})
      for (const std::int64_t n : {1, 5, 16}) {
        const Tensor a = whole({m, k}, 1), b = whole({k, n}, 2);
        const std::vector<double> want = product(a, b);
        const Tensor at = a.t().contiguous().t(), bt = b.t().contiguous().t();
        const Tensor a2 = concat({a, a}, 1).slice({Slice(), Slice(0, k)});
        const Tensor b3 = stack(std::vector<Tensor>{b, b, b}, 2).slice({Ellipsis, 1});
        const Tensor a3 = stack(std::vector<Tensor>{a, a}, -1).slice({Ellipsis, 0});
        for (const Tensor& x : {a, at, a2, a3})
          for (const Tensor& y : {b, bt, b3}) EXPECT_EQ(matmul(x, y).to_vector(), want);
      }
}

TEST(Matmul, ExpandedInputs) {
  const Tensor row = whole({1, 4}, 3).expand({5, 4}), b = whole({4, 3}, 1);
  EXPECT_EQ(matmul(row, b).to_vector(), product(row.contiguous(), b));
  const Tensor batch = whole({3, 4}, 2).expand({6, 3, 4});
  EXPECT_EQ(matmul(batch, b).to_vector(), matmul(batch.contiguous(), b).to_vector());
  EXPECT_EQ(matmul(batch, b.expand({6, 4, 3})).to_vector(),
            matmul(batch.contiguous(), b).to_vector());
}

TEST(Matmul, BatchesWithRowsApart) {
  const Tensor x = whole({4, 3, 8}, 5), b = whole({5, 2}, 1);
  const Tensor part = x.slice({Ellipsis, Slice(1, 6)});
  EXPECT_EQ(matmul(part, b).to_vector(), matmul(part.contiguous(), b).to_vector());
  const Tensor swapped = x.slice({Ellipsis, Slice(0, 5)}).transpose(0, 1);
  EXPECT_EQ(matmul(swapped, b).to_vector(), matmul(swapped.contiguous(), b).to_vector());
  const Tensor one_row = x.slice({Slice(), Slice(1, 2), Slice(0, 5)});
  EXPECT_EQ(matmul(one_row, b).to_vector(), matmul(one_row.contiguous(), b).to_vector());
}

TEST(Matmul, LargeOnesAreRight) {
  const Tensor a = whole({300, 257}, 1), b = whole({257, 190}, 4);
  EXPECT_EQ(matmul(a, b).to_vector(), product(a, b));
  const Tensor many = whole({64, 20, 30}, 1), others = whole({64, 30, 10}, 2);
  const Tensor y = matmul(many, others);
  for (const std::int64_t i : {0, 31, 63}) EXPECT_EQ(y[i].to_vector(), product(many[i], others[i]));
}

TEST(Matmul, GradientOfASharedWeight) {
  Tensor w = whole({3, 2}, 1).set_requires_grad();
  const Tensor x = whole({4, 5, 3}, 2), v = whole({3}, 3);
  backward((matmul(x, w)).sum() + matmul(v, w).sum() + matmul(x[0], w).sum());
  const Tensor rows = x.reshape({20, 3});
  std::vector<double> want(6);
  const auto add = [&](const Tensor& t) {
    const std::vector<double> s = t.sum({0}).to_vector();
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 2; ++j) want[2 * i + j] += s[i];
  };
  add(rows);
  add(v.reshape({1, 3}));
  add(x[0]);
  EXPECT_TRUE(close(w.grad(), want));
}

TEST(Matmul, SaysWhereItWasCalled) {
  expect_error<ArgumentError>(
      [] {
        ones({2, 3}).matmul(ones({2, 3}));
      },
      {"[matmul] inner sizes differ", "matmul_test.cpp"});
}

}  // namespace
}  // namespace catena::test
