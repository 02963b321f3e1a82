// What tables of samples cannot say of pointwise ops: signs of zeros, gradients at ties, kinks and
// NaN (as PyTorch has them), dtypes of results, lanes that do not disturb each other, texts of
// errors.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/graph/transforms.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

Tensor row(std::vector<float> v) {
  const Shape shape{static_cast<std::int64_t>(v.size())};
  return tensor(v, shape);
}

template <class F>
std::vector<double> slope(const F& f, std::vector<float> at) {
  Tensor x = row(std::move(at));
  x.set_requires_grad();
  backward(sum(f(x)));
  return x.grad().to_vector<double>();
}

TEST(Pointwise, ZerosKeepTheirSigns) {
  const Tensor zero = row({-0.0f});
  const Tensor small = row({-1e-40f});
  for (const Tensor& y :
       {floor(zero),   ceil(zero),   round(zero),         trunc(zero), sin(zero),
        tan(zero),     asin(zero),   atan(zero),          sinh(zero),  asinh(zero),
        atanh(zero),   expm1(zero),  log1p(zero),         erf(zero),   ceil(small),
        trunc(small),  round(small), round(row({-0.5f})), silu(zero),  hardswish(zero),
        softsign(zero)})
    EXPECT_TRUE(y.item<float>() == 0 && std::signbit(y.item<float>()));
  EXPECT_FALSE(std::signbit(abs(zero).item<float>()));
}

TEST(Pointwise, TiesShareTheGradient) {
  Tensor a = row({1, 2, 3}), b = row({1, 3, 2});
  a.set_requires_grad();
  b.set_requires_grad();
  backward(sum(maximum(a, b)));
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{0.5, 0, 1}));
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{0.5, 1, 0}));
  a.zero_grad();
  b.zero_grad();
  backward(sum(minimum(a, b)));
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{0.5, 1, 0}));
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{0.5, 0, 1}));
}

TEST(Pointwise, SlopesAtKinksAndNaN) {
  using V = std::vector<double>;
  EXPECT_EQ(slope([](const Tensor& x) { return abs(x); }, {0, -0.0f, kNaN}), (V{0, 0, 0}));
  EXPECT_EQ(slope([](const Tensor& x) { return clamp(x, -1, 1); }, {-1, 1, 2, kNaN}),
            (V{1, 1, 0, 0}));
  EXPECT_EQ(slope([](const Tensor& x) { return relu(x); }, {-1, 0, 1, kNaN}), (V{0, 0, 1, 1}));
  EXPECT_EQ(slope([](const Tensor& x) { return gelu(x, "tanh"); }, {-1e20f, -50, 50, 1e20f}),
            (V{0, 0, 1, 1}));
  EXPECT_EQ(slope([](const Tensor& x) { return hardtanh(x); }, {-1, 1, 0.5f, kNaN}),
            (V{0, 0, 1, 1}));
  EXPECT_EQ(slope([](const Tensor& x) { return hardswish(x) * 2; }, {-3, 3, 4}), (V{-1, 3, 2}));
  EXPECT_EQ(slope([](const Tensor& x) { return hardsigmoid(x) * 6; }, {-3, 3, 1}), (V{0, 0, 1}));
  EXPECT_EQ(slope([](const Tensor& x) { return elu(x, 0.5); }, {0, 1}), (V{0.5, 1}));
  EXPECT_EQ(slope([](const Tensor& x) { return leaky_relu(x, 0.5); }, {0, kNaN}), (V{0.5, 0.5}));
  EXPECT_EQ(slope([](const Tensor& x) { return round(x) + sign(x) + step(x); }, {0.5f, kInf}),
            (V{0, 0}));
}

