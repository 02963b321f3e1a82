#include "catena/train/state.hpp"

#include "catena/graph/random.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/averaging.hpp"
#include "catena/train/data.hpp"
#include "catena/train/history.hpp"
#include "catena/train/optimizer.hpp"
#include "catena/train/schedule.hpp"

namespace catena::train {

State training_state(const TrainingParts& parts) {
  State out;
  if (parts.model != nullptr) out.add_part("model", parts.model->state());
  if (parts.optimizer != nullptr) out.add_part("optimizer", parts.optimizer->state());
  if (parts.loader != nullptr) out.add_part("loader", parts.loader->state());
  if (parts.history != nullptr) out.add_part("history", parts.history->state());
  if (parts.schedule != nullptr) out.add_part("schedule", parts.schedule->state());
  if (parts.averages != nullptr) out.add_part("averages", parts.averages->state());
  const PhiloxState random = random_state();
  out.add_value("random.seed", static_cast<std::int64_t>(random.seed));
  out.add_value("random.offset", static_cast<std::int64_t>(random.offset));
  out.add_value("epoch", parts.epoch);
  return out;
}

std::int64_t load_training_state(const State& state, const TrainingParts& parts,
                                 std::source_location loc) {
  const auto epoch = state.get<std::int64_t>("epoch", loc);
  const auto seed = state.get<std::int64_t>("random.seed", loc);
  const auto offset = state.get<std::int64_t>("random.offset", loc);
  if (parts.model != nullptr) parts.model->load_state(state.part("model"), true, loc);
  if (parts.optimizer != nullptr) parts.optimizer->load_state(state.part("optimizer"), loc);
  if (parts.loader != nullptr) parts.loader->load_state(state.part("loader"), loc);
  if (parts.history != nullptr) parts.history->load_state(state.part("history"));
  // After the optimizer, whose rates it sets again.
  if (parts.schedule != nullptr) parts.schedule->load_state(state.part("schedule"), loc);
  if (parts.averages != nullptr) parts.averages->load_state(state.part("averages"), loc);
  set_random_state({static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(offset)});
  return epoch;
}

}  // namespace catena::train
