#include "catena/nn/packed_weights.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/graph/trace.hpp"
#include "catena/nn/clone.hpp"
#include "catena/nn/functional_call.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

bool is_used(const nn::Linear& layer, const Tensor& x) {
  return nn::detail::packed_weight(*layer.shared_state(), x, layer.weight()).defined();
}

struct PackedWeights : ::testing::Test {
  nn::Linear layer{300, 70};
  Tensor x = random_normal({8, 300});
  NoGrad off;
};

TEST_F(PackedWeights, GiveTheSameResultUpToRounding) {
  nn::Linear small(10, 70), no_bias(300, 100, false);
  nn::Sequential model(layer, small, no_bias);
  const Tensor before = layer(x), plain = no_bias(x);
  EXPECT_EQ(nn::pack_weights(model), 2) << "a small weight gains nothing";
  EXPECT_TRUE(is_used(layer, x));
  EXPECT_TRUE(close(layer(x), before.to_vector(), 1e-5, 1e-5));
  EXPECT_TRUE(close(no_bias(x), plain.to_vector(), 1e-5, 1e-5));
  EXPECT_TRUE(same_bits(layer(x).slice({Slice(0, 4)}), layer(x.slice({Slice(0, 4)}))));
  EXPECT_FALSE(is_used(layer, x.slice({Slice(0, 3)}))) << "few rows wait for memory";
  nn::unpack_weights(model);
  EXPECT_TRUE(same_bits(layer(x), before));
}

TEST_F(PackedWeights, FollowAChangeOfTheWeight) {
  EXPECT_EQ(nn::pack_weights(layer), 1);
  layer.weight().fill_(1);
  EXPECT_FALSE(is_used(layer, x));
  EXPECT_TRUE(close(layer(x), linear(x, layer.weight(), layer.bias()).to_vector()));
  EXPECT_EQ(nn::pack_weights(layer), 1);
  EXPECT_TRUE(is_used(layer, x));
  layer.to(kFloat64);
  EXPECT_FALSE(is_used(layer, x.to(kFloat64)));
  EXPECT_EQ(nn::pack_weights(layer), 1);
  EXPECT_TRUE(is_used(layer, x.to(kFloat64)));
}

TEST_F(PackedWeights, AreNotUsedWhereSomebodyHoldsThePointer) {
  nn::pack_weights(layer);
  *layer.weight().data<float>() = 5;
  EXPECT_FALSE(is_used(layer, x));
  EXPECT_EQ(nn::pack_weights(layer), 0);
}

TEST_F(PackedWeights, AreNotUsedByCallsThatAreRecordedOrTraced) {
  nn::pack_weights(layer);
  {
    EnableGrad on;
    EXPECT_FALSE(is_used(layer, x));
    layer(x).sum().backward();
    EXPECT_TRUE(layer.weight().grad().defined());
    layer.freeze();
    EXPECT_TRUE(is_used(layer, x));
  }
  const Graph graph = trace([&](const Tensor& t) { return layer(t); }, x);
  ASSERT_EQ(graph.nodes().size(), 1u);
  EXPECT_STREQ(graph.nodes()[0].op.info().name, "linear");
}

TEST_F(PackedWeights, BelongToOneModelAndItsOwnParameters) {
  nn::pack_weights(layer);
  nn::Linear copy = nn::clone(layer);
  EXPECT_FALSE(is_used(copy, x));
  EXPECT_EQ(nn::pack_weights(copy), 1);
  EXPECT_TRUE(is_used(copy, x));
  EXPECT_TRUE(is_used(layer, x));
  const std::vector<NamedTensor> ones_only = {{"weight", ones({70, 300})}};
  EXPECT_TRUE(close(nn::functional_call(layer, ones_only, ones({8, 300})) - layer.bias(),
                    std::vector<double>(8 * 70, 300.0), 1e-6));
}

}  // namespace
}  // namespace catena::test
