#include "catena/nn/activations.hpp"

#include "catena/nn/sequential.hpp"
#include "catena/ops/activation.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

const Tensor kX = tensor({-7, -2.5, -0.5, 0, 0.5, 2.5, 7});

TEST(ActivationLayers, AreTheFunctionsOfTheirName) {
  const auto expect = [](nn::Module&& layer, const Tensor& y) {
    EXPECT_TRUE(same_bits(layer(kX), y)) << layer;
  };
  expect(nn::ReLU(), relu(kX));
  expect(nn::ReLU6(), hardtanh(kX, 0, 6));
  expect(nn::LeakyReLU(0.2), leaky_relu(kX, 0.2));
  expect(nn::ELU(0.5), elu(kX, 0.5));
  expect(nn::SELU(), selu(kX));
  expect(nn::CELU(2), celu(kX, 2));
  expect(nn::GELU(), gelu(kX));
  expect(nn::GELU("tanh"), gelu(kX, "tanh"));
  expect(nn::SiLU(), silu(kX));
  expect(nn::Mish(), mish(kX));
  expect(nn::Sigmoid(), sigmoid(kX));
  expect(nn::LogSigmoid(), log_sigmoid(kX));
  expect(nn::Tanh(), tanh(kX));
  expect(nn::Softplus(2, 10), softplus(kX, 2, 10));
  expect(nn::Softsign(), softsign(kX));
  expect(nn::Hardtanh(-2, 3), hardtanh(kX, -2, 3));
  expect(nn::Hardsigmoid(), hardsigmoid(kX));
  expect(nn::Hardswish(), hardswish(kX));
  expect(nn::Softmax(0), softmax(kX, 0));
  expect(nn::LogSoftmax(), log_softmax(kX, -1));
}

TEST(ActivationLayers, ByName) {
  nn::Sequential net(nn::Activation("leaky_relu"), nn::Activation("linear"));
  EXPECT_TRUE(same_bits(net(kX), leaky_relu(kX)));
  EXPECT_EQ(nn::to_string(nn::Activation("gelu")), "Activation(gelu)");
  expect_error<ArgumentError>([] { nn::Activation("rleu"); },
                              {"[activation] no activation is called 'rleu'", "did you mean",
                               "'relu'", "hardswish", "activations_test.cpp"});
  expect_error<ArgumentError>([] { nn::Activation("ReLU"); },
                              {"'ReLU'; did you mean 'relu'; expected one of"});
  expect_error<ArgumentError>([] { nn::Activation("swish"); }, {"did you mean 'silu'; expected"});
  expect_error<ArgumentError>([] { nn::GELU("tahn"); },
                              {"'tahn'; did you mean 'tanh'; expected none or tanh"});
}

}  // namespace
}  // namespace catena::test