TEST(Pointwise, DtypesOfResults) {
  const Tensor i = tensor(std::vector<std::int64_t>{-3, 0, 7}, {3});
  for (const Tensor& y : {abs(i), sign(i), floor(i), ceil(i), round(i), trunc(i), clamp(i, -1, 2),
                          minimum(i, 3), maximum(i, i)})
    EXPECT_EQ(y.dtype(), kInt64);
  EXPECT_EQ(clamp(i, -1, 2).to_vector<double>(), (std::vector<double>{-1, 0, 2}));
  for (const Tensor& y : {sin(i), erf(i), reciprocal(i), gelu(i), elu(i), step(i), clamp(i, 0.5),
                          maximum(i, 0.5), lerp(i, i, 0.5)})
    EXPECT_EQ(y.dtype(), kFloat32);
  EXPECT_EQ(clamp(i, 0.5).to_vector<double>(), (std::vector<double>{0.5, 0.5, 7}));
  for (const Tensor& y : {isnan(i), isinf(i), isfinite(i), logical_not(i == i)})
    EXPECT_EQ(y.dtype(), kBool);
  EXPECT_EQ(sin(tensor(std::vector<double>{1}, {1}, kFloat64)).dtype(), kFloat64);
}

// As NumPy's do; the sanitizers see that no signed addition overflows.
TEST(Pointwise, IntegersWrapAround) {
  using Limits = std::numeric_limits<std::int32_t>;
  const auto whole = [](const Tensor& t) { return t.to_vector<std::int64_t>(); };
  using V = std::vector<std::int64_t>;
  const Tensor x = tensor(std::vector<std::int32_t>{Limits::max(), Limits::min()}, {2});
  const Tensor at = zeros({2}, kInt64), big = full({2}, std::int64_t{1} << 62, kInt64);
  EXPECT_EQ(whole(x + 1), (V{Limits::min(), Limits::min() + 1}));
  EXPECT_EQ(whole(x - 1), (V{Limits::max() - 1, Limits::max()}));
  EXPECT_EQ(whole(x * x), (V{1, 0}));
  EXPECT_EQ(whole(-x), (V{-Limits::max(), Limits::min()}));
  EXPECT_EQ(whole(abs(x)), (V{Limits::max(), Limits::min()}));
  const std::int64_t twice = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(whole(big * 4), (V{0, 0}));
  EXPECT_EQ(whole(sum(big)), (V{twice}));
  EXPECT_EQ(whole(prod(big)), (V{0}));
  EXPECT_EQ(whole(cumsum(big, 0)), (V{big[0].item<std::int64_t>(), twice}));
  EXPECT_EQ(whole(scatter_add(zeros({1}, kInt64), 0, at, big)), (V{twice}));
  EXPECT_EQ(whole(index_add(big, at, 1)), (V{twice}));
  EXPECT_EQ(whole(big.clone().add_(big)), (V{twice, twice}));
  Tensor apart = big.expand({2, 2}).clone();
  const Tensor column = apart.t()[0];
  Tensor(column).add_(column);
  EXPECT_EQ(whole(column), (V{twice, twice}));
  const op::PadAdjoint unpad{{1}, {0}, "replicate"};
  EXPECT_EQ(whole(call(unpad, {big})[0]), (V{twice}));
}

// A lane's bits depend on its own argument, whatever stands beside it.
TEST(Pointwise, LanesDoNotDisturbEachOther) {
  const std::vector<float> mixed{0.1f, 1e30f, 0.7f, 300.0f, 2.0f,  kNaN, 30.0f, -kInf,
                                 3.0f, 0.5f,  9.0f, 1e-30f, 90.0f, 0.9f, -5.0f, 150.0f};
  for (const auto f :
       {+[](const Tensor& x) { return sin(x); }, +[](const Tensor& x) { return cos(x); },
        +[](const Tensor& x) { return tan(x); }, +[](const Tensor& x) { return erf(x); },
        +[](const Tensor& x) { return asinh(x); }, +[](const Tensor& x) { return expm1(x); },
        +[](const Tensor& x) { return atan(x); }}) {
    const Tensor together = f(row(mixed));
    for (std::size_t i = 0; i < mixed.size(); ++i) {
      const float alone = f(row({mixed[i]})).item<float>();
      const float beside = together.to_vector<float>()[i];
      EXPECT_TRUE(alone == beside || (std::isnan(alone) && std::isnan(beside))) << mixed[i];
    }
  }
}

