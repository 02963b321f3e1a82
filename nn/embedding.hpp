// Embedding: a trainable vector per integer.
#pragma once

#include <cstdint>
#include <optional>

#include "catena/nn/module.hpp"

namespace catena::nn {

// y[i.., :] = W[x[i..], :] with x int32 or int64 of any shape and W [num_embeddings,
// embedding_dim], which starts normal with variance 1. The row `padding_idx` (negative counts from
// the end) starts as zeros and gets no gradient. Errors: sizes that are not positive, padding_idx
// or an entry of x out of range.
class Embedding : public Layer {
 public:
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
            std::optional<std::int64_t> padding_idx = {}, Location loc = Location::current());

  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }

 private:
  std::optional<std::int64_t> padding_idx_;
  Parameter weight_;
};

}  // namespace catena::nn
