#include "catena/nn/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/nn/init.hpp"
#include "catena/ops/attention.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/ops/split.hpp"

namespace catena::nn {
namespace {

constexpr const char* kName = "multihead_attention";

// A mask of what is left out as one that is added.
Tensor as_added(const Tensor& mask, DType dtype) {
  if (mask.dtype() != kBool) return mask;
  const double infinity = std::numeric_limits<double>::infinity();
  return where(mask, full({}, -infinity, {dtype, mask.device()}),
               full({}, 0, {dtype, mask.device()}));
}

}  // namespace

void KeyValueCache::clear() { *this = KeyValueCache(); }

std::pair<Tensor, Tensor> KeyValueCache::append(const Tensor& key, const Tensor& value,
                                                std::source_location loc) {
  const NoGrad off;
  const auto fits = [](const Tensor& all, const Tensor& x) {
    Shape expected = all.shape();
    if (x.rank() == 4) expected[2] = x.shape()[2];
    return x.shape() == expected && x.dtype() == all.dtype();
  };
  if (keys_.defined() && !(fits(keys_, key) && fits(values_, value)))
    throw_argument("key_value_cache",
                   fmt::format("key {} and value {} after {} positions of {} and {}; expected the "
                               "same sizes; clear() the cache for another batch",
                               to_string(key.shape()), to_string(value.shape()), length_,
                               to_string(keys_.shape()), to_string(values_.shape())),
                   loc);
  const std::int64_t total = length_ + key.shape()[2];
  const auto add = [&](Tensor& all, const Tensor& x) {
    if (!all.defined() || all.shape()[2] < total) {
      Shape shape = x.shape();
      shape[2] = std::max<std::int64_t>(16, 2 * total);
      Tensor grown = zeros(shape, {x.dtype(), x.device()});
      if (length_ > 0) slice(grown, 2, 0, length_).copy_(slice(all, 2, 0, length_));
      all = grown;
    }
    slice(all, 2, length_, total).copy_(x);
  };
  add(keys_, key);
  add(values_, value);
  length_ = total;
  return {slice(keys_, 2, 0, total), slice(values_, 2, 0, total)};
}

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       MultiheadAttentionOptions options, Location loc)
    : embed_dim_(embed_dim),
      num_heads_(num_heads),
      options_(options),
      out_proj_(std::max<std::int64_t>(1, embed_dim), std::max<std::int64_t>(1, embed_dim),
                options.bias) {
  if (embed_dim <= 0 || num_heads <= 0 || embed_dim % num_heads != 0)
    throw_argument(kName,
                   fmt::format("embed_dim {}, num_heads {}; expected positive numbers, embed_dim a "
                               "multiple of num_heads",
                               embed_dim, num_heads),
                   loc);
  if (!(options.dropout >= 0 && options.dropout <= 1))
    throw_argument(kName,
                   fmt::format("dropout is {}; expected a probability in [0, 1]", options.dropout),
                   loc);
  const std::int64_t kdim = options.kdim.value_or(embed_dim),
                     vdim = options.vdim.value_or(embed_dim);
  const auto weight = [&](const char* name, std::int64_t rows, std::int64_t columns) {
    return register_parameter(name, init::xavier_uniform_(empty({rows, columns})));
  };
  if (kdim == embed_dim && vdim == embed_dim) {
    in_proj_weight_ = weight("in_proj_weight", 3 * embed_dim, embed_dim);
  } else {
    q_proj_weight_ = weight("q_proj_weight", embed_dim, embed_dim);
    k_proj_weight_ = weight("k_proj_weight", embed_dim, kdim);
    v_proj_weight_ = weight("v_proj_weight", embed_dim, vdim);
  }
  if (options.bias) {
    in_proj_bias_ = register_parameter("in_proj_bias", zeros({3 * embed_dim}));
    init::zeros_(out_proj_.bias());
  }
  register_module("out_proj", out_proj_);
  set_description(fmt::format("embed_dim={}, num_heads={}{}", embed_dim, num_heads,
                              options.batch_first ? ", batch_first=true" : ""));
}

void MultiheadAttention::fail(const std::string& what) const {
  throw_argument(kName, label() + what, call_location());
}

void MultiheadAttention::check(const char* name, const Tensor& x, std::int64_t features) const {
  if (!x.defined() || (x.rank() != 2 && x.rank() != 3) || x.shape().back() != features)
    fail(fmt::format("{} is {}; expected [{}, {}], or [L, {}] for one sequence", name,
                     x.defined() ? catena::to_string(x.shape()) : "undefined",
                     options_.batch_first ? "N, L" : "L, N", features, features));
  if (x.dtype() != out_proj_.weight().dtype())
    fail(fmt::format("{} is {}, but the weights are {}; convert one with to()", name,
                     name_of(x.dtype()), name_of(out_proj_.weight().dtype())));
}

// [N, L, E] of any form.
Tensor MultiheadAttention::batched(const Tensor& x) const {
  if (x.rank() == 2) return unsqueeze(x, 0);
  return options_.batch_first ? x : transpose(x, 0, 1);
}
Tensor MultiheadAttention::unbatched(const Tensor& y, const Tensor& query) const {
  if (query.rank() == 2) return squeeze(y, 0);
  return options_.batch_first ? y : transpose(y, 0, 1);
}

Tensor MultiheadAttention::split_heads(const Tensor& x) const {
  return transpose(unflatten(x, -1, {num_heads_, embed_dim_ / num_heads_}), 1, 2);
}

