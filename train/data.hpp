// Data sets and batches.
//
//   Dataset data{x, y};
//   for (auto [x, y] : DataLoader(data, {.batch_size = 32, .shuffle = true})) { ... }
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <source_location>
#include <utility>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::train {

// Samples and targets; entry i of dimension 0 of both belongs together. Tensors are shared, not
// copied. From arrays: Dataset{tensor(values, {n, 64}), tensor(labels, {n})}; from files: see
// csv.hpp.
struct Dataset {
  Tensor x, y;

  Dataset() = default;  // no data
  // Throws ArgumentError when the numbers of samples differ.
  Dataset(Tensor samples, Tensor targets,
          std::source_location loc = std::source_location::current());

  bool defined() const { return x.defined(); }
  std::int64_t size() const { return x.defined() ? x.shape()[0] : 0; }
  // Samples [from, to), as views.
  Dataset slice(std::int64_t from, std::int64_t to) const;
  // The same data on another device.
  Dataset to(Device device) const;
};

struct Batch {
  Tensor x, y;
};

struct DataLoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;    // a new order each epoch
  bool drop_last = false;  // leave out a last batch that is smaller than the others
  // Of the order; unset: drawn from the process generator.
  std::optional<std::uint64_t> seed = {};
};

// Hands out a data set in batches; each loop over it is an epoch. The order of an epoch is a
// function of (seed, number of the epoch), so a saved loader goes on with the batches that were to
// come.
class DataLoader {
 public:
  explicit DataLoader(Dataset data, DataLoaderOptions options = {},
                      std::source_location loc = std::source_location::current());

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    Batch operator*() const { return loader_->take(index_); }
    Iterator& operator++() {
      loader_->advance(++index_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return it.index_ >= it.loader_->num_batches();
    }

   private:
    friend class DataLoader;
    Iterator(DataLoader* loader, std::int64_t index) : loader_(loader), index_(index) {}
    DataLoader* loader_;
    std::int64_t index_;
  };
  // Begins the next epoch, or goes on with the one a loaded state was saved in.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

  std::int64_t num_batches() const;
  // Epochs finished.
  std::int64_t epoch() const { return epoch_; }
  const Dataset& dataset() const { return data_; }
  const DataLoaderOptions& options() const { return options_; }

  // Seed, epoch, batches already handed out in it (the one in hand included).
  State state() const;
  // Throws ArgumentError when the state is that of other data, batch size or mode.
  void load_state(const State& state, std::source_location loc = std::source_location::current());

 private:
  Batch take(std::int64_t index);
  void advance(std::int64_t index);
  void make_order();

  Dataset data_;
  DataLoaderOptions options_;
  std::uint64_t seed_ = 0;
  std::int64_t epoch_ = 0;
  std::int64_t position_ = 0;  // batches handed out in this epoch
  bool resuming_ = false;      // begin() goes on at position_
  Tensor order_;               // of this epoch, when shuffled
};

}  // namespace catena::train
