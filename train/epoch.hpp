// One pass of a DataLoader over its data. Not a public header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "catena/graph/autograd.hpp"
#include "catena/train/data.hpp"

namespace catena::train {

class DataLoader::Epoch {
 public:
  virtual ~Epoch() = default;
  // The next batch into `batch`; nothing at the end.
  virtual std::optional<Batch> next() = 0;
  // Whether next() will give nothing.
  virtual bool is_at_end() = 0;

  std::optional<Batch> batch;  // in the caller's hand
};

// What an epoch is made of.
struct EpochPlan {
  DataLoaderOptions options;
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;
  std::int64_t first = 0;  // batch to begin with
  std::int64_t count = 0;  // batches in all; not for a stream
};

// Of tensors (`items` null) or of items.
std::shared_ptr<DataLoader::Epoch> item_epoch(const Dataset& data,
                                              std::shared_ptr<const ItemDataset> items,
                                              const EpochPlan& plan);
std::shared_ptr<DataLoader::Epoch> stream_epoch(std::shared_ptr<const StreamDataset> stream,
                                                const EpochPlan& plan);

// Throws the exception being handled anew, as the same kind of error: "[data_loader] where: what".
[[noreturn]] void rethrow_at(const std::string& where);

// Recording on a worker is as on the thread that began the loop.
class GradModeOf {
 public:
  explicit GradModeOf(bool enabled) {
    if (!enabled) off_.emplace();
  }

 private:
  std::optional<NoGrad> off_;
};

}  // namespace catena::train
