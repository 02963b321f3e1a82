// Attention, and rotary positions.
#include "catena/ops/attention.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/pad.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/ops/softmax.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

// [batch, length, heads * size] as [batch, heads, length, size].
Tensor in_heads(Call& c, const Tensor& x, const char* attribute) {
  if (x.rank() == 4) return x;
  const std::int64_t heads = c.required_integer(attribute);
  if (x.rank() != 3 || heads < 1 || x.shape()[2] % heads != 0)
    c.fail(fmt::format("{} {} of {}", attribute, heads, to_string(x.shape())));
  return transpose(reshape(x, {x.shape()[0], x.shape()[1], heads, x.shape()[2] / heads}), 1, 2);
}

// A mask that is shorter than the keys leaves out the rest.
Tensor whole_mask(const Tensor& mask, std::int64_t keys) {
  const std::int64_t missing = keys - mask.shape().back();
  if (missing <= 0 || mask.shape().back() == 1) return mask;
  if (mask.dtype() == kBool) return pad(mask, {{0, missing}}, PadMode::kConstant, false);
  return pad(mask, {{0, missing}}, PadMode::kConstant, -INFINITY);
}

// The weights made of single ops, for what the fused op does not return.
Tensor with_scores(const Tensor& q, Tensor k, Tensor v, const AttentionOptions& o, double softcap,
                   std::int64_t mode, Tensor* scores_out) {
  const std::int64_t repeat = q.shape()[1] / k.shape()[1];
  const auto repeated = [&](const Tensor& t) {
    if (repeat == 1) return t;
    Shape wide = t.shape();
    wide.insert(2, repeat);
    return flatten(expand(unsqueeze(t, 2), wide), 1, 2);
  };
  k = repeated(k);
  v = repeated(v);
  const double scale = o.scale.value_or(1 / std::sqrt(static_cast<double>(q.shape()[3])));
  Tensor scores = matmul(q * std::sqrt(scale), transpose(k * std::sqrt(scale), 2, 3));
  if (mode == 0) *scores_out = scores;
  if (softcap > 0) scores = softcap * tanh(scores / softcap);
  if (mode == 1) *scores_out = scores;
  const Tensor none = number_like(scores, -INFINITY);
  if (o.attn_mask.defined())
    scores = o.attn_mask.dtype() == kBool ? where(o.attn_mask, scores, none) : scores + o.attn_mask;
  if (o.is_causal) {
    const std::int64_t rows = q.shape()[2], keys = k.shape()[2];
    const Tensor row = reshape(arange(rows).to(q.device()), {rows, 1});
    const Tensor key = reshape(arange(keys).to(q.device()), {1, keys});
    scores = where(key <= row + o.causal_offset, scores, none);
  }
  if (mode == 2) *scores_out = scores;
  // A row that sees no key is zeros.
  const Tensor sees = any(scores != none, {-1}, true);
  const Tensor weights =
      where(sees, softmax(where(sees, scores, number_like(scores, 0))), number_like(scores, 0));
  if (mode == 3) *scores_out = weights;
  return matmul(weights, v);
}

