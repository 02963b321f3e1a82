// gradcheck itself must be able to fail.
#include "catena/graph/gradcheck.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor leaf(const NestedValues& values, DType dtype = kFloat64) {
  return tensor(values, {dtype, kCpu, true});
}

TEST(Gradcheck, FindsAWrongGradient) {
  Tensor x = leaf({1, 2});
  // The value is x^2, the gradient that of x * constant.
  const Function wrong = [](std::span<const Tensor> in) {
    return std::vector<Tensor>{in[0] * in[0].detach()};
  };
  const GradcheckResult r = gradcheck(wrong, {&x, 1});
  EXPECT_FALSE(r.passed);
  EXPECT_NE(r.report.find("d output 0 [0] / d input 0 [0]: analytic 1, numeric 2"),
            std::string::npos)
      << r.report;
}

TEST(Gradcheck, FindsAWrongSecondGradient) {
  Tensor x = leaf({0.5, 2});
  const Function fn = [](std::span<const Tensor> in) {
    const Tensor x = in[0];
    const Tensor hidden =
        x.detach() * x.detach();  // right first derivative of x * c by chance only
    return std::vector<Tensor>{x * hidden};
  };
  EXPECT_FALSE(gradgradcheck(fn, {&x, 1}).passed);
  const Function good = [](std::span<const Tensor> in) { return std::vector<Tensor>{tanh(in[0])}; };
  EXPECT_TRUE(gradcheck(good, {&x, 1}).passed);
  EXPECT_TRUE(gradgradcheck(good, {&x, 1}).passed);
}

TEST(Gradcheck, FindsANondeterministicGradient) {
  Tensor x = leaf({1});
  const Function fn = [](std::span<const Tensor> in) {
    Tensor y = in[0] * 1;
    auto calls = std::make_shared<int>(0);
    if (y.requires_grad())
      y.register_hook([calls](const Tensor& g) { return g * (1 + 1e-9 * ++*calls); });
    return std::vector<Tensor>{y};
  };
  const GradcheckResult r = gradcheck(fn, {&x, 1});
  EXPECT_FALSE(r.passed);
  EXPECT_NE(r.report.find("same bits"), std::string::npos) << r.report;
}

TEST(Gradcheck, RefusesWhatItCannotCheck) {
  Tensor x = leaf({1}, kFloat32), c = tensor({1}, kFloat64);
  const Function fn = [](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] * 2}; };
  expect_error<ArgumentError>(
      [&] {
        gradcheck(fn, {&x, 1});
      },
      {"[gradcheck] input 0 is float32; expected float64", "gradcheck_test.cpp:"});
  expect_error<ArgumentError>(
      [&] {
        gradcheck(fn, {&c, 1});
      },
      {"[gradcheck] no input requires a gradient"});
}

}  // namespace
}  // namespace catena::test
