#include "catena/nn/embedding.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/nn/init.hpp"
#include "catena/ops/embedding.hpp"

namespace catena::nn {

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
                     std::optional<std::int64_t> padding_idx, Location loc)
    : padding_idx_(padding_idx) {
  if (num_embeddings <= 0 || embedding_dim <= 0)
    throw_argument(
        "embedding",
        fmt::format("Embedding({}, {}): sizes must be positive", num_embeddings, embedding_dim),
        loc);
  weight_ = register_parameter("weight", init::normal_(empty({num_embeddings, embedding_dim})));
  std::string padding;
  if (padding_idx_) {
    if (*padding_idx_ < -num_embeddings || *padding_idx_ >= num_embeddings)
      throw_argument("embedding",
                     fmt::format("padding_idx is {}; expected {} to {}", *padding_idx_,
                                 -num_embeddings, num_embeddings - 1),
                     loc);
    if (*padding_idx_ < 0) *padding_idx_ += num_embeddings;
    NoGrad off;
    weight_[*padding_idx_].zero_();
    padding = fmt::format(", padding_idx={}", *padding_idx_);
  }
  set_description(fmt::format("{}, {}{}", num_embeddings, embedding_dim, padding));
}

Tensor Embedding::forward(Tensor x) { return embedding(weight_, std::move(x), padding_idx_); }

}  // namespace catena::nn
