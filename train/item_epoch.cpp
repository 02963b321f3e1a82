#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "catena/graph/deferral.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/draws.hpp"
#include "catena/train/epoch.hpp"
#include "catena/train/pipe.hpp"

namespace catena::train {

namespace {

// Makes any batch of an epoch; shared by its threads.
class BatchMaker {
 public:
  BatchMaker(const Dataset& data, std::shared_ptr<const ItemDataset> items, const EpochPlan& plan)
      : data_(data), items_(std::move(items)), plan_(plan) {
    if (!items_ && plan.options.collate) items_ = train::items(data);
    size_ = items_ ? items_->size() : data_.size();
    if (plan.options.sampler.order) {
      order_ = plan.options.sampler.order(plan.seed, plan.epoch);
      check_order();
    } else {
      order_ = (plan.options.shuffle ? random_sampler(size_) : sequential_sampler(size_))
                   .order(plan.seed, plan.epoch);
    }
    if (items_ || in_order()) return;
    picked_ = tensor(order_, {static_cast<std::int64_t>(order_.size())});
    if (!data_.x.device().is_cpu()) picked_ = picked_.to(data_.x.device());
  }

  Batch make(std::int64_t k) const {
    const std::int64_t from = k * plan_.options.batch_size;
    const std::int64_t to =
        std::min(from + plan_.options.batch_size, static_cast<std::int64_t>(order_.size()));
    if (items_) return collate(from, to);
    if (in_order()) {
      const Dataset part = data_.slice(from, to);
      return {part.x, part.y, {}, {}};
    }
    const Tensor picked = slice(picked_, 0, from, to);
    return {index_select(data_.x, picked), index_select(data_.y, picked), {}, {}};
  }

 private:
  bool in_order() const { return !plan_.options.shuffle && !plan_.options.sampler.order; }

  void check_order() const {
    const auto wanted = plan_.options.sampler.size;
    if (static_cast<std::int64_t>(order_.size()) != wanted)
      throw ArgumentError(fmt::format(
          "[data_loader] the sampler gave {} sample numbers; expected {}, the size it states",
          order_.size(), wanted));
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (order_[i] < 0 || order_[i] >= size_)
        throw ArgumentError(
            fmt::format("[data_loader] number {} of the sampler is {}; expected 0 <= number < {}, "
                        "the number of samples",
                        i, order_[i], size_));
  }

  Batch collate(std::int64_t from, std::int64_t to) const {
    std::vector<Sample> samples;
    for (std::int64_t i = from; i < to; ++i) {
      const std::int64_t index = order_[static_cast<std::size_t>(i)];
      try {
        samples.push_back(items_->get(index, item_random(index)));
      } catch (...) {
        rethrow_at(fmt::format("item {}", index));
      }
    }
    return plan_.options.collate ? plan_.options.collate(samples) : stack_samples(samples);
  }

  PhiloxState item_random(std::int64_t index) const {
    constexpr std::uint64_t kItemStream = 0x6974656D'73656564;
    const Philox4 block =
        philox(plan_.seed ^ kItemStream,
               (static_cast<std::uint64_t>(plan_.epoch) << 32) + static_cast<std::uint64_t>(index));
    return {std::uint64_t{block.v[0]} << 32 | block.v[1], 0};
  }

  Dataset data_;
  std::shared_ptr<const ItemDataset> items_;
  EpochPlan plan_;
  std::int64_t size_ = 0;
  std::vector<std::int64_t> order_;
  Tensor picked_;  // the order of samples that lie in tensors
};

// Worker w of W makes every W-th batch from the w-th on.
class ItemEpoch : public DataLoader::Epoch {
 public:
  ItemEpoch(std::shared_ptr<const BatchMaker> maker, const EpochPlan& plan)
      : maker_(std::move(maker)), first_(plan.first), next_(plan.first), count_(plan.count) {
    const std::int64_t workers =
        std::min<std::int64_t>(plan.options.workers, std::max<std::int64_t>(count_ - next_, 0));
    for (std::int64_t w = 0; w < workers; ++w) {
      auto make = [maker = maker_, k = next_ + w, workers, count = count_,
                   grad = grad_enabled()]() mutable -> std::optional<Batch> {
        if (k >= count) return std::nullopt;
        const GradModeOf mode(grad);
        Batch batch = maker->make(k);
        detail::run_pending_of_this_thread();
        k += workers;
        return batch;
      };
      workers_.push_back(std::make_unique<Pipe<Batch>>(
          std::move(make), static_cast<std::size_t>(plan.options.prefetch)));
    }
  }
  ~ItemEpoch() override {
    for (const auto& worker : workers_) worker->stop();
  }

  std::optional<Batch> next() override {
    if (next_ >= count_) return std::nullopt;
    const std::int64_t k = next_++;
    if (workers_.empty()) return maker_->make(k);
    return workers_[static_cast<std::size_t>(k - first_) % workers_.size()]->next();
  }
  bool is_at_end() override { return next_ >= count_; }

 private:
  std::shared_ptr<const BatchMaker> maker_;
  std::int64_t first_, next_, count_;
  std::vector<std::unique_ptr<Pipe<Batch>>> workers_;
};

}  // namespace

std::shared_ptr<DataLoader::Epoch> item_epoch(const Dataset& data,
                                              std::shared_ptr<const ItemDataset> items,
                                              const EpochPlan& plan) {
  return std::make_shared<ItemEpoch>(
      std::make_shared<const BatchMaker>(data, std::move(items), plan), plan);
}

void rethrow_at(const std::string& where) {
  const auto told = [&](const std::exception& e) {
    return fmt::format("[data_loader] {}: {}", where, e.what());
  };
  try {
    throw;
  } catch (const ArgumentError& e) {
    throw ArgumentError(told(e));
  } catch (const SystemError& e) {
    throw SystemError(told(e));
  } catch (const UnsupportedError& e) {
    throw UnsupportedError(told(e));
  } catch (const InternalError& e) {
    throw InternalError(told(e));
  } catch (const std::exception& e) {
    std::throw_with_nested(Error(told(e)));
  }
}

}  // namespace catena::train