TEST(Pointwise, ErrorsOfTheFunctions) {
  const Tensor x = row({1, 2});
  expect_error<ArgumentError>([&] { clamp(x, {}, {}); },
                              {"[clamp] min and max are both absent", "pointwise_test.cpp:"});
  expect_error<ArgumentError>([&] { gelu(x, "erf"); },
                              {"[gelu] approximate is \"erf\"; expected \"none\" or \"tanh\""});
  expect_error<ArgumentError>([&] { celu(x, 0); }, {"[celu] alpha is 0; expected another number"});
  expect_error<ArgumentError>([&] { softplus(x, 0); }, {"[softplus] beta is 0"});
}

TEST(Pointwise, OneBoundAndNaNBounds) {
  const Tensor x = row({-2, 0, 2});
  EXPECT_EQ(clamp(x, {}, 1).to_vector<double>(), (std::vector<double>{-2, 0, 1}));
  EXPECT_EQ(clamp(x, -1).to_vector<double>(), (std::vector<double>{-1, 0, 2}));
  EXPECT_EQ(clamp(x, kNaN, 1).to_vector<double>(), (std::vector<double>{-2, 0, 1}));
  EXPECT_EQ(slope([](const Tensor& t) { return clamp(t, kNaN, 1); }, {-2, 0, 2}),
            (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(slope([](const Tensor& t) { return clamp(t, -1, kNaN); }, {-2, 0, 2}),
            (std::vector<double>{0, 1, 1}));
  const std::vector<Tensor> whole{tensor(std::vector<std::int64_t>{-2, 2}, {2})};
  EXPECT_EQ(call("clamp", whole, {{"min", double{kNaN}}, {"max", 1.0}})[0].to_vector<double>(),
            (std::vector<double>{-2, 1}));
}

TEST(Pointwise, HigherDerivativesOfPowersAtZero) {
  Tensor x = tensor(std::vector<double>{0}, {1}, kFloat64).set_requires_grad();
  Tensor y = pow(x, 2);
  for (double expected : {0.0, 2.0, 0.0, 0.0, 0.0}) {
    y = grad(sum(y), std::span<const Tensor>(&x, 1), {.create_graph = true})[0];
    EXPECT_EQ(y.item<double>(), expected);
  }
  const auto curvature = [](double a, double b) {
    const Tensor in[] = {tensor(a, kFloat64), tensor(b, kFloat64)};
    const auto power = [](std::span<const Tensor> v) { return std::vector{pow(v[0], v[1])}; };
    std::vector<double> all;
    for (const std::vector<Tensor>& line : hessian(power, in))
      for (const Tensor& entry : line) all.push_back(entry.item<double>());
    return all;
  };
  EXPECT_EQ(curvature(0, 0)[0], 0);
  EXPECT_EQ(curvature(0, 2), (std::vector<double>{2, 0, 0, 0}));
  EXPECT_EQ(curvature(2, 0), (std::vector<double>{0, 0.5, 0.5, std::log(2.0) * std::log(2.0)}));
}

TEST(Pointwise, SecondDerivativesOfInverseFunctions) {
  const auto curvature = [](auto f) {
    Tensor x = row({-1, -1e-20f, 0, 1e-20f, 1});
    x.set_requires_grad();
    const Tensor g = grad(sum(f(x)), std::span<const Tensor>(&x, 1), {.create_graph = true})[0];
    return grad(sum(g), x).template to_vector<float>();
  };
  using V = std::vector<float>;
  EXPECT_EQ(curvature([](const Tensor& x) { return asin(x); }),
            (V{-kInf, -1e-20f, 0, 1e-20f, kInf}));
  EXPECT_EQ(curvature([](const Tensor& x) { return acos(x); }),
            (V{kInf, 1e-20f, 0, -1e-20f, -kInf}));
  EXPECT_EQ(curvature([](const Tensor& x) { return atanh(x); }),
            (V{-kInf, -2e-20f, 0, 2e-20f, kInf}));
}

TEST(Pointwise, ScalarWeight) {
  Tensor a = row({0, 1}), b = row({10, 3});
  EXPECT_EQ(lerp(a, b, 0.5).to_vector<double>(), (std::vector<double>{5, 2}));
  a.set_requires_grad();
  backward(sum(lerp(a, b, 0.25)));
  EXPECT_EQ(a.grad().to_vector<double>(), (std::vector<double>{0.75, 0.75}));
}

}  // namespace
}  // namespace catena::test
