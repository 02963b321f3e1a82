#include "catena/train/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "catena/graph/error.hpp"
#include "catena/train/draws.hpp"
#include "catena/train/labels.hpp"

namespace catena::train {

namespace {

// By the sums of the weights so far.
std::vector<std::int64_t> draw_with_replacement(const std::vector<double>& sums, std::int64_t count,
                                                Draws draws) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(count));
  for (std::int64_t& index : out) {
    // The product may round up to the total, behind which there is nothing.
    const double at = std::min(draws.unit() * sums.back(), std::nextafter(sums.back(), 0.0));
    index = std::ranges::upper_bound(sums, at) - sums.begin();
  }
  return out;
}

// Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): in the order of
// exponential waiting times.
std::vector<std::int64_t> draw_without_replacement(const std::vector<double>& weights,
                                                   std::int64_t count, Draws draws) {
  std::vector<std::pair<double, std::int64_t>> times;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double u = draws.unit();
    if (weights[i] > 0) times.emplace_back(-std::log1p(-u) / weights[i], i);
  }
  std::ranges::partial_sort(times, times.begin() + count);
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(times[static_cast<std::size_t>(i)].second);
  return out;
}

}  // namespace

Sampler sequential_sampler(std::int64_t n) {
  return {n, [n](std::uint64_t, std::int64_t) { return counting(n); }};
}

Sampler random_sampler(std::int64_t n) {
  return {n, [n](std::uint64_t seed, std::int64_t epoch) {
            std::vector<std::int64_t> order = counting(n);
            Draws(seed, epoch).shuffle(std::span(order));
            return order;
          }};
}

Sampler subset_sampler(std::vector<std::int64_t> indices) {
  const auto n = static_cast<std::int64_t>(indices.size());
  return {n, [indices = std::move(indices)](std::uint64_t seed, std::int64_t epoch) {
            std::vector<std::int64_t> order = indices;
            Draws(seed, epoch).shuffle(std::span(order));
            return order;
          }};
}

Sampler weighted_sampler(std::vector<double> weights, std::int64_t count, bool replacement,
                         std::source_location loc) {
  std::vector<double> sums;
  double sum = 0;
  std::int64_t positive = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0) || std::isinf(weights[i]))
      throw_argument("weighted_sampler",
                     fmt::format("weight {} is {}; expected a number >= 0", i, weights[i]), loc);
    positive += weights[i] > 0;
    sums.push_back(sum += weights[i]);
  }
  if (!(sum > 0) || std::isinf(sum))
    throw_argument("weighted_sampler",
                   fmt::format("the {} weights add up to {}; expected a sum that is positive and "
                               "finite",
                               weights.size(), sum),
                   loc);
  if (count < 0 || (!replacement && count > positive))
    throw_argument("weighted_sampler",
                   fmt::format("{} samples of {} with a weight above 0; expected {}; draw fewer or "
                               "with replacement",
                               count, positive,
                               count < 0 ? "a number >= 0" : "at most as many without replacement"),
                   loc);
  if (replacement)
    return {count, [sums = std::move(sums), count](std::uint64_t seed, std::int64_t epoch) {
              return draw_with_replacement(sums, count, Draws(seed, epoch));
            }};
  return {count, [weights = std::move(weights), count](std::uint64_t seed, std::int64_t epoch) {
            return draw_without_replacement(weights, count, Draws(seed, epoch));
          }};
}

Sampler stratified_sampler(const Tensor& labels, std::int64_t batch_size,
                           std::source_location loc) {
  if (batch_size <= 0)
    throw_argument("stratified_sampler",
                   fmt::format("batch_size is {}; expected at least 1", batch_size), loc);
  const Classes classes = find_classes("stratified_sampler", labels, loc);
  // The j-th of the m samples of a class stands at (j + 1/2) / m of the epoch.
  const auto order = [classes, batch = static_cast<std::size_t>(batch_size)](std::uint64_t seed,
                                                                             std::int64_t epoch) {
    Draws draws(seed, epoch);
    std::vector<std::int64_t> order = counting(static_cast<std::int64_t>(classes.of.size()));
    draws.shuffle(std::span(order));
    std::vector<double> taken(classes.members.size()), place(order.size());
    for (const std::int64_t i : order) {
      const auto c = static_cast<std::size_t>(classes.of[static_cast<std::size_t>(i)]);
      place[static_cast<std::size_t>(i)] =
          (taken[c]++ + 0.5) / static_cast<double>(classes.members[c].size());
    }
    std::ranges::stable_sort(order, {},
                             [&](std::int64_t i) { return place[static_cast<std::size_t>(i)]; });
    for (std::size_t from = 0; from < order.size(); from += batch)
      draws.shuffle(std::span(order).subspan(from, std::min(batch, order.size() - from)));
    return order;
  };
  return {static_cast<std::int64_t>(classes.of.size()), order};
}

}  // namespace catena::train
