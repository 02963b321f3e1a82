// Choosing classes by chance, as text is generated from a language model.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/tensor.hpp"

namespace catena::nn {

struct SamplingOptions {
  double temperature = 1;  // logits are divided by it; 0: always the most likely class
  std::int64_t top_k = 0;  // only among so many of the most likely classes; 0: among all
  double top_p = 1;  // only among the most likely classes that together reach this probability
};

// For each row of logits [.., classes] a class [..] (int64), drawn with the probabilities
// softmax(logits / temperature), from the process generator. top_k is applied first, then top_p
// (Holtzman et al., 2020); the most likely class always stays. Without gradient. Errors: no
// classes; temperature negative or not finite, top_k negative, top_p not in (0, 1].
Tensor sample_classes(const Tensor& logits, SamplingOptions options = {},
                      std::source_location loc = std::source_location::current());

}  // namespace catena::nn
