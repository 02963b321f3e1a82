// MultiheadAttention.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <utility>

#include "catena/nn/linear.hpp"
#include "catena/nn/module.hpp"

namespace catena::nn {

// PyTorch's options and defaults.
struct MultiheadAttentionOptions {
  double dropout = 0;  // of the weights, in training
  bool bias = true;
  std::optional<std::int64_t> kdim, vdim;  // features of key and value; default embed_dim
  bool batch_first = false;                // [N, L, E] rather than [L, N, E]
};

// As in PyTorch bool masks are true where a position is left out (the other way round than in
// scaled_dot_product_attention); floating ones are added to the scores.
struct AttentionMasks {
  Tensor key_padding_mask;           // [N, S], or [S] for one sequence
  bool need_weights = true;          // without them the scores are never stored
  Tensor attn_mask;                  // [L, S] or [N * num_heads, L, S]
  bool average_attn_weights = true;  // over the heads
  bool is_causal = false;            // row i sees positions up to i, beside the masks
};

// The result, shaped like the query, and the weights: undefined, [N, L, S], or [N, heads, L, S]
// when not averaged (without N for one sequence).
struct AttentionOutput {
  Tensor y, weights;
};

// The keys and values that earlier calls computed, for decoding step by step. It grows by doubling;
// no gradient goes through it.
class KeyValueCache {
 public:
  std::int64_t length() const { return length_; }
  void clear();
  // Appends key and value [N, heads, L, D], and returns all so far. Error: other sizes than before.
  std::pair<Tensor, Tensor> append(const Tensor& key, const Tensor& value,
                                   std::source_location loc = std::source_location::current());

 private:
  Tensor keys_, values_;  // [N, heads, capacity, D]
  std::int64_t length_ = 0;
};

// softmax(Q K^T / sqrt(D)) V for each of num_heads heads of D = embed_dim / num_heads features,
// with Q, K, V and the result projected (Vaswani et al., 2017). Parameters have PyTorch's names and
// initial values: in_proj_weight [3 E, E] (or q_proj_weight, k_proj_weight and v_proj_weight when
// kdim or vdim differ), in_proj_bias, out_proj.weight, out_proj.bias. query [L, N, E], key
// [S, N, kdim], value [S, N, vdim], or all without N. Errors: sizes or dtypes that do not fit.
class MultiheadAttention : public Layer {
 public:
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                     MultiheadAttentionOptions options = {}, Location loc = Location::current());

  // Of x to itself, without masks and weights.
  Tensor forward(Tensor x) override;
  AttentionOutput forward(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionMasks& masks = {}, Location loc = Location::current());
  // Of x to itself and to what went through the cache before, causal; without gradient.
  Tensor forward(const Tensor& x, KeyValueCache& cache, Location loc = Location::current());

 private:
  struct Heads {
    Tensor query, key, value;  // [N, heads, L or S, D]
  };
  Tensor batched(const Tensor& x) const;
  Tensor unbatched(const Tensor& y, const Tensor& query) const;
  Heads project(const Tensor& query, const Tensor& key, const Tensor& value) const;
  Tensor split_heads(const Tensor& x) const;
  Tensor mask_of(const AttentionMasks& masks, const Heads& heads) const;
  void check(const char* name, const Tensor& x, std::int64_t features) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::int64_t embed_dim_, num_heads_;
  MultiheadAttentionOptions options_;
  Parameter in_proj_weight_, q_proj_weight_, k_proj_weight_, v_proj_weight_, in_proj_bias_;
  Linear out_proj_;
};

}  // namespace catena::nn
