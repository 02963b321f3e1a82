#include "catena/train/data.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/train/draws.hpp"
#include "catena/train/epoch.hpp"

namespace catena::train {

DataLoader::DataLoader(Dataset data, DataLoaderOptions options, Location loc)
    : data_(std::move(data)), options_(std::move(options)) {
  if (!data_.defined()) throw_argument("data_loader", "the data set is empty", loc);
  check_options(loc);
}

DataLoader::DataLoader(std::shared_ptr<const ItemDataset> data, DataLoaderOptions options,
                       Location loc)
    : items_(std::move(data)), options_(std::move(options)) {
  if (!items_) throw_argument("data_loader", "the data set is a null pointer", loc);
  check_options(loc);
}

DataLoader::DataLoader(std::shared_ptr<const StreamDataset> data, DataLoaderOptions options,
                       Location loc)
    : stream_(std::move(data)), options_(std::move(options)) {
  if (!stream_) throw_argument("data_loader", "the data set is a null pointer", loc);
  check_options(loc);
}

void DataLoader::check_options(const Location& loc) {
  const auto at_least = [&](const char* name, std::int64_t value, std::int64_t least) {
    if (value < least)
      throw_argument("data_loader",
                     fmt::format("{} is {}; expected at least {}", name, value, least), loc);
  };
  at_least("batch_size", options_.batch_size, 1);
  at_least("workers", options_.workers, 0);
  at_least("prefetch", options_.prefetch, 1);
  at_least("shuffle_buffer", options_.shuffle_buffer, 1);
  const bool sampled = options_.sampler.order != nullptr;
  if (sampled && options_.shuffle)
    throw_argument("data_loader", "both a sampler and shuffle are given; give one", loc);
  if (sampled && stream_)
    throw_argument("data_loader", "a stream has no sample numbers for a sampler; use shuffle", loc);
  // What draws nothing takes no number of the process generator.
  if (options_.shuffle || sampled || !data_.defined())
    seed_ = options_.seed ? *options_.seed : drawn_seed();
}

std::int64_t DataLoader::data_size() const {
  return stream_ ? -1 : items_ ? items_->size() : data_.size();
}

std::int64_t DataLoader::num_batches(Location loc) const {
  if (stream_) throw_argument("data_loader", "the number of batches of a stream is not known", loc);
  const std::int64_t samples = options_.sampler.order ? options_.sampler.size : data_size();
  const std::int64_t extra = options_.drop_last ? 0 : options_.batch_size - 1;
  return (samples + extra) / options_.batch_size;
}

DataLoader::Iterator DataLoader::begin() {
  if (!resuming_ && position_ > 0) {  // the last loop was left early
    ++epoch_;
    position_ = 0;
  }
  resuming_ = false;
  return {this, start()};
}

std::shared_ptr<DataLoader::Epoch> DataLoader::start() const {
  EpochPlan plan{options_, seed_, epoch_, position_};
  if (stream_) return stream_epoch(stream_, plan);
  plan.count = num_batches();
  return item_epoch(data_, items_, plan);
}

DataLoader::Iterator::Iterator(DataLoader* loader, std::shared_ptr<Epoch> run)
    : loader_(loader), run_(std::move(run)) {
  ++*this;
}

Batch& DataLoader::Iterator::operator*() const { return *run_->batch; }
bool DataLoader::Iterator::at_end() const { return !run_->batch; }
bool DataLoader::Iterator::is_last() const { return run_->is_at_end(); }

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  const ProfileSpan span("data", {});
  run_->batch.reset();  // its memory can serve the next one
  run_->batch = run_->next();
  if (run_->batch) {
    ++loader_->position_;
  } else {
    ++loader_->epoch_;
    loader_->position_ = 0;
  }
  return *this;
}

State DataLoader::state() const {
  State out;
  out.add_value("size", data_size());
  out.add_value("batch_size", options_.batch_size);
  out.add_value("shuffle", options_.shuffle);
  out.add_value("drop_last", options_.drop_last);
  if (options_.sampler.order) out.add_value("sampler.size", options_.sampler.size);
  if (stream_) out.add_value("shuffle_buffer", options_.shuffle_buffer);
  out.add_value("seed", static_cast<std::int64_t>(seed_));
  out.add_value("epoch", epoch_);
  out.add_value("position", position_);
  return out;
}

void DataLoader::load_state(const State& state, Location loc) {
  for (const auto& [name, expected] : this->state().values) {
    if (name == "seed" || name == "epoch" || name == "position") continue;
    const AttrValue* found = state.find_value(name);
    if (found == nullptr || !(*found == expected))
      throw_argument(
          "load_state",
          fmt::format("the data order was saved with {} {}, this loader has {}", name,
                      found == nullptr ? "missing" : to_string(*found), to_string(expected)),
          loc);
  }
  const auto seed = state.get<std::int64_t>("seed", loc);
  const auto epoch = state.get<std::int64_t>("epoch", loc);
  const auto position = state.get<std::int64_t>("position", loc);
  const bool beyond = !stream_ && position > num_batches();
  if (epoch < 0 || position < 0 || beyond)
    throw_argument("load_state",
                   fmt::format("the data order has epoch {} and position {}{}", epoch, position,
                               stream_ ? "" : fmt::format(" of {} batches", num_batches())),
                   loc);
  seed_ = static_cast<std::uint64_t>(seed);
  epoch_ = epoch;
  position_ = position;
  resuming_ = position > 0;
}

}  // namespace catena::train
