#include "catena/train/averaging.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/nn/mode_guard.hpp"
#include "catena/nn/normalization.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/batches.hpp"
#include "catena/train/data.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

AveragedParameters::AveragedParameters(std::vector<Tensor> params, AveragingOptions options,
                                       Location loc)
    : params_(std::move(params)), averages_(params_.size()), options_(options) {
  const auto fail = [&](std::string_view what) {
    throw_argument("averaged_parameters", what, loc);
  };
  if (params_.empty()) fail("the list of parameters is empty; give model.parameters()");
  for (std::size_t i = 0; i < params_.size(); ++i) {
    if (!params_[i].defined()) fail(fmt::format("parameter {} is an undefined tensor", i));
    if (!is_floating(params_[i].dtype()))
      fail(fmt::format("parameter {} is {}; expected a floating dtype", i,
                       name_of(params_[i].dtype())));
  }
  if (options_.decay && !(*options_.decay >= 0 && *options_.decay <= 1))
    fail(fmt::format("decay is {}; expected a number in [0, 1]", *options_.decay));
}

void AveragedParameters::update(Location loc) {
  if (swapped_)
    throw_argument(
        "averaged_parameters",
        "update() while the averages stand in for the parameters; swap() them back first", loc);
  NoGrad no_grad;
  const double weight =
      options_.decay ? 1 - *options_.decay : 1 / static_cast<double>(updates_ + 1);
  detail::UpdateQueue queue;
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const Tensor p = params_[i].detach();
    Tensor& a = averages_[i];
    if (updates_ == 0) {
      a = p.clone();
      continue;
    }
    detail::follow(a, p);
    if (detail::is_dense_cpu(p) && a.is_contiguous())
      detail::update_dense(queue, a, p, loc,
                           [&](const auto& dense) { dense.run(dense.kernels.average, weight); });
    else
      a.add_(p - a, weight);
  }
  queue.run();
  ++updates_;
}

void AveragedParameters::swap(Location loc) {
  if (updates_ == 0)
    throw_argument("averaged_parameters", "there are no averages yet; call update() first", loc);
  NoGrad no_grad;
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const Tensor before = params_[i].detach().clone();
    params_[i].copy_(averages_[i], loc);
    averages_[i] = before;
  }
  swapped_ = !swapped_;
}

void AveragedParameters::visit(detail::StateVisitor& visitor) {
  double decay = options_.decay.value_or(-1);  // -1: the mean
  visitor.value("decay", decay);
  visitor.value("updates", updates_);
  visitor.value("swapped", swapped_);
  for (std::size_t i = 0; i < params_.size(); ++i) {
    visitor.prefix = fmt::format("params.{}.", i);
    visitor.param = &params_[i];
    visitor.tensor("average", averages_[i]);
  }
  options_.decay = decay < 0 ? std::nullopt : std::optional(decay);
}

State AveragedParameters::state() const {
  State out;
  out.add_value("count", static_cast<std::int64_t>(params_.size()));
  detail::StateSaver saver(out);
  // The visitor writes only when it loads.
  const_cast<AveragedParameters*>(this)->visit(saver);
  return out;
}

void AveragedParameters::load_state(const State& state, Location loc) {
  const auto count = state.get<std::int64_t>("count", loc);
  if (count != static_cast<std::int64_t>(params_.size()))
    throw_argument(
        "load_state",
        fmt::format("the state averages {} parameters; here are {}", count, params_.size()), loc);
  NoGrad no_grad;
  detail::StateLoader check(state, false, loc);
  visit(check);
  detail::StateLoader apply(state, true, loc);
  visit(apply);
}

void update_batch_norm(nn::Module& model, train::DataLoader& loader, std::source_location loc) {
  const nn::ModeGuard mode(model, true);
  const NoGrad no_grad;
  nn::detail::RenewedStatistics renewed;
  const std::optional<Device> device = train::device_of(model);
  for (const train::Batch& batch : loader) model(train::on(device, batch.x), loc);
}

}  // namespace catena::optim
