// The batches of a training or an evaluation, with the weights of their samples. Not a public
// header.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <source_location>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/data.hpp"

namespace catena::train {

// The device of the model's parameters; none when there are no parameters.
std::optional<Device> device_of(const nn::Module& model);
// On the device, if there is one.
Tensor on(const std::optional<Device>& device, const Tensor& t);

using ClassWeight = std::map<std::int64_t, double>;

// Of a data set through a loader of its own, or of a loader of the caller's; on the device of the
// model's parameters.
//
//   batches.begin();
//   while (batches.next()) model(batches.x()) ...
class Batches {
 public:
  using Location = std::source_location;

  // `sample_weight` is [n], or undefined; the model must outlive this. Throws ArgumentError when
  // weights do not fit the data.
  Batches(const nn::Module& model, const Dataset& data, const DataLoaderOptions& options,
          const Tensor& sample_weight, const ClassWeight& class_weight, const Location& loc);
  Batches(const nn::Module& model, DataLoader& loader, const ClassWeight& class_weight,
          const Location& loc);
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  DataLoader& loader() { return own_ ? *own_ : *loader_; }
  // Begins an epoch, or goes on in the middle of one whose state was loaded.
  void begin();
  // Takes the next batch; false at the end of the epoch.
  bool next();
  // Whether the batch in hand is the last one. A stream is read further to find out.
  bool is_last() const { return at_->is_last(); }
  // After a loop that was left early: what is left of its epoch is not made up for.
  void leave_epoch();
  void load_state(const State& state);

  const Tensor& x() const { return x_; }
  const Tensor& y() const { return y_; }
  // Undefined when there are none.
  const Tensor& weights() const { return weights_; }

 private:
  const nn::Module& model_;
  std::optional<Device> device_;
  std::optional<DataLoader> own_;
  DataLoader* loader_ = nullptr;
  std::optional<DataLoader::Iterator> at_;
  bool begun_ = false;  // a batch of this loop was taken
  // Of a data set: the weights in the order of its samples. Of another loader they are made for
  // each batch.
  std::optional<DataLoader> weight_loader_;
  std::optional<DataLoader::Iterator> weights_at_;
  ClassWeight class_weight_;
  Tensor x_, y_, weights_;
  Location loc_;
};

}  // namespace catena::train
