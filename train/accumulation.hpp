// Large batches in small pieces: one optimizer step for the gradients of k batches.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/state.hpp"
#include "catena/train/optimizer.hpp"

namespace catena::optim {

//   GradientAccumulation accumulation(adam, 4);
//   for (auto [x, y] : loader) {
//     accumulation.backward(cross_entropy(net(x), y));
//     accumulation.step();
//   }
//   accumulation.flush();
//
// makes the steps of a four times larger batch: the gradient is the mean over the batches,
// g = (g_1 + ... + g_k) / k, so losses that are means over a batch, all batches of one size, give
// the mean over all samples. Layers that look across a batch (batch norm) still see the small one.
class GradientAccumulation {
 public:
  using Location = std::source_location;

  // The optimizer must outlive this; k is at least 1.
  GradientAccumulation(Optimizer& optimizer, std::int64_t k, Location loc = Location::current());

  // backward() of loss / k. The first one after a step clears the gradients that were stepped with;
  // those of the batches since stay.
  void backward(const Tensor& loss, Location loc = Location::current());
  // After each batch: at the k-th steps the optimizer. True when it did; that is when a schedule
  // that counts optimizer steps goes on.
  bool step(Location loc = Location::current());
  // Between backward() and step() of the last batch of an epoch that k does not divide: makes the
  // gradients the mean over the batches there are, and step() the one that steps.
  void end_group(Location loc = Location::current());
  // The same after step(), and steps. True when there were any batches since the last step.
  bool flush(Location loc = Location::current());
  // True when the next step() will step the optimizer: where gradients are to be clipped.
  bool is_last() const { return pending_ + 1 >= k_; }
  std::int64_t pending() const { return pending_; }

  // Batches since the last step, with their gradients.
  State state() const;
  void load_state(const State& state, Location loc = Location::current());

 private:
  void end_group(std::int64_t batches, const Location& loc);

  Optimizer& optimizer_;
  std::int64_t k_;
  std::int64_t pending_ = 0;
  bool begins_ = true;  // the next gradients are the first since a step
};

}  // namespace catena::optim