Values attention(Call& c) {
  const bool flat = c.in(0).rank() == 3;
  const Tensor q = in_heads(c, c.in(0), "q_num_heads");
  Tensor k = in_heads(c, c.in(1), "kv_num_heads"), v = in_heads(c, c.in(2), "kv_num_heads");
  if (c.has(6)) c.unsupported("nonpad_kv_seqlen");
  if (c.attribute("left_window_size", std::int64_t{-1}) >= 0 ||
      c.attribute("right_window_size", std::int64_t{-1}) >= 0)
    c.unsupported("left_window_size and right_window_size");
  AttentionOptions o;
  if (c.has(4) != c.has(5)) c.fail("past_key and past_value come together");
  if (c.has(4)) {
    if (c.in(4).rank() != 4) c.fail(fmt::format("past_key {}", to_string(c.in(4).shape())));
    o.causal_offset = c.in(4).shape()[2];
    k = concat({c.in(4), k}, 2);
    v = concat({c.in(5), v}, 2);
  }
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4 || k.shape()[1] < 1 ||
      q.shape()[1] % k.shape()[1] != 0)
    c.fail(fmt::format("q {}, k {}, v {}", to_string(q.shape()), to_string(k.shape()),
                       to_string(v.shape())));
  o.is_causal = c.attribute("is_causal", std::int64_t{0}) != 0;
  o.enable_gqa = q.shape()[1] != k.shape()[1];
  if (c.has_attribute("scale")) o.scale = c.attribute("scale", 1.0);
  if (c.has(3)) o.attn_mask = whole_mask(c.in(3), k.shape()[2]);
  const double softcap = c.attribute("softcap", 0.0);
  Tensor y, scores;
  if (softcap > 0 || c.wants(3)) {
    const std::int64_t mode = c.attribute("qk_matmul_output_mode", std::int64_t{0});
    if (mode < 0 || mode > 3) c.fail(fmt::format("qk_matmul_output_mode {}", mode));
    y = with_scores(q, k, v, o, softcap, mode, &scores);
  } else {
    y = scaled_dot_product_attention(q, k, v, o);
  }
  if (flat) y = flatten(transpose(y, 1, 2), 2);
  return {y, k, v, scores};
}

Values rotary_embedding(Call& c) {
  Tensor x = c.in(0);
  const bool by_heads = x.rank() == 4;
  // [batch, length, heads, size]
  if (by_heads) {
    x = transpose(x, 1, 2);
  } else {
    const std::int64_t heads = c.required_integer("num_heads");
    if (x.rank() != 3 || heads < 1 || x.shape()[2] % heads != 0)
      c.fail(fmt::format("num_heads {} of {}", heads, to_string(x.shape())));
    x = reshape(x, {x.shape()[0], x.shape()[1], heads, x.shape()[2] / heads});
  }
  const std::int64_t size = x.shape()[3];
  std::int64_t turned = c.attribute("rotary_embedding_dim", std::int64_t{0});
  if (turned == 0) turned = size;
  if (turned < 0 || turned > size || turned % 2 != 0)
    c.fail(fmt::format("rotary_embedding_dim {} of {}", turned, size));
  const auto angles = [&](int input) {
    Tensor cache = c.in(input);
    if (c.has(3)) {
      const Tensor& at = c.in(3);
      if (at.rank() != 2 || cache.rank() != 2)
        c.fail(fmt::format("position_ids {} of a cache {}", to_string(at.shape()),
                           to_string(cache.shape())));
      cache = reshape(index_select(cache, reshape(at, {at.numel()}), 0),
                      {at.shape()[0], at.shape()[1], cache.shape().back()});
    }
    if (cache.rank() != 3 || cache.shape()[2] != turned / 2)
      c.fail(fmt::format("a cache of {}; expected {} numbers for each position",
                         to_string(cache.shape()), turned / 2));
    return unsqueeze(cache, 2);
  };
  const Tensor cos = angles(1), sin = angles(2);
  const bool interleaved = c.attribute("interleaved", std::int64_t{0}) != 0;
  const Tensor part = slice(x, 3, 0, turned);
  const std::int64_t half = turned / 2;
  const Tensor a = interleaved ? slice(part, 3, 0, turned, 2) : slice(part, 3, 0, half);
  const Tensor b = interleaved ? slice(part, 3, 1, turned, 2) : slice(part, 3, half, turned);
  const Tensor real = cos * a - sin * b, imaginary = sin * a + cos * b;
  Tensor y = interleaved ? flatten(stack({real, imaginary}, 4), 3) : concat({real, imaginary}, 3);
  if (turned < size) y = concat({y, slice(x, 3, turned, size)}, 3);
  return {by_heads ? transpose(y, 1, 2) : flatten(y, 2)};
}

}  // namespace

std::vector<Operator> attention_operators() {
  return {
      {"Attention", 23, attention, Types::kAll, bit(3)},
      {"RotaryEmbedding", 23, rotary_embedding, Types::kFirst, bit(1) | bit(2) | bit(3)},
  };
}

}  // namespace catena::onnx
