#include "catena/train/losses.hpp"

#include <fmt/format.h>

#include <numeric>
#include <span>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/ops/cross_entropy.hpp"
#include "catena/ops/loss.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

namespace {

using LossFunction = Tensor (*)(const Tensor&, const Tensor&, Reduction);
struct NamedLoss {
  const char* name;
  LossFunction function;
};

const NamedLoss kLosses[] = {
    {"bce_loss", [](const Tensor& o, const Tensor& t, Reduction r) { return bce_loss(o, t, r); }},
    {"bce_with_logits",
     [](const Tensor& o, const Tensor& t, Reduction r) { return bce_with_logits(o, t, r); }},
    {"cross_entropy",
     [](const Tensor& o, const Tensor& t, Reduction r) { return cross_entropy(o, t, r); }},
    {"hinge_loss",
     [](const Tensor& o, const Tensor& t, Reduction r) { return hinge_loss(o, t, r); }},
    {"huber_loss",
     [](const Tensor& o, const Tensor& t, Reduction r) { return huber_loss(o, t, r); }},
    {"kl_div", [](const Tensor& o, const Tensor& t, Reduction r) { return kl_div(o, t, r); }},
    {"mae_loss", [](const Tensor& o, const Tensor& t, Reduction r) { return mae_loss(o, t, r); }},
    {"mse_loss", [](const Tensor& o, const Tensor& t, Reduction r) { return mse_loss(o, t, r); }},
    {"nll_loss", [](const Tensor& o, const Tensor& t, Reduction r) { return nll_loss(o, t, r); }},
    {"smooth_l1_loss",
     [](const Tensor& o, const Tensor& t, Reduction r) { return smooth_l1_loss(o, t, r); }},
};

LossFunction find(std::string_view name, const std::source_location& loc) {
  std::vector<std::string> names;
  for (const NamedLoss& entry : kLosses) {
    if (name == entry.name) return entry.function;
    names.emplace_back(entry.name);
  }
  throw_unknown_name("loss", "loss", name, names, loc);
}

}  // namespace

Loss::Loss(const char* name, std::source_location loc) {
  const LossFunction loss = find(name, loc);
  function_ = [loss](const Tensor& o, const Tensor& t) { return loss(o, t, Reduction::kMean); };
  takes_probabilities_ = std::string_view(name) == "bce_loss";
  per_sample_ = [loss](const Tensor& o, const Tensor& t) { return loss(o, t, Reduction::kNone); };
}
Loss::Loss(const std::string& name, std::source_location loc) : Loss(name.c_str(), loc) {}

Tensor Loss::per_sample(const Tensor& output, const Tensor& target,
                        std::source_location loc) const {
  if (!per_sample_)
    throw_argument("fit",
                   "training with weights needs the loss of each sample, but the loss given is a "
                   "function of the mean alone; expected a loss by name or Loss(mean, per_sample)",
                   loc);
  const Tensor losses = per_sample_(output, target);
  if (losses.rank() == 0 || losses.shape()[0] != target.shape()[0])
    throw_argument("fit",
                   fmt::format("the losses of {} samples are {}; expected one per sample",
                               target.shape()[0], to_string(losses.shape())),
                   loc);
  if (losses.rank() == 1) return losses;
  std::vector<std::int64_t> rest(static_cast<std::size_t>(losses.rank() - 1));
  std::iota(rest.begin(), rest.end(), 1);
  return mean(losses, Shape(std::span<const std::int64_t>(rest)));
}

}  // namespace catena::train
