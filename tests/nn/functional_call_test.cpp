#include "catena/nn/functional_call.hpp"

#include "catena/graph/transforms.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(FunctionalCall, ComputesWithTheGivenParameters) {
  nn::Linear layer(2, 2);
  const Tensor x = tensor({{1, 2}});
  const Tensor before = layer(x);
  const std::vector<NamedTensor> other = {{"weight", tensor({{1, 2}, {3, 4}})},
                                          {"bias", tensor({10, 20})}};
  EXPECT_EQ(nn::functional_call(layer, other, x).to_vector(), (std::vector<double>{15, 31}));
  EXPECT_TRUE(same_bits(layer(x), before)) << "the module keeps its own";
  // The bias alone.
  EXPECT_EQ(nn::functional_call(layer, std::span(other).subspan(1), tensor({{0, 0}})).to_vector(),
            (std::vector<double>{10, 20}));
}

TEST(FunctionalCall, GradientsFlowToTheGivenOnes) {
  nn::Linear layer(3, 1);
  Tensor w = tensor({{1, 1, 1}}, {kFloat32, kCpu, true});
  const std::vector<NamedTensor> other = {{"weight", w}};
  nn::functional_call(layer, other, tensor({{1, 2, 3}})).sum().backward();
  EXPECT_EQ(w.grad().to_vector(), (std::vector<double>{1, 2, 3}));
  EXPECT_FALSE(layer.parameters()[0].grad().defined());
}

TEST(FunctionalCall, SwappedTensorsAreSwappedOnce) {
  nn::Sequential model(nn::Linear(2, 2, false), nn::Linear(2, 2, false));
  const auto own = model.named_parameters();
  const std::vector<NamedTensor> swapped = {{own[0].first, own[1].second},
                                            {own[1].first, own[0].second}};
  const Tensor x = tensor({{1, -1}});
  const auto apply = [&](const Tensor& w, const Tensor& t) { return matmul(t, w.t()); };
  EXPECT_TRUE(same_bits(nn::functional_call(model, swapped, x),
                        apply(own[0].second, apply(own[1].second, x))));
}

TEST(FunctionalCall, MakesAModelAFunctionForTransforms) {
  nn::Linear layer(2, 1, false);
  const Tensor x = tensor({{3, 4}});
  const Tensor h = hessian(
      [&](const Tensor& w) {
        const std::vector<NamedTensor> given = {{"weight", w}};
        const Tensor y = nn::functional_call(layer, given, [&] { return layer(x); });
        return (y * y).sum();
      },
      layer.parameters()[0]);
  EXPECT_EQ(h.to_vector(), (std::vector<double>{18, 24, 24, 32}));
}

TEST(FunctionalCall, Errors) {
  nn::Linear layer(2, 2);
  const std::vector<NamedTensor> misspelt = {{"wieght", tensor({1})}};
  expect_error<ArgumentError>(
      [&] {
        nn::functional_call(layer, misspelt, ones({1, 2}));
      },
      {"no parameter or buffer 'wieght'", "weight"});
  const std::vector<NamedTensor> small = {{"bias", tensor({1})}};
  expect_error<ArgumentError>(
      [&] {
        nn::functional_call(layer, small, ones({1, 2}));
      },
      {"float32 [1] on cpu; expected float32 [2] on cpu"});
}

}  // namespace
}  // namespace catena::test
