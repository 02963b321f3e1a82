// Data sets: tensors that hold all samples, samples made one by one, and streams of samples.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <vector>

#include "catena/graph/random.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::train {

// Samples and targets; entry i of dimension 0 of both belongs together. Tensors are shared, not
// copied. From arrays: Dataset{tensor(values, {n, 64}), tensor(labels, {n})}; from files: load_npy,
// load_npz, read_csv, read_idx.
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
  // The samples of these numbers, as copies. Throws ArgumentError for one that does not exist.
  Dataset subset(std::span<const std::int64_t> indices,
                 std::source_location loc = std::source_location::current()) const;
  // The same data on another device.
  Dataset to(Device device) const;
};

// One sample and its target, without a dimension for the batch; y may be undefined.
struct Sample {
  Tensor x, y;
};

// Samples made when they are asked for.
class ItemDataset {
 public:
  virtual ~ItemDataset() = default;
  virtual std::int64_t size() const = 0;
  // Sample `index` of [0, size()). Called from several threads at once. `random` is a stream of
  // random numbers for this sample in this epoch, the same however many threads there are: number i
  // is philox_number(random.seed, random.offset + i).
  virtual Sample get(std::int64_t index, PhiloxState random) const = 0;
};

// Hands out the next sample, or nothing at the end.
using SampleStream = std::function<std::optional<Sample>()>;

// Samples one after the other, of unknown number.
class StreamDataset {
 public:
  virtual ~StreamDataset() = default;
  // Parts that can be read side by side, by as many threads at most. Samples are taken from them in
  // turn.
  virtual int shards() const { return 1; }
  // Begins a pass over a part. Streams of different parts are read at the same time, one stream by
  // one thread.
  virtual SampleStream open(int shard, std::int64_t epoch) const = 0;
};

// The samples of these numbers. Throws ArgumentError for one that does not exist.
std::shared_ptr<const ItemDataset> subset(
    std::shared_ptr<const ItemDataset> data, std::vector<std::int64_t> indices,
    std::source_location loc = std::source_location::current());

// fn(sample, random) of every sample, computed each time it is asked for; for augmentation.
using SampleFunction = std::function<Sample(Sample, PhiloxState random)>;
std::shared_ptr<const ItemDataset> transformed(
    std::shared_ptr<const ItemDataset> data, SampleFunction fn,
    std::source_location loc = std::source_location::current());

// Entry i of both tensors as sample i, to transform or pad what lies in memory.
std::shared_ptr<const ItemDataset> items(Dataset data);
// Samples of different shapes, e.g. sequences of different lengths.
std::shared_ptr<const ItemDataset> items(std::vector<Sample> samples);

}  // namespace catena::train
