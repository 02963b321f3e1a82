#include "catena/train/split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>

#include "catena/graph/error.hpp"
#include "catena/train/draws.hpp"
#include "catena/train/labels.hpp"

namespace catena::train {

namespace {

using Indices = std::vector<std::int64_t>;

Draws draws_of(const std::optional<std::uint64_t>& seed) {
  return Draws(seed ? *seed : drawn_seed(), 0);
}

struct Sizes {
  std::int64_t training, validation, test;
};

Sizes sizes_of(std::string_view op, std::int64_t n, const SplitOptions& options,
               const std::source_location& loc) {
  for (const double fraction : {options.validation, options.test})
    if (!(fraction >= 0 && fraction < 1))
      throw_argument(op,
                     fmt::format("validation is {}, test is {}; expected fractions in [0, 1)",
                                 options.validation, options.test),
                     loc);
  const auto part = [n](double fraction) {
    return static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(n)));
  };
  const Sizes sizes{n - part(options.validation) - part(options.test), part(options.validation),
                    part(options.test)};
  if (sizes.training < 1)
    throw_argument(op,
                   fmt::format("{} samples, {} for validation and {} for the test leave none for "
                               "training",
                               n, sizes.validation, sizes.test),
                   loc);
  return sizes;
}

// How many of each class a part of `size` samples gets.
Indices shares_of(const Indices& available, std::int64_t size) {
  const std::int64_t all = std::accumulate(available.begin(), available.end(), std::int64_t{0});
  Indices shares(available.size());
  std::vector<double> remainders(available.size());
  for (std::size_t c = 0; c < available.size(); ++c) {
    const double share =
        static_cast<double>(available[c]) / static_cast<double>(all) * static_cast<double>(size);
    shares[c] = static_cast<std::int64_t>(std::floor(share));
    remainders[c] = share - std::floor(share);
  }
  Indices order = counting(static_cast<std::int64_t>(available.size()));
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::int64_t c) { return remainders[static_cast<std::size_t>(c)]; });
  const std::int64_t missing =
      size - std::accumulate(shares.begin(), shares.end(), std::int64_t{0});
  for (std::size_t i = 0; i < static_cast<std::size_t>(missing); ++i)
    ++shares[static_cast<std::size_t>(order[i])];
  return shares;
}

void check_folds(std::string_view op, std::int64_t n, const FoldOptions& options,
                 const std::source_location& loc) {
  if (options.folds < 2 || options.folds > n)
    throw_argument(op,
                   fmt::format("{} folds of {} samples; expected at least 2 and at most as many as "
                               "samples",
                               options.folds, n),
                   loc);
}

// `fold_of`: sample -> the fold that validates with it.
std::vector<Fold> folds_from(const Indices& fold_of, std::int64_t count) {
  std::vector<Fold> folds(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < fold_of.size(); ++i)
    for (std::size_t f = 0; f < folds.size(); ++f)
      (static_cast<std::size_t>(fold_of[i]) == f ? folds[f].validation : folds[f].training)
          .push_back(static_cast<std::int64_t>(i));
  return folds;
}

}  // namespace

Split split_indices(std::int64_t n, SplitOptions options, std::source_location loc) {
  const Sizes sizes = sizes_of("split_indices", n, options, loc);
  Indices order = counting(n);
  if (options.shuffle) draws_of(options.seed).shuffle(std::span(order));
  const auto validation = order.begin() + sizes.training, test = validation + sizes.validation;
  return {{order.begin(), validation}, {validation, test}, {test, order.end()}};
}

Split stratified_split_indices(const Tensor& labels, SplitOptions options,
                               std::source_location loc) {
  constexpr std::string_view op = "stratified_split_indices";
  Classes classes = find_classes(op, labels, loc);
  const Sizes sizes = sizes_of(op, static_cast<std::int64_t>(classes.of.size()), options, loc);
  if (!options.shuffle)
    throw_argument(op, "shuffle is false; a stratified split is always shuffled", loc);
  const std::size_t parts = 1 + (sizes.validation > 0) + (sizes.test > 0);
  Indices left;
  for (std::size_t c = 0; c < classes.members.size(); ++c) {
    if (classes.members[c].size() < parts)
      throw_argument(op,
                     fmt::format("class {} has {} samples; expected at least {}, one per part",
                                 classes.labels[c], classes.members[c].size(), parts),
                     loc);
    left.push_back(static_cast<std::int64_t>(classes.members[c].size()));
  }
  Draws draws = draws_of(options.seed);
  for (Indices& members : classes.members) draws.shuffle(std::span(members));
  // scikit-learn's order: the shares of the larger part first, then of what it leaves.
  const auto take = [&](std::int64_t size) {
    Indices out;
    const Indices shares = shares_of(left, size);
    for (std::size_t c = 0; c < shares.size(); ++c)
      for (std::int64_t i = 0; i < shares[c]; ++i)
        out.push_back(classes.members[c][static_cast<std::size_t>(--left[c])]);
    draws.shuffle(std::span(out));
    return out;
  };
  Split split;
  if (sizes.training > 0) split.training = take(sizes.training);
  if (sizes.validation > 0) split.validation = take(sizes.validation);
  if (sizes.test > 0) split.test = take(sizes.test);
  return split;
}

std::vector<Fold> k_fold(std::int64_t n, FoldOptions options, std::source_location loc) {
  check_folds("k_fold", n, options, loc);
  Indices order = counting(n), fold_of(static_cast<std::size_t>(n));
  if (options.shuffle) draws_of(options.seed).shuffle(std::span(order));
  std::size_t at = 0;
  for (std::int64_t f = 0; f < options.folds; ++f)
    for (std::int64_t i = 0; i < n / options.folds + (f < n % options.folds); ++i)
      fold_of[static_cast<std::size_t>(order[at++])] = f;
  return folds_from(fold_of, options.folds);
}

std::vector<Fold> stratified_k_fold(const Tensor& labels, FoldOptions options,
                                    std::source_location loc) {
  const Classes classes = find_classes("stratified_k_fold", labels, loc);
  const auto n = static_cast<std::int64_t>(classes.of.size());
  check_folds("stratified_k_fold", n, options, loc);
  std::size_t largest = 0;
  for (const Indices& members : classes.members) largest = std::max(largest, members.size());
  if (static_cast<std::int64_t>(largest) < options.folds)
    throw_argument("stratified_k_fold",
                   fmt::format("{} folds, but no class has more than {} samples; expected a class "
                               "with one per fold",
                               options.folds, largest),
                   loc);
  // Dealing the samples, sorted by class, to the folds in turn says how many of each class a fold
  // gets; within the class the folds follow each other.
  Indices fold_of(classes.of.size());
  Draws draws = draws_of(options.shuffle ? options.seed : std::optional<std::uint64_t>(0));
  std::int64_t dealt = 0;
  for (const Indices& members : classes.members) {
    Indices folds;
    for (std::size_t i = 0; i < members.size(); ++i) folds.push_back(dealt++ % options.folds);
    std::ranges::sort(folds);
    if (options.shuffle) draws.shuffle(std::span(folds));
    for (std::size_t i = 0; i < members.size(); ++i)
      fold_of[static_cast<std::size_t>(members[i])] = folds[i];
  }
  return folds_from(fold_of, options.folds);
}

}  // namespace catena::train
