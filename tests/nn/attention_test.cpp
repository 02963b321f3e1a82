#include "catena/nn/attention.hpp"

#include "catena/nn/clone.hpp"
#include "catena/nn/transformer.hpp"
#include "nn/attention_reference.hpp"
#include "nn/pytorch_values.hpp"

namespace catena::test {
namespace {

constexpr std::int64_t kFeatures = 4, kHeads = 2, kBatch = 2, kRows = 3, kColumns = 5;

using Run = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;

// `net` gives what PyTorch gave for this case, with gradients.
void expect_as_pytorch(nn::Module& net, const AttentionCase& c, const std::vector<Shape>& shapes,
                       const Run& run) {
  fill_parameters(net);
  const std::vector<NamedTensor> parameters = net.named_parameters();
  ASSERT_EQ(parameters.size(), c.parameters.size());
  std::vector<Tensor> inputs;
  for (const Shape& shape : shapes) {
    const double k = static_cast<double>(inputs.size());
    inputs.push_back(filled(shape, [&](double i) { return std::sin(1 + 0.7 * i + k); }));
    inputs.back().set_requires_grad();
  }
  const std::vector<Tensor> outputs = run(inputs);
  ASSERT_EQ(outputs.size(), c.outputs.size());
  Tensor loss = tensor(0.0, kFloat64);
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    EXPECT_TRUE(close(outputs[k], c.outputs[k], 1e-8, 1e-8)) << "output " << k;
    loss = loss + weighted(outputs[k]);
  }
  loss.backward();
  for (std::size_t k = 0; k < inputs.size(); ++k)
    EXPECT_TRUE(close(inputs[k].grad(), c.input_gradients[k], 1e-7, 1e-8)) << "input " << k;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    EXPECT_EQ(parameters[k].first, c.parameters[k]);
    EXPECT_NEAR(weighted(parameters[k].second.grad()).item(), c.parameter_gradients[k], 1e-7)
        << parameters[k].first;
  }
}

Tensor mask_of(const Shape& shape, std::vector<std::int64_t> ones) {
  return tensor(ones, shape, kBool);
}
Tensor padding() { return mask_of({kBatch, kRows}, {0, 0, 1, 0, 1, 0}); }
Tensor long_padding() { return mask_of({kBatch, kColumns}, {0, 0, 1, 0, 1, 0, 1, 0, 0, 0}); }
// What a row must not see.
Tensor later() { return mask_of({kRows, kRows}, {0, 1, 1, 0, 0, 1, 0, 0, 0}); }

const Shape kLengthFirst{kRows, kBatch, kFeatures}, kBatchFirst{kBatch, kRows, kFeatures};

TEST(MultiheadAttention, IsPyTorchs) {
  {
    nn::MultiheadAttention net(kFeatures, kHeads);
    expect_as_pytorch(net, kAttentionCases[0], {kLengthFirst}, [&](const auto& in) {
      nn::AttentionMasks masks;
      masks.key_padding_mask = padding().to(kFloat64) * -1.5;
      masks.attn_mask = filled({kRows, kRows}, [](double i) { return std::cos(i); });
      const nn::AttentionOutput out = net.forward(in[0], in[0], in[0], masks);
      return std::vector<Tensor>{out.y, out.weights};
    });
  }
  {
    nn::MultiheadAttention net(kFeatures, kHeads,
                               {.bias = false, .kdim = 3, .vdim = 2, .batch_first = true});
    expect_as_pytorch(
        net, kAttentionCases[1], {kBatchFirst, {kBatch, kColumns, 3}, {kBatch, kColumns, 2}},
        [&](const auto& in) {
          const nn::AttentionOutput out =
              net.forward(in[0], in[1], in[2],
                          {.key_padding_mask = long_padding(), .average_attn_weights = false});
          return std::vector<Tensor>{out.y, out.weights};
        });
  }
  {
    nn::MultiheadAttention net(kFeatures, kHeads);
    expect_as_pytorch(
        net, kAttentionCases[2], {{kRows, kFeatures}, {kColumns, kFeatures}}, [&](const auto& in) {
          return std::vector<Tensor>{net.forward(in[0], in[1], in[1], {.need_weights = false}).y};
        });
  }
}

TEST(Transformer, IsPyTorchs) {
  const nn::TransformerOptions plain{.dim_feedforward = 6, .dropout = 0};
  nn::TransformerOptions options = plain;
  {
    nn::TransformerEncoder net(nn::TransformerEncoderLayer(kFeatures, kHeads, plain), 2,
                               nn::LayerNorm({kFeatures}));
    expect_as_pytorch(net, kAttentionCases[3], {kLengthFirst}, [&](const auto& in) {
      return std::vector<Tensor>{
          net.forward(in[0], {.mask = later(), .key_padding_mask = padding()})};
    });
  }
  options.activation = "gelu";
  options.batch_first = options.norm_first = true;
  {
    nn::TransformerEncoderLayer net(kFeatures, kHeads, options);
    expect_as_pytorch(net, kAttentionCases[4], {kBatchFirst},
                      [&](const auto& in) { return std::vector<Tensor>{net(in[0])}; });
  }
  options = plain;
  options.batch_first = true;
  {
    nn::TransformerDecoder net(nn::TransformerDecoderLayer(kFeatures, kHeads, options), 2);
    expect_as_pytorch(
        net, kAttentionCases[5], {kBatchFirst, {kBatch, kColumns, kFeatures}}, [&](const auto& in) {
          return std::vector<Tensor>{net.forward(
              in[0], in[1], {.memory_key_padding_mask = long_padding(), .tgt_is_causal = true})};
        });
  }
  options = plain;
  options.norm_first = true;
  {
    nn::TransformerDecoderLayer net(kFeatures, kHeads, options);
    expect_as_pytorch(
        net, kAttentionCases[6], {kLengthFirst, {kColumns, kBatch, kFeatures}},
        [&](const auto& in) { return std::vector<Tensor>{net.forward(in[0], in[1])}; });
  }
}

