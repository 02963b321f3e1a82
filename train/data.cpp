#include "catena/train/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/graph/philox.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/slice.hpp"

namespace catena::train {

namespace {

// Keeps the streams of this file apart from those of random ops with the same seed.
constexpr std::uint64_t kStream = 0x64617461'6F726465;

// A seed from the process generator.
std::uint64_t drawn_seed() {
  const PhiloxState state = reserve_random(1);
  const Philox4 block = philox(state.seed ^ kStream, state.offset);
  return std::uint64_t{block.v[0]} << 32 | block.v[1];
}

}  // namespace

Dataset::Dataset(Tensor samples, Tensor targets, std::source_location loc)
    : x(std::move(samples)), y(std::move(targets)) {
  if (!x.defined() || !y.defined() || x.rank() == 0 || y.rank() == 0)
    throw_argument("dataset", "samples and targets must be tensors of at least one dimension", loc);
  if (x.shape()[0] != y.shape()[0])
    throw_argument(
        "dataset",
        fmt::format("{} samples of shape {} but {} targets of shape {}; expected one "
                    "target per sample",
                    x.shape()[0], to_string(x.shape()), y.shape()[0], to_string(y.shape())),
        loc);
}

Dataset Dataset::slice(std::int64_t from, std::int64_t to) const {
  if (from == 0 && to == size()) return *this;
  return {catena::slice(x, 0, from, to), catena::slice(y, 0, from, to)};
}

Dataset Dataset::to(Device device) const { return {x.to(device), y.to(device)}; }

DataLoader::DataLoader(Dataset data, DataLoaderOptions options, std::source_location loc)
    : data_(std::move(data)), options_(options) {
  if (!data_.defined()) throw_argument("data_loader", "the data set is empty", loc);
  if (options_.batch_size <= 0)
    throw_argument("data_loader",
                   fmt::format("batch_size is {}; expected at least 1", options_.batch_size), loc);
  if (options_.shuffle) seed_ = options_.seed ? *options_.seed : drawn_seed();
}

std::int64_t DataLoader::num_batches() const {
  const std::int64_t extra = options_.drop_last ? 0 : options_.batch_size - 1;
  return (data_.size() + extra) / options_.batch_size;
}

DataLoader::Iterator DataLoader::begin() {
  if (!resuming_ && position_ > 0) {  // the last loop was left early
    ++epoch_;
    position_ = 0;
  }
  resuming_ = false;
  make_order();
  const std::int64_t at = position_;
  if (at >= num_batches()) advance(at);
  return {this, at};
}

Batch DataLoader::take(std::int64_t index) {
  const std::int64_t from = index * options_.batch_size;
  const std::int64_t to = std::min(from + options_.batch_size, data_.size());
  position_ = index + 1;
  if (!options_.shuffle) {
    const Dataset part = data_.slice(from, to);
    return {part.x, part.y};
  }
  const Tensor picked = slice(order_, 0, from, to);
  return {index_select(data_.x, picked), index_select(data_.y, picked)};
}

void DataLoader::advance(std::int64_t index) {
  if (index < num_batches()) return;
  ++epoch_;
  position_ = 0;
}

// Fisher-Yates with numbers from a Philox stream of its own: nobody else's draws change the order.
void DataLoader::make_order() {
  if (!options_.shuffle) return;
  std::vector<std::int64_t> order(static_cast<std::size_t>(data_.size()));
  std::iota(order.begin(), order.end(), 0);
  Philox4 block{};
  std::uint64_t drawn = 0;
  for (std::size_t i = order.size(); i > 1; --i, ++drawn) {
    if (drawn % 4 == 0)
      block = philox(seed_ ^ kStream, (static_cast<std::uint64_t>(epoch_) << 32) + drawn / 4);
    const std::size_t j = (std::uint64_t{block.v[drawn % 4]} * i) >> 32;
    std::swap(order[i - 1], order[j]);
  }
  order_ = tensor(order, {data_.size()});
  if (!data_.x.device().is_cpu()) order_ = order_.to(data_.x.device());
}

State DataLoader::state() const {
  State out;
  out.add_value("size", data_.size());
  out.add_value("batch_size", options_.batch_size);
  out.add_value("shuffle", options_.shuffle);
  out.add_value("drop_last", options_.drop_last);
  out.add_value("seed", static_cast<std::int64_t>(seed_));
  out.add_value("epoch", epoch_);
  out.add_value("position", position_);
  return out;
}

void DataLoader::load_state(const State& state, std::source_location loc) {
  const State own = this->state();
  for (const char* name : {"size", "batch_size", "shuffle", "drop_last"}) {
    const AttrValue* found = state.find_value(name);
    const AttrValue* expected = own.find_value(name);
    if (found == nullptr || !(*found == *expected))
      throw_argument(
          "load_state",
          fmt::format("the data order was saved with {} {}, this loader has {}", name,
                      found == nullptr ? "missing" : to_string(*found), to_string(*expected)),
          loc);
  }
  const auto seed = state.get<std::int64_t>("seed", loc);
  const auto epoch = state.get<std::int64_t>("epoch", loc);
  const auto position = state.get<std::int64_t>("position", loc);
  if (epoch < 0 || position < 0 || position > num_batches())
    throw_argument("load_state",
                   fmt::format("the data order has epoch {} and position {} of {} batches", epoch,
                               position, num_batches()),
                   loc);
  seed_ = static_cast<std::uint64_t>(seed);
  epoch_ = epoch;
  position_ = position;
  resuming_ = position > 0;
}

}  // namespace catena::train
