// Averages of parameters over a training, to be evaluated and shipped in place of the last ones.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::nn {
class Module;
}
namespace catena::train {
class DataLoader;
}

namespace catena::optim {

namespace detail {
class StateVisitor;
}

struct AveragingOptions {
  // Exponential moving average with this decay, in [0, 1]; unset: the mean of all updates (SWA).
  std::optional<double> decay = {};
};

// With p a parameter at update() number n = 0, 1, ... (PyTorch's AveragedModel):
//   a = p                              at n = 0
//   a = a + (p - a) / (n + 1)          stochastic weight averaging (Izmailov et al. 2018)
//   a = decay a + (1 - decay) p        exponential moving average (Polyak and Juditsky 1992)
//
// Only parameters are averaged. The running statistics of batch norm belong to the parameters they
// were gathered with: after swap(), and before evaluating such a model, call update_batch_norm.
class AveragedParameters {
 public:
  using Location = std::source_location;

  explicit AveragedParameters(std::vector<Tensor> params, AveragingOptions options = {},
                              Location loc = Location::current());

  // Takes the parameters in, e.g. after each step (EMA) or epoch (SWA).
  void update(Location loc = Location::current());
  // Exchanges the parameters and their averages; a second call restores them.
  void swap(Location loc = Location::current());
  bool swapped() const { return swapped_; }
  std::int64_t updates() const { return updates_; }
  // By parameter; undefined before the first update. While swapped, the parameters themselves are
  // the averages and these what training goes on with.
  const std::vector<Tensor>& averages() const { return averages_; }

  State state() const;
  // Throws ArgumentError, and changes nothing, when the state is that of other parameters.
  void load_state(const State& state, Location loc = Location::current());

 private:
  void visit(detail::StateVisitor& visitor);
  std::vector<Tensor> params_, averages_;
  AveragingOptions options_;
  std::int64_t updates_ = 0;
  bool swapped_ = false;
};

// The averages stand in for the parameters while this lives.
class UseAverages {
 public:
  using Location = std::source_location;
  explicit UseAverages(AveragedParameters& averages, Location loc = Location::current())
      : averages_(averages) {
    averages_.swap(loc);
  }
  ~UseAverages() { averages_.swap(); }
  UseAverages(const UseAverages&) = delete;
  UseAverages& operator=(const UseAverages&) = delete;

 private:
  AveragedParameters& averages_;
};

// Gathers the running statistics of the model's BatchNorm1d layers anew, as the mean over the
// batches of one epoch of the loader: a pass in training mode without recording. The layers of a
// loaded graph (nn::GraphModule) keep theirs.
void update_batch_norm(nn::Module& model, train::DataLoader& loader,
                       std::source_location loc = std::source_location::current());

}  // namespace catena::optim
