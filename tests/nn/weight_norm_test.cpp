#include "catena/nn/weight_norm.hpp"

#include <cmath>
#include <optional>

#include "catena/graph/autograd.hpp"
#include "catena/graph/trace.hpp"
#include "catena/nn/clone.hpp"
#include "catena/nn/functional_call.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "nn/normalization_reference.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Normed = nn::WeightNorm<nn::Linear>;

Tensor filled(const Shape& shape, double (*f)(double)) {
  std::vector<double> v(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = f(static_cast<double>(i));
  return tensor(v, shape, kFloat64);
}

TEST(WeightNorm, EqualsPyTorchs) {
  const std::optional<int> dims[] = {0, 1, std::nullopt};
  for (std::size_t k = 0; k < 3; ++k) {
    const LayerCase& c = kWeightNormCases[k];
    SCOPED_TRACE(c.name);
    nn::Linear linear(3, 2);
    linear.to(kFloat64);
    {
      const NoGrad off;
      linear.weight().copy_(filled({2, 3}, [](double i) { return 1 + std::cos(i) / 2; }));
      linear.bias().copy_(filled({2}, [](double i) { return std::sin(i) / 2; }));
    }
    Normed layer(linear, "weight", dims[k]);
    {
      const NoGrad off;
      layer.g().mul_(1.5);
    }
    EXPECT_TRUE(close(layer.g(), c.buffers[0], 1e-13, 1e-14));
    Tensor x = filled({2, 3}, [](double i) { return std::sin(1 + i) * (1 + std::fmod(i, 3)); });
    x.set_requires_grad();
    const Tensor y = layer(x);
    EXPECT_TRUE(close(y, c.y, 1e-13, 1e-14));
    y.backward(filled({2, 2}, [](double i) { return std::cos(2 + i); }));
    EXPECT_TRUE(close(x.grad(), c.dx, 1e-12, 1e-13));
    EXPECT_TRUE(close(layer.g().grad(), c.gradients[0], 1e-12, 1e-13));
    EXPECT_TRUE(close(layer.v().grad(), c.gradients[1], 1e-11, 1e-12));
    EXPECT_TRUE(close(layer.bias().grad(), c.gradients[2], 1e-12, 1e-13));
  }
}

std::vector<std::string> names(const std::vector<NamedTensor>& list) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : list) out.push_back(name);
  return out;
}

TEST(WeightNorm, StartsAsTheLayerAndSavesLengthsAndDirections) {
  nn::Linear linear(3, 2);
  const Tensor x = random_normal({4, 3});
  const Tensor before = linear(x);
  nn::Sequential model(Normed(std::move(linear)), nn::Linear(2, 1));
  EXPECT_EQ(names(model.named_parameters()),
            (std::vector<std::string>{"0.bias", "0.weight_g", "0.weight_v", "1.weight", "1.bias"}));
  EXPECT_EQ(names(model.state().tensors), names(model.named_parameters()));
  EXPECT_TRUE(close(model[0](x), before.to_vector()));
  nn::Sequential other(Normed(nn::Linear(3, 2)), nn::Linear(2, 1));
  other.load_state(model.state());
  EXPECT_TRUE(same_bits(other(x), model(x)));
}

TEST(WeightNorm, ClonesConvertsAndIsAFunctionOfItsParameters) {
  Normed layer(nn::Linear(3, 2));
  Normed copy = nn::clone(layer);
  const Tensor x = ones({1, 3});
  {
    const NoGrad off;
    copy.g().mul_(2);
    copy.bias().fill_(0);
    layer.bias().fill_(0);
  }
  EXPECT_TRUE(same_bits(copy(x), layer(x) * 2));
  copy.to(kFloat64);
  EXPECT_EQ(copy(ones({1, 3}, kFloat64)).dtype(), kFloat64);
  const std::vector<NamedTensor> given = {{"weight_g", layer.g().detach() * 3}};
  EXPECT_TRUE(close(nn::functional_call(layer, given, x), (layer(x) * 3).to_vector()));
}

TEST(WeightNorm, AGraphOfItLearnsLengthsAndDirections) {
  Normed layer(nn::Linear(3, 2));
  const Tensor x = random_normal({2, 3});
  TraceOptions options;
  options.parameters = layer.named_parameters();
  const Graph graph = trace([&](const Tensor& in) { return layer(in); }, x, options);
  EXPECT_TRUE(graph.constants().empty()) << graph.describe();
  const Tensor y = graph({x})[0];
  EXPECT_TRUE(same_bits(y, layer(x)));
  y.sum().backward();
  EXPECT_TRUE(layer.g().grad().defined() && layer.v().grad().defined());
}

TEST(WeightNorm, Errors) {
  expect_error<ArgumentError>(
      [] { Normed(nn::Linear(3, 2), "wieght"); },
      {"[weight_norm]", "has no parameter 'wieght' of its own", "weight_norm_test.cpp"});
  expect_error<ArgumentError>([] { Normed(nn::Linear(3, 2), "weight", 2); },
                              {"[norm_except_dim] dim is 2 but v has 2 dimensions"});
}

}  // namespace
}  // namespace catena::test
