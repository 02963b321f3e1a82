// Samplers: which samples an epoch takes, in which order.
//
//   DataLoader loader(data, {.batch_size = 32, .sampler = weighted_sampler(weights, 1000)});
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::train {

// A sampler of your own is two members: the length of an epoch and its sample numbers, which must
// be a function of the arguments alone so that an interrupted training can go on.
struct Sampler {
  std::int64_t size = 0;
  std::function<std::vector<std::int64_t>(std::uint64_t seed, std::int64_t epoch)> order = {};
};

// 0, 1, ..., n - 1.
Sampler sequential_sampler(std::int64_t n);
// A new permutation of 0 ... n - 1 each epoch.
Sampler random_sampler(std::int64_t n);
// A new permutation of these numbers each epoch.
Sampler subset_sampler(std::vector<std::int64_t> indices);

// `count` numbers; i is drawn with probability weights[i] / sum(weights), without replacement each
// at most once (one after the other with these probabilities among those left). Weights of 0 are
// never drawn. Throws ArgumentError for a negative, infinite or NaN weight, for weights that are
// all 0, and without replacement for fewer than `count` that are not.
Sampler weighted_sampler(std::vector<double> weights, std::int64_t count, bool replacement = true,
                         std::source_location loc = std::source_location::current());

// A new permutation each epoch whose every batch holds the classes in the proportions of the data,
// as nearly as whole samples can. `labels`: [n], integers.
Sampler stratified_sampler(const Tensor& labels, std::int64_t batch_size,
                           std::source_location loc = std::source_location::current());

}  // namespace catena::train