TEST(MultiheadAttention, WithAndWithoutWeightsAreTheSame) {
  nn::MultiheadAttention net(8, 2, {.dropout = 0.5, .batch_first = true});
  const Tensor x = randn({3, 5, 8}), padding = mask_of({3, 5}, {0, 0, 1, 1, 1,  //
                                                                0, 0, 0, 0, 0,  //
                                                                0, 1, 0, 0, 1});
  const Tensor per_head = randn({6, 5, 5});
  for (const Tensor& mask : {Tensor(), randn({5, 5}), per_head, greater(per_head, tensor(1.0))}) {
    std::vector<Tensor> results;
    for (const bool need_weights : {false, true}) {
      manual_seed(3);
      results.push_back(net.forward(x, x, x,
                                    {.key_padding_mask = padding,
                                     .need_weights = need_weights,
                                     .attn_mask = mask,
                                     .is_causal = true})
                            .y);
    }
    EXPECT_TRUE(close(results[0], results[1].to_vector(), 1e-4, 1e-5));
  }
  net.eval();
  const Tensor weights =
      net.forward(x, x, x, {.key_padding_mask = padding, .is_causal = true}).weights;
  EXPECT_EQ(weights.shape(), (Shape{3, 5, 5}));
  EXPECT_TRUE(close(sum(weights, {-1}), std::vector<double>(15, 1.0)));
}

TEST(MultiheadAttention, DecodesWithACache) {
  nn::TransformerEncoderLayer net(8, 2,
                                  {.dim_feedforward = 16, .batch_first = true, .norm_first = true});
  net.eval();
  const Tensor x = randn({2, 40, 8});
  const Tensor whole = net.forward(x, {.is_causal = true});
  nn::KeyValueCache cache;
  std::vector<Tensor> parts{net.forward(slice(x, 1, 0, 7), cache)};
  for (std::int64_t t = 7; t < 40; ++t) parts.push_back(net.forward(slice(x, 1, t, t + 1), cache));
  EXPECT_EQ(cache.length(), 40);
  EXPECT_TRUE(close(concat(parts, 1), whole.to_vector(), 1e-4, 1e-5));
  EXPECT_FALSE(parts[1].requires_grad());
  expect_error<ArgumentError>([&] { net.forward(slice(x, 0, 0, 1), cache); },
                              {"[key_value_cache]", "after 40 positions", "attention_test.cpp"});
  cache.clear();
  net.forward(slice(x, 0, 0, 1), cache);
  EXPECT_EQ(cache.length(), 40);
}

TEST(Transformer, StacksAreClones) {
  const nn::TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16});
  nn::TransformerEncoder net(layer, 3, nn::LayerNorm({8}));
  EXPECT_EQ(net.num_parameters(), 3 * layer.num_parameters() + 16);
  EXPECT_EQ(net.named_parameters()[0].first, "layers.0.self_attn.in_proj_weight");
  EXPECT_EQ(net.named_parameters().back().first, "norm.bias");
  EXPECT_FALSE(net.parameters()[0].is_same(layer.parameters()[0]));
  EXPECT_TRUE(same_bits(net.parameters()[0], layer.parameters()[0]));
  nn::TransformerEncoder copy = nn::clone(net);
  net.eval();
  copy.eval();
  const Tensor x = randn({4, 2, 8});
  EXPECT_TRUE(same_bits(net(x), copy(x)));
  {
    const NoGrad off;
    copy.parameters()[0].fill_(0);
  }
  EXPECT_FALSE(same_bits(net(x), copy(x)));
}

TEST(MultiheadAttention, Errors) {
  expect_error<ArgumentError>([] { nn::MultiheadAttention(6, 4); },
                              {"[multihead_attention] embed_dim 6, num_heads 4", "a multiple of"});
  nn::MultiheadAttention net(4, 2);
  const Tensor x = ones({3, 2, 4});
  const auto fails = [&](const Tensor& key, const nn::AttentionMasks& masks,
                         std::initializer_list<const char*> parts) {
    expect_error<ArgumentError>([&] { net.forward(x, key, key, masks); }, parts);
  };
  fails(ones({3, 2, 5}), {}, {"key is [3, 2, 5]; expected [L, N, 4], or [L, 4]"});
  fails(ones({3, 4}), {}, {"query [3, 2, 4], key [3, 4]", "all with or all without N"});
  fails(ones({3, 2, 4}, kFloat64), {}, {"key is float64, but the weights are float32"});
  fails(x, {.key_padding_mask = zeros({2, 4}, kBool)},
        {"key_padding_mask is [2, 4]; expected [2, 3]"});
  fails(x, {.attn_mask = zeros({3, 4}, kBool)},
        {"attn_mask is [3, 4]; expected [3, 3] or [4, 3, 3]", "attention_test.cpp"});
  fails(x, {.attn_mask = zeros({3, 3}, kInt64)}, {"attn_mask is int64; expected bool, true where"});
}

}  // namespace
}  // namespace catena::test
