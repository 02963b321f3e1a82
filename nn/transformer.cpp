#include "catena/nn/transformer.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/nn/clone.hpp"

namespace catena::nn {
namespace {

MultiheadAttentionOptions attention_options(const TransformerOptions& o) {
  return {.dropout = o.dropout, .batch_first = o.batch_first};
}

template <class L>
ModuleList clones_of(const L& layer, std::int64_t count, const Module::Location& loc) {
  if (count <= 0)
    throw_argument("transformer",
                   fmt::format("num_layers is {}; expected a positive number", count), loc);
  ModuleList list;
  for (std::int64_t i = 0; i < count; ++i) list.push_back(clone(layer));
  return list;
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 TransformerOptions o, Location loc)
    : norm_first_(o.norm_first),
      self_attn_(d_model, nhead, attention_options(o), loc),
      linear1_(d_model, o.dim_feedforward, true, loc),
      dropout_(o.dropout, loc),
      linear2_(o.dim_feedforward, d_model, true, loc),
      norm1_({d_model}, o.layer_norm_eps),
      norm2_({d_model}, o.layer_norm_eps),
      dropout1_(o.dropout, loc),
      dropout2_(o.dropout, loc),
      activation_(o.activation, loc) {
  register_module("self_attn", self_attn_);
  register_module("linear1", linear1_);
  register_module("dropout", dropout_);
  register_module("linear2", linear2_);
  register_module("norm1", norm1_);
  register_module("norm2", norm2_);
  register_module("dropout1", dropout1_);
  register_module("dropout2", dropout2_);
}

template <class Attend>
Tensor TransformerEncoderLayer::compute(Tensor x, const Attend& attend) {
  const auto feed_forward = [&](const Tensor& in) {
    return dropout2_(linear2_(dropout_(activation_(linear1_(in)))));
  };
  if (norm_first_) {
    x = x + dropout1_(attend(norm1_(x)));
    return x + feed_forward(norm2_(x));
  }
  x = norm1_(x + dropout1_(attend(x)));
  return norm2_(x + feed_forward(x));
}

Tensor TransformerEncoderLayer::forward(Tensor src) { return forward(src, {}, call_location()); }
Tensor TransformerEncoderLayer::forward(const Tensor& src, const EncoderMasks& masks,
                                        Location loc) {
  const CallSite site(loc);
  return compute(src, [&](const Tensor& x) {
    return self_attn_
        .forward(x, x, x,
                 {.key_padding_mask = masks.key_padding_mask,
                  .need_weights = false,
                  .attn_mask = masks.mask,
                  .is_causal = masks.is_causal})
        .y;
  });
}
Tensor TransformerEncoderLayer::forward(const Tensor& src, KeyValueCache& cache, Location loc) {
  const CallSite site(loc);
  const NoGrad off;
  return compute(src, [&](const Tensor& x) { return self_attn_.forward(x, cache); });
}

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 TransformerOptions o, Location loc)
    : norm_first_(o.norm_first),
      self_attn_(d_model, nhead, attention_options(o), loc),
      multihead_attn_(d_model, nhead, attention_options(o), loc),
      linear1_(d_model, o.dim_feedforward, true, loc),
      dropout_(o.dropout, loc),
      linear2_(o.dim_feedforward, d_model, true, loc),
      norm1_({d_model}, o.layer_norm_eps),
      norm2_({d_model}, o.layer_norm_eps),
      norm3_({d_model}, o.layer_norm_eps),
      dropout1_(o.dropout, loc),
      dropout2_(o.dropout, loc),
      dropout3_(o.dropout, loc),
      activation_(o.activation, loc) {
  register_module("self_attn", self_attn_);
  register_module("multihead_attn", multihead_attn_);
  register_module("linear1", linear1_);
  register_module("dropout", dropout_);
  register_module("linear2", linear2_);
  register_module("norm1", norm1_);
  register_module("norm2", norm2_);
  register_module("norm3", norm3_);
  register_module("dropout1", dropout1_);
  register_module("dropout2", dropout2_);
  register_module("dropout3", dropout3_);
}

Tensor TransformerDecoderLayer::forward(const Tensor& tgt, const Tensor& memory,
                                        const DecoderMasks& masks, Location loc) {
  const CallSite site(loc);
  const auto attend_self = [&](const Tensor& x) {
    return dropout1_(self_attn_
                         .forward(x, x, x,
                                  {.key_padding_mask = masks.tgt_key_padding_mask,
                                   .need_weights = false,
                                   .attn_mask = masks.tgt_mask,
                                   .is_causal = masks.tgt_is_causal})
                         .y);
  };
  const auto attend_memory = [&](const Tensor& x) {
    return dropout2_(multihead_attn_
                         .forward(x, memory, memory,
                                  {.key_padding_mask = masks.memory_key_padding_mask,
                                   .need_weights = false,
                                   .attn_mask = masks.memory_mask,
                                   .is_causal = masks.memory_is_causal})
                         .y);
  };
  const auto feed_forward = [&](const Tensor& x) {
    return dropout3_(linear2_(dropout_(activation_(linear1_(x)))));
  };
  Tensor x = tgt;
  if (norm_first_) {
    x = x + attend_self(norm1_(x));
    x = x + attend_memory(norm2_(x));
    return x + feed_forward(norm3_(x));
  }
  x = norm1_(x + attend_self(x));
  x = norm2_(x + attend_memory(x));
  return norm3_(x + feed_forward(x));
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer,
                                       std::int64_t num_layers, std::optional<LayerNorm> norm,
                                       Location loc)
    : layers_(clones_of(layer, num_layers, loc)), norm_(std::move(norm)) {
  register_module("layers", layers_);
  if (norm_) register_module("norm", *norm_);
}

Tensor TransformerEncoder::forward(Tensor src) { return forward(src, {}, call_location()); }
Tensor TransformerEncoder::forward(const Tensor& src, const EncoderMasks& masks, Location loc) {
  const CallSite site(loc);
  Tensor x = src;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    x = layers_.at<TransformerEncoderLayer>(static_cast<std::int64_t>(i)).forward(x, masks);
  return norm_ ? (*norm_)(x) : x;
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& layer,
                                       std::int64_t num_layers, std::optional<LayerNorm> norm,
                                       Location loc)
    : layers_(clones_of(layer, num_layers, loc)), norm_(std::move(norm)) {
  register_module("layers", layers_);
  if (norm_) register_module("norm", *norm_);
}

Tensor TransformerDecoder::forward(const Tensor& tgt, const Tensor& memory,
                                   const DecoderMasks& masks, Location loc) {
  const CallSite site(loc);
  Tensor x = tgt;
  for (std::size_t i = 0; i < layers_.size(); ++i)
    x = layers_.at<TransformerDecoderLayer>(static_cast<std::int64_t>(i)).forward(x, memory, masks);
  return norm_ ? (*norm_)(x) : x;
}

}  // namespace catena::nn
