// Losses by name, or as functions of the user's own.
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "catena/graph/tensor.hpp"

namespace catena::train {

// What training makes small: a scalar tensor from the model's output and the targets, the mean over
// the batch. By name the functions of ops/: "cross_entropy", "nll_loss", "mse_loss", "mae_loss",
// "huber_loss", "smooth_l1_loss", "bce_loss", "bce_with_logits", "kl_div", "hinge_loss".
class Loss {
 public:
  using Function = std::function<Tensor(const Tensor& output, const Tensor& target)>;
  // Throws ArgumentError with the nearest names when there is none of that name.
  Loss(const char* name, std::source_location loc = std::source_location::current());
  Loss(const std::string& name, std::source_location loc = std::source_location::current());
  template <class F>
  requires std::is_invocable_r_v<Tensor, F, const Tensor&, const Tensor&> Loss(F function)
      : function_(std::move(function)) {}  // NOLINT: .loss = [](...) {...}
  // With the losses of the samples beside their mean, for training with weights: [n], or [n, ...]
  // to be averaged over the dimensions after the first.
  Loss(Function mean, Function per_sample)
      : function_(std::move(mean)), per_sample_(std::move(per_sample)) {}

  Tensor operator()(const Tensor& output, const Tensor& target) const {
    return function_(output, target);
  }
  // l[n], one loss per sample. Throws ArgumentError when only the mean is known.
  Tensor per_sample(const Tensor& output, const Tensor& target,
                    std::source_location loc = std::source_location::current()) const;
  bool has_per_sample() const { return per_sample_ != nullptr; }
  // Whether outputs are probabilities of class 1, not logits: of the losses by name "bce_loss".
  bool takes_probabilities() const { return takes_probabilities_; }

 private:
  Function function_, per_sample_;
  bool takes_probabilities_ = false;
};

}  // namespace catena::train
