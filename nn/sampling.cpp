#include "catena/nn/sampling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"

namespace catena::nn {

namespace {

void check(const Tensor& logits, const SamplingOptions& options, const std::source_location& loc) {
  if (!logits.defined() || logits.rank() == 0 || logits.size(-1) == 0 ||
      !is_floating(logits.dtype()))
    throw_argument(
        "sample_classes",
        fmt::format("logits are {}; expected [.., classes] of a floating dtype, with classes",
                    logits.defined()
                        ? fmt::format("{} {}", name_of(logits.dtype()), to_string(logits.shape()))
                        : "undefined"),
        loc);
  if (!(options.temperature >= 0) || std::isinf(options.temperature) || options.top_k < 0 ||
      !(options.top_p > 0 && options.top_p <= 1))
    throw_argument("sample_classes",
                   fmt::format("temperature is {}, top_k is {}, top_p is {}; expected at least 0, "
                               "at least 0 and in (0, 1]",
                               options.temperature, options.top_k, options.top_p),
                   loc);
}

// The logits, with minus infinity for the classes left out.
Tensor restricted(const Tensor& logits, const SamplingOptions& options) {
  const std::int64_t classes = logits.size(-1);
  const std::int64_t kept = options.top_k > 0 ? std::min(options.top_k, classes) : classes;
  if (kept == classes && options.top_p == 1) return logits;
  const auto [values, indices] = topk(logits, kept);
  // A class stays while those before it have not reached top_p.
  const Tensor p = softmax(values, -1);
  const Tensor before = cumsum(p, -1) - p;
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  // The first stays also where rounding would drop it.
  const Tensor first = arange(kept) == 0;
  const Tensor chosen = where(logical_or(before < options.top_p, first), values, kNever);
  return scatter(full_like(logits, kNever), -1, indices, chosen);
}

}  // namespace

Tensor sample_classes(const Tensor& logits, SamplingOptions options, std::source_location loc) {
  check(logits, options, loc);
  NoGrad no_grad;
  if (options.temperature == 0) return argmax(logits, -1);
  const Tensor scores = restricted(logits / options.temperature, options);
  // The largest of logits with Gumbel noise has the distribution of the softmax (Gumbel, 1954).
  const Tensor u = rand_like(scores);
  return argmax(scores - log(-log(u + std::numeric_limits<float>::min())), -1);
}

}  // namespace catena::nn
