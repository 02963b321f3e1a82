#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "catena/graph/deferral.hpp"
#include "catena/graph/error.hpp"
#include "catena/train/draws.hpp"
#include "catena/train/epoch.hpp"
#include "catena/train/pipe.hpp"

namespace catena::train {

namespace {

// Things that take turns until they are finished.
template <class T>
class Rotation {
 public:
  void add(T value) { values_.push_back(std::move(value)); }
  bool empty() const { return values_.empty(); }
  T& current() { return values_[at_]; }
  void pass() { at_ = (at_ + 1) % values_.size(); }
  void finish() {
    values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(at_));
    if (at_ >= values_.size()) at_ = 0;
  }

 private:
  std::vector<T> values_;
  std::size_t at_ = 0;
};

// What a reader hands out: a sample, or that the shard whose turn it is has ended.
using Read = std::optional<Sample>;

// Reads its shards in turn, on the caller's thread or on one of its own.
class ShardReader {
 public:
  ShardReader(std::shared_ptr<const StreamDataset> data, std::vector<int> shards,
              std::int64_t epoch)
      : data_(std::move(data)) {
    for (const int shard : shards) open_.add({shard, data_->open(shard, epoch)});
  }

  std::optional<Read> next() {
    if (open_.empty()) return std::nullopt;
    Open& shard = open_.current();
    Read sample;
    try {
      sample = shard.stream();
    } catch (...) {
      rethrow_at(fmt::format("sample {} of shard {}", shard.read, shard.number));
    }
    if (sample) {
      ++shard.read;
      open_.pass();
    } else {
      open_.finish();
    }
    return sample;
  }

 private:
  struct Open {
    int number;
    SampleStream stream;
    std::int64_t read = 0;
  };
  std::shared_ptr<const StreamDataset> data_;
  Rotation<Open> open_;
};

// Reader w of W has the shards w, w + W, ... Both the readers and this take their shards in turn,
// so the next sample of a reader is that of the shard whose turn it is here.
class StreamEpoch : public DataLoader::Epoch {
 public:
  StreamEpoch(const std::shared_ptr<const StreamDataset>& stream, const EpochPlan& plan)
      : options_(plan.options), draws_(plan.seed, plan.epoch) {
    const int shards = stream->shards();
    if (shards < 1)
      throw ArgumentError(
          fmt::format("[data_loader] the stream has {} shards; expected at least 1", shards));
    const int readers = std::clamp(options_.workers, 1, shards);
    for (int w = 0; w < readers; ++w) {
      std::vector<int> own;
      for (int shard = w; shard < shards; shard += readers) own.push_back(shard);
      readers_.push_back(std::make_unique<ShardReader>(stream, own, plan.epoch));
    }
    for (int shard = 0; shard < shards; ++shard) turns_.add(shard);
    if (options_.workers > 0) start_threads();
    const std::int64_t skipped = plan.first * options_.batch_size;
    for (std::int64_t i = 0; i < skipped && next_sample(); ++i) {
    }
  }
  ~StreamEpoch() override {
    for (const auto& thread : threads_) thread->stop();
  }

  std::optional<Batch> next() override {
    if (is_at_end()) return std::nullopt;
    const std::vector<Sample> samples = std::exchange(samples_, {});
    return options_.collate ? options_.collate(samples) : stack_samples(samples);
  }
  bool is_at_end() override {
    const auto wanted = static_cast<std::size_t>(options_.batch_size);
    while (samples_.size() < wanted) {
      std::optional<Sample> sample = next_sample();
      if (!sample) break;
      samples_.push_back(std::move(*sample));
    }
    return samples_.empty() || (samples_.size() < wanted && options_.drop_last);
  }

 private:
  void start_threads() {
    for (const auto& reader : readers_) {
      auto read = [&reader = *reader, grad = grad_enabled()] {
        const GradModeOf mode(grad);
        std::optional<Read> read = reader.next();
        detail::run_pending_of_this_thread();
        return read;
      };
      threads_.push_back(std::make_unique<Pipe<Read>>(
          std::move(read), static_cast<std::size_t>(options_.prefetch * options_.batch_size)));
    }
  }

  // In the order of the stream.
  std::optional<Sample> read() {
    while (!turns_.empty()) {
      const std::size_t w = static_cast<std::size_t>(turns_.current()) % readers_.size();
      std::optional<Read> sample = threads_.empty() ? readers_[w]->next() : threads_[w]->next();
      if (!sample) throw_internal("a reader ended before its shards");
      if (*sample) {
        turns_.pass();
        return std::move(*sample);
      }
      turns_.finish();
    }
    return std::nullopt;
  }

  // Through the buffer, if there is one.
  std::optional<Sample> next_sample() {
    if (!options_.shuffle) return read();
    while (!drained_ && static_cast<std::int64_t>(buffer_.size()) < options_.shuffle_buffer) {
      std::optional<Sample> sample = read();
      if (sample)
        buffer_.push_back(std::move(*sample));
      else
        drained_ = true;
    }
    if (buffer_.empty()) return std::nullopt;
    std::swap(buffer_[draws_.below(buffer_.size())], buffer_.back());
    Sample sample = std::move(buffer_.back());
    buffer_.pop_back();
    return sample;
  }

  DataLoaderOptions options_;
  Draws draws_;
  std::vector<std::unique_ptr<ShardReader>> readers_;
  Rotation<int> turns_;
  std::vector<Sample> samples_;  // of the next batch
  std::vector<Sample> buffer_;   // among which a shuffled stream draws
  bool drained_ = false;
  std::vector<std::unique_ptr<Pipe<Read>>> threads_;  // last: they use the readers
};

}  // namespace

std::shared_ptr<DataLoader::Epoch> stream_epoch(std::shared_ptr<const StreamDataset> stream,
                                                const EpochPlan& plan) {
  return std::make_shared<StreamEpoch>(stream, plan);
}

}  // namespace catena::train
