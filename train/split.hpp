// Parts of a data set: training, validation and test; the folds of cross-validation. Sizes and
// balance are scikit-learn's (train_test_split, KFold, StratifiedKFold).
//
//   auto [training, validation, test] = split_indices(n, {.validation = 0.1, .test = 0.2});
//   fit(net, data.subset(training), {.validation_data = data.subset(validation)});
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::train {

struct SplitOptions {
  double validation = 0;  // fractions of all samples, rounded up; the rest is for training
  double test = 0;
  bool shuffle = true;  // otherwise the parts are the beginning, the middle and the end
  std::optional<std::uint64_t> seed = {};  // unset: from the process generator
};

// Numbers of samples, each in one part.
struct Split {
  std::vector<std::int64_t> training, validation, test;
};

// Throws ArgumentError for fractions outside [0, 1) and when nothing is left for training.
Split split_indices(std::int64_t n, SplitOptions options = {},
                    std::source_location loc = std::source_location::current());
// Each part has the classes in the proportions of all: shares rounded so that they add up, the
// largest remainders upward. `labels`: [n], integers. Always shuffled; throws ArgumentError also
// when shuffle is false and when a class has fewer samples than there are parts.
Split stratified_split_indices(const Tensor& labels, SplitOptions options = {},
                               std::source_location loc = std::source_location::current());

struct FoldOptions {
  std::int64_t folds = 5;
  bool shuffle = false;
  std::optional<std::uint64_t> seed = {};  // unset: from the process generator
};

// Every sample is for validation in one fold and for training in the others; both ascending.
struct Fold {
  std::vector<std::int64_t> training, validation;
};

// Folds of equal size; the first n % folds have one sample more. Without shuffle each is a run of
// neighbours. Throws ArgumentError for fewer than 2 folds or more than samples.
std::vector<Fold> k_fold(std::int64_t n, FoldOptions options = {},
                         std::source_location loc = std::source_location::current());
// Each class is spread over the folds, to within one sample evenly. Throws ArgumentError also when
// no class has as many samples as there are folds.
std::vector<Fold> stratified_k_fold(const Tensor& labels, FoldOptions options = {},
                                    std::source_location loc = std::source_location::current());

}  // namespace catena::train
