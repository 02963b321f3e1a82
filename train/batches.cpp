#include "catena/train/batches.hpp"

#include <utility>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/train/sample_weights.hpp"

namespace catena::train {

namespace {
// A loader that hands out other tensors in the same order.
DataLoader beside(const DataLoader& loader, const Tensor& values, const std::source_location& loc) {
  DataLoaderOptions options = loader.options();
  options.seed = static_cast<std::uint64_t>(loader.state().get<std::int64_t>("seed"));
  return DataLoader(Dataset(values, values, loc), options, loc);
}
}  // namespace

std::optional<Device> device_of(const nn::Module& model) {
  const std::vector<Tensor> parameters = model.parameters();
  if (parameters.empty()) return std::nullopt;
  return parameters.front().device();
}

Tensor on(const std::optional<Device>& device, const Tensor& t) {
  return device ? t.to(*device) : t;
}

Batches::Batches(const nn::Module& model, const Dataset& data, const DataLoaderOptions& options,
                 const Tensor& sample_weight, const ClassWeight& class_weight, const Location& loc)
    : model_(model), own_(std::in_place, data, options, loc), loc_(loc) {
  const Tensor weights = sample_weights(data, sample_weight, class_weight, loc);
  if (weights.defined()) weight_loader_.emplace(beside(*own_, weights, loc));
}

Batches::Batches(const nn::Module& model, DataLoader& loader, const ClassWeight& class_weight,
                 const Location& loc)
    : model_(model), loader_(&loader), class_weight_(class_weight), loc_(loc) {}

void Batches::begin() {
  device_ = device_of(model_);
  at_.emplace(loader().begin());
  if (weight_loader_) weights_at_.emplace(weight_loader_->begin());
  begun_ = false;
}

bool Batches::next() {
  if (std::exchange(begun_, true)) {
    x_ = y_ = weights_ = Tensor();  // their memory can serve the next batch
    ++*at_;
    if (weights_at_) ++*weights_at_;
  }
  if (*at_ == loader().end()) return false;
  x_ = (*at_)->x;
  y_ = (*at_)->y;
  if (!y_.defined())
    throw_argument("fit", "the samples have no targets; expected a target y with each x", loc_);
  if (weights_at_)
    weights_ = (*weights_at_)->x;
  else if (!class_weight_.empty())
    weights_ = sample_weights(Dataset(x_, y_, loc_), {}, class_weight_, loc_);
  x_ = on(device_, x_);
  y_ = on(device_, y_);
  if (weights_.defined()) weights_ = on(device_, weights_);
  return true;
}

void Batches::leave_epoch() {
  State order = loader().state();
  for (NamedAttr& v : order.values) {
    if (v.name == "epoch") v.value = loader().epoch() + 1;
    if (v.name == "position") v.value = std::int64_t{0};
  }
  load_state(order);
}

void Batches::load_state(const State& state) {
  loader().load_state(state, loc_);
  if (weight_loader_) weight_loader_->load_state(state, loc_);
}

}  // namespace catena::train