MultiheadAttention::Heads MultiheadAttention::project(const Tensor& query, const Tensor& key,
                                                      const Tensor& value) const {
  const auto projected = [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return bias.defined() ? linear(x, weight, bias) : linear(x, weight);
  };
  const Tensor q = batched(query), bias = in_proj_bias_;
  if (in_proj_weight_.defined() && query.is_same(key) && query.is_same(value)) {
    const std::vector<Tensor> parts = chunk(projected(q, in_proj_weight_, bias), 3, -1);
    return {split_heads(parts[0]), split_heads(parts[1]), split_heads(parts[2])};
  }
  const auto part = [&](const Tensor& all, int i) {
    return all.defined() ? slice(all, 0, i * embed_dim_, (i + 1) * embed_dim_) : all;
  };
  const bool joined = in_proj_weight_.defined();
  const Tensor weights[] = {joined ? part(in_proj_weight_, 0) : Tensor(q_proj_weight_),
                            joined ? part(in_proj_weight_, 1) : Tensor(k_proj_weight_),
                            joined ? part(in_proj_weight_, 2) : Tensor(v_proj_weight_)};
  return {split_heads(projected(q, weights[0], part(bias, 0))),
          split_heads(projected(batched(key), weights[1], part(bias, 1))),
          split_heads(projected(batched(value), weights[2], part(bias, 2)))};
}

// Both masks as one of scaled_dot_product_attention's, which broadcasts to [N, heads, L, S].
Tensor MultiheadAttention::mask_of(const AttentionMasks& masks, const Heads& heads) const {
  const std::int64_t batch = heads.query.shape()[0], rows = heads.query.shape()[2],
                     columns = heads.key.shape()[2];
  Tensor padding = masks.key_padding_mask, mask = masks.attn_mask;
  const auto check_dtype = [&](const char* name, const Tensor& t) {
    if (t.dtype() != kBool && t.dtype() != heads.query.dtype())
      fail(
          fmt::format("{} is {}; expected bool, true where a position is left out, or {}, which "
                      "is added to the scores",
                      name, name_of(t.dtype()), name_of(heads.query.dtype())));
  };
  if (padding.defined()) {
    check_dtype("key_padding_mask", padding);
    if (padding.rank() == 1) padding = unsqueeze(padding, 0);
    if (padding.shape() != Shape{batch, columns})
      fail(fmt::format("key_padding_mask is {}; expected [{}, {}]",
                       catena::to_string(masks.key_padding_mask.shape()), batch, columns));
    padding = reshape(padding, {batch, 1, 1, columns});
  }
  if (mask.defined()) {
    check_dtype("attn_mask", mask);
    if (mask.shape() == Shape{batch * num_heads_, rows, columns})
      mask = reshape(mask, {batch, num_heads_, rows, columns});
    else if (mask.shape() != Shape{rows, columns})
      fail(fmt::format("attn_mask is {}; expected [{}, {}] or [{}, {}, {}]",
                       catena::to_string(mask.shape()), rows, columns, batch * num_heads_, rows,
                       columns));
  }
  if (!padding.defined() && !mask.defined()) return {};
  if (!padding.defined() || !mask.defined()) {
    const Tensor& only = mask.defined() ? mask : padding;
    return only.dtype() == kBool ? logical_not(only) : only;
  }
  if (padding.dtype() == kBool && mask.dtype() == kBool)
    return logical_not(logical_or(padding, mask));
  return as_added(padding, heads.query.dtype()) + as_added(mask, heads.query.dtype());
}

AttentionOutput MultiheadAttention::forward(const Tensor& query, const Tensor& key,
                                            const Tensor& value, const AttentionMasks& masks,
                                            Location loc) {
  const CallSite site(loc);
  check("query", query, embed_dim_);
  check("key", key, options_.kdim.value_or(embed_dim_));
  check("value", value, options_.vdim.value_or(embed_dim_));
  if (key.rank() != query.rank() || value.rank() != query.rank())
    fail(fmt::format("query {}, key {}, value {}; expected all with or all without N",
                     catena::to_string(query.shape()), catena::to_string(key.shape()),
                     catena::to_string(value.shape())));
  const Heads heads = project(query, key, value);
  const Tensor mask = mask_of(masks, heads);
  const double drop = is_training() ? options_.dropout : 0;
  Tensor y, weights;
  if (masks.need_weights) {
    const op::Attention op{.scale = 1 / std::sqrt(static_cast<double>(embed_dim_ / num_heads_)),
                           .causal = masks.is_causal};
    weights = dropout(catena::detail::attention_weights(op, heads.query, heads.key, mask), drop);
    y = matmul(weights, heads.value);
    if (masks.average_attn_weights) weights = mean(weights, {1});
    if (query.rank() == 2) weights = squeeze(weights, 0);
  } else {
    y = scaled_dot_product_attention(
        heads.query, heads.key, heads.value,
        {.attn_mask = mask, .dropout_p = drop, .is_causal = masks.is_causal});
  }
  y = out_proj_.forward(flatten(transpose(y, 1, 2), 2));
  return {unbatched(y, query), weights};
}

Tensor MultiheadAttention::forward(Tensor x) {
  return forward(x, x, x, {.need_weights = false}, call_location()).y;
}

Tensor MultiheadAttention::forward(const Tensor& x, KeyValueCache& cache, Location loc) {
  const CallSite site(loc);
  const NoGrad off;
  check("x", x, embed_dim_);
  if (!in_proj_weight_.defined())
    fail("kdim or vdim differ from embed_dim; expected attention of x to itself for a cache");
  const Heads heads = project(x, x, x);
  const std::int64_t earlier = cache.length();
  const auto [keys, values] = cache.append(heads.key, heads.value, call_location());
  const Tensor y = scaled_dot_product_attention(heads.query, keys, values,
                                                {.is_causal = true, .causal_offset = earlier});
  return unbatched(out_proj_.forward(flatten(transpose(y, 1, 2), 2)), x);
}

}  // namespace catena::nn
