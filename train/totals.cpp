#include "catena/train/totals.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena::train {

Totals::Totals(const Loss& loss, const std::vector<Metric>& metrics,
               const std::vector<Metric>& weighted_metrics, const std::source_location& loc) {
  for (const auto* list : {&metrics, &weighted_metrics})
    for (const Metric& metric : *list) {
      bool taken = metric.name() == "loss";
      for (const Entry& entry : entries_) taken |= entry.metric->name() == metric.name();
      if (taken)
        throw_argument("fit",
                       fmt::format("two values would be called '{}'; expected one name for each, "
                                   "e.g. Metric(\"{}_2\", ...)",
                                   metric.name(), metric.name()),
                       loc);
      if (metric.name().starts_with("val_"))
        throw_argument("fit",
                       fmt::format("a metric is called '{}'; names that begin with val_ are those "
                                   "of the validation",
                                   metric.name()),
                       loc);
      entries_.push_back(
          {&metric, list == &weighted_metrics, metric.make(loss.takes_probabilities())});
    }
}

void Totals::add(double loss, double share, const Tensor& output, const Tensor& target,
                 const Tensor& weights, const std::source_location& loc) {
  loss_ += loss * share;
  share_ += share;
  for (Entry& entry : entries_)
    entry.value->update(output, target, entry.weighted ? weights : Tensor(), loc);
}

Logs Totals::collect(bool quick) const {
  Logs out;
  out.set("loss", share_ == 0 ? 0 : loss_ / share_);  // 0: no sample so far had a weight
  for (const Entry& entry : entries_)
    if (!quick || entry.value->is_quick()) out.set(entry.metric->name(), entry.value->compute());
  return out;
}

State Totals::state() const {
  State out;
  out.add_value("loss", loss_);
  out.add_value("share", share_);
  for (std::size_t i = 0; i < entries_.size(); ++i)
    out.add_part(fmt::format("metrics.{}", i), entries_[i].value->state());
  return out;
}

void Totals::load_state(const State& state) {
  loss_ = state.get<double>("loss");
  share_ = state.get<double>("share");
  for (std::size_t i = 0; i < entries_.size(); ++i)
    entries_[i].value->load_state(state.part(fmt::format("metrics.{}", i)));
}

}  // namespace catena::train
