// Data in batches.
//
//   Dataset data{x, y};
//   for (auto [x, y] : DataLoader(data, {.batch_size = 32, .shuffle = true})) { ... }
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/train/collate.hpp"
#include "catena/train/dataset.hpp"
#include "catena/train/sampler.hpp"

namespace catena::train {

struct DataLoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;    // a new order each epoch
  bool drop_last = false;  // leave out a last batch that is smaller than the others
  // Of the order; unset: drawn from the process generator.
  std::optional<std::uint64_t> seed = {};
  Sampler sampler = {};  // instead of shuffle
  Collate collate = {};  // unset: stack_samples
  // Threads that make batches ahead (of a stream: that read it); 0: the caller's thread makes each
  // when it is its turn. The batches are the same for any number.
  int workers = 0;
  int prefetch = 2;                    // batches that each worker keeps ready
  std::int64_t shuffle_buffer = 1024;  // samples among which a shuffled stream draws the next
};

// Hands out a data set in batches; each loop over it is an epoch. The order of an epoch is a
// function of (seed, number of the epoch), so a saved loader goes on with the batches that were to
// come. An exception thrown for an item comes out of the loop with the item's number, as the same
// kind of error, or as an Error that nests what was thrown.
class DataLoader {
 public:
  using Location = std::source_location;

  explicit DataLoader(Dataset data, DataLoaderOptions options = {},
                      Location loc = Location::current());
  explicit DataLoader(std::shared_ptr<const ItemDataset> data, DataLoaderOptions options = {},
                      Location loc = Location::current());
  explicit DataLoader(std::shared_ptr<const StreamDataset> data, DataLoaderOptions options = {},
                      Location loc = Location::current());

  class Epoch;  // a loop that runs: its threads end with its last iterator

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    Batch& operator*() const;
    Batch* operator->() const { return &**this; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    // Whether no batch comes after this one. Of a stream it is read further to find out.
    bool is_last() const;
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.at_end(); }

   private:
    friend class DataLoader;
    Iterator(DataLoader* loader, std::shared_ptr<Epoch> run);
    bool at_end() const;
    DataLoader* loader_;
    std::shared_ptr<Epoch> run_;
  };
  // Begins the next epoch, or goes on with the one a loaded state was saved in. A stream is read
  // from its start in both cases.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

  // Per epoch. Throws ArgumentError for a stream, whose length is unknown.
  std::int64_t num_batches(Location loc = Location::current()) const;
  bool knows_num_batches() const { return !stream_; }
  // Epochs finished.
  std::int64_t epoch() const { return epoch_; }
  // Undefined when the loader was made of items or a stream.
  const Dataset& dataset() const { return data_; }
  const DataLoaderOptions& options() const { return options_; }

  // Seed, epoch, batches already handed out in it (the one in hand included).
  State state() const;
  // Throws ArgumentError when the state is that of other data, batch size or mode.
  void load_state(const State& state, Location loc = Location::current());

 private:
  void check_options(const Location& loc);
  std::int64_t data_size() const;  // -1: unknown
  std::shared_ptr<Epoch> start() const;

  Dataset data_;
  std::shared_ptr<const ItemDataset> items_;
  std::shared_ptr<const StreamDataset> stream_;
  DataLoaderOptions options_;
  std::uint64_t seed_ = 0;
  std::int64_t epoch_ = 0;
  std::int64_t position_ = 0;  // batches handed out in this epoch
  bool resuming_ = false;      // begin() goes on at position_
};

}  // namespace catena::train
