// The loss and the metrics over the batches seen so far. Not a public header.
#pragma once

#include <memory>
#include <source_location>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/train/history.hpp"
#include "catena/train/losses.hpp"
#include "catena/train/metric.hpp"

namespace catena::train {

class Totals {
 public:
  // Throws ArgumentError when two metrics have one name. The metrics must outlive this.
  Totals(const Loss& loss, const std::vector<Metric>& metrics,
         const std::vector<Metric>& weighted_metrics, const std::source_location& loc);

  // A batch whose loss counts `share`; weights are undefined when there are none.
  void add(double loss, double share, const Tensor& output, const Tensor& target,
           const Tensor& weights, const std::source_location& loc);
  // "loss" and the metrics, those for every batch without the ones that take long.
  Logs logs() const { return collect(false); }
  Logs quick_logs() const { return collect(true); }

  State state() const;
  void load_state(const State& state);

 private:
  struct Entry {
    const Metric* metric;
    bool weighted;
    std::unique_ptr<MetricBase> value;
  };
  Logs collect(bool quick) const;
  std::vector<Entry> entries_;
  double loss_ = 0, share_ = 0;
};

}  // namespace catena::train
