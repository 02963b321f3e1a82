// Losses over classes.
#include <fmt/format.h>

#include <limits>

#include "catena/ops/cast.hpp"
#include "catena/ops/cross_entropy.hpp"
#include "catena/ops/softmax.hpp"
#include "catena/serialization/onnx/import/operators.hpp"

namespace catena::onnx {
namespace {

template <class Options>
Options read_options(Call& c) {
  Options options;
  const std::string reduction = c.attribute("reduction", "mean");
  if (reduction == "none")
    options.reduction = Reduction::kNone;
  else if (reduction == "sum")
    options.reduction = Reduction::kSum;
  else if (reduction != "mean")
    c.fail(fmt::format("reduction '{}'; expected none, mean or sum", reduction));
  options.weight = c.optional(2);
  // Without the attribute every class counts.
  options.ignore_index = c.attribute("ignore_index", std::numeric_limits<std::int64_t>::min());
  return options;
}

Values negative_log_likelihood(Call& c) {
  return {nll_loss(c.in(0), c.in(1), read_options<NllOptions>(c))};
}

Values softmax_cross_entropy(Call& c) {
  const Tensor& scores = c.in(0);
  Values outputs{cross_entropy(scores, c.in(1), read_options<CrossEntropyOptions>(c))};
  if (c.wants(1)) outputs.push_back(log_softmax(scores, 1));
  return outputs;
}

}  // namespace

std::vector<Operator> loss_operators() {
  constexpr std::uint32_t target = bit(1) | bit(2);
  return {
      {"NegativeLogLikelihoodLoss", 12, negative_log_likelihood, Types::kFirst, target},
      {"SoftmaxCrossEntropyLoss", 12, softmax_cross_entropy, Types::kAll, target},
  };
}

}  // namespace catena::onnx
