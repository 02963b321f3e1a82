#include "catena/train/dataset.hpp"

#include <string_view>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/slice.hpp"

namespace catena::train {

namespace {

void check_indices(std::span<const std::int64_t> indices, std::int64_t size,
                   const std::source_location& loc) {
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || indices[i] >= size)
      throw_argument("subset",
                     fmt::format("index {} is {}; expected 0 <= index < {}, the number of samples",
                                 i, indices[i], size),
                     loc);
}

void check_not_null(std::string_view op, const std::shared_ptr<const ItemDataset>& data,
                    const std::source_location& loc) {
  if (!data) throw_argument(op, "the data set is a null pointer", loc);
}

class Subset : public ItemDataset {
 public:
  Subset(std::shared_ptr<const ItemDataset> data, std::vector<std::int64_t> indices)
      : data_(std::move(data)), indices_(std::move(indices)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Sample get(std::int64_t index, PhiloxState random) const override {
    return data_->get(indices_[static_cast<std::size_t>(index)], random);
  }

 private:
  std::shared_ptr<const ItemDataset> data_;
  std::vector<std::int64_t> indices_;
};

class Transformed : public ItemDataset {
 public:
  Transformed(std::shared_ptr<const ItemDataset> data, SampleFunction fn)
      : data_(std::move(data)), fn_(std::move(fn)) {}
  std::int64_t size() const override { return data_->size(); }
  Sample get(std::int64_t index, PhiloxState random) const override {
    return fn_(data_->get(index, random), random);
  }

 private:
  std::shared_ptr<const ItemDataset> data_;
  SampleFunction fn_;
};

class TensorItems : public ItemDataset {
 public:
  explicit TensorItems(Dataset data) : data_(std::move(data)) {}
  std::int64_t size() const override { return data_.size(); }
  Sample get(std::int64_t index, PhiloxState) const override {
    return {select(data_.x, 0, index), select(data_.y, 0, index)};
  }

 private:
  Dataset data_;
};

class ListedItems : public ItemDataset {
 public:
  explicit ListedItems(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(samples_.size()); }
  Sample get(std::int64_t index, PhiloxState) const override {
    return samples_[static_cast<std::size_t>(index)];
  }

 private:
  std::vector<Sample> samples_;
};

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

Dataset Dataset::subset(std::span<const std::int64_t> indices, std::source_location loc) const {
  check_indices(indices, size(), loc);
  const Tensor picked = tensor(indices, {static_cast<std::int64_t>(indices.size())});
  return {index_select(x, picked.to(x.device())), index_select(y, picked.to(y.device()))};
}

Dataset Dataset::to(Device device) const { return {x.to(device), y.to(device)}; }

std::shared_ptr<const ItemDataset> subset(std::shared_ptr<const ItemDataset> data,
                                          std::vector<std::int64_t> indices,
                                          std::source_location loc) {
  check_not_null("subset", data, loc);
  check_indices(indices, data->size(), loc);
  return std::make_shared<Subset>(std::move(data), std::move(indices));
}

std::shared_ptr<const ItemDataset> transformed(std::shared_ptr<const ItemDataset> data,
                                               SampleFunction fn, std::source_location loc) {
  check_not_null("transformed", data, loc);
  if (!fn) throw_argument("transformed", "the function is empty; expected one to call", loc);
  return std::make_shared<Transformed>(std::move(data), std::move(fn));
}

std::shared_ptr<const ItemDataset> items(Dataset data) {
  return std::make_shared<TensorItems>(std::move(data));
}

std::shared_ptr<const ItemDataset> items(std::vector<Sample> samples) {
  return std::make_shared<ListedItems>(std::move(samples));
}

}  // namespace catena::train
