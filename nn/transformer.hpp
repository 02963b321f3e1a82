// Layers and stacks of the Transformer (Vaswani et al., 2017).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catena/nn/activations.hpp"
#include "catena/nn/attention.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/module_list.hpp"
#include "catena/nn/normalization.hpp"

namespace catena::nn {

// PyTorch's options and defaults. norm_first normalises before attention and feed-forward rather
// than after the sums (Xiong et al., 2020).
struct TransformerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";  // any of nn::Activation
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  // [N, L, E] rather than [L, N, E]
  bool norm_first = false;
};

// Masks as of MultiheadAttention: bool ones are true where a position is left out.
struct EncoderMasks {
  Tensor mask;              // [L, L] or [N * nhead, L, L]
  Tensor key_padding_mask;  // [N, L]
  bool is_causal = false;
};
struct DecoderMasks {
  Tensor tgt_mask, memory_mask;
  Tensor tgt_key_padding_mask, memory_key_padding_mask;
  bool tgt_is_causal = false, memory_is_causal = false;
};

// Self-attention and a feed-forward network, each added to its input and normalised. Parameters
// have PyTorch's names: self_attn, linear1, linear2, norm1, norm2.
class TransformerEncoderLayer : public Layer {
 public:
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options = {},
                          Location loc = Location::current());
  Tensor forward(Tensor src) override;
  Tensor forward(const Tensor& src, const EncoderMasks& masks, Location loc = Location::current());
  // Of positions that follow those of the cache, causal; without gradient, for decoding.
  Tensor forward(const Tensor& src, KeyValueCache& cache, Location loc = Location::current());

 private:
  template <class Attend>
  Tensor compute(Tensor x, const Attend& attend);

  bool norm_first_;
  MultiheadAttention self_attn_;
  Linear linear1_;
  Dropout dropout_;
  Linear linear2_;
  LayerNorm norm1_, norm2_;
  Dropout dropout1_, dropout2_;
  Activation activation_;
};

// The same with attention to the memory, an encoder's output, in between. Parameters: self_attn,
// multihead_attn, linear1, linear2, norm1, norm2, norm3.
class TransformerDecoderLayer : public Layer {
 public:
  TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead, TransformerOptions options = {},
                          Location loc = Location::current());
  Tensor forward(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {},
                 Location loc = Location::current());

 private:
  bool norm_first_;
  MultiheadAttention self_attn_, multihead_attn_;
  Linear linear1_;
  Dropout dropout_;
  Linear linear2_;
  LayerNorm norm1_, norm2_, norm3_;
  Dropout dropout1_, dropout2_, dropout3_;
  Activation activation_;
};

// num_layers clones of `layer`, which so start with equal values as in PyTorch, one after the other
// ("layers.0", ..), and then `norm` where it is given.
class TransformerEncoder : public Layer {
 public:
  TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers,
                     std::optional<LayerNorm> norm = {}, Location loc = Location::current());
  Tensor forward(Tensor src) override;
  Tensor forward(const Tensor& src, const EncoderMasks& masks, Location loc = Location::current());

 private:
  ModuleList layers_;
  std::optional<LayerNorm> norm_;
};
class TransformerDecoder : public Layer {
 public:
  TransformerDecoder(const TransformerDecoderLayer& layer, std::int64_t num_layers,
                     std::optional<LayerNorm> norm = {}, Location loc = Location::current());
  Tensor forward(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {},
                 Location loc = Location::current());

 private:
  ModuleList layers_;
  std::optional<LayerNorm> norm_;
};

}  // namespace catena::nn
