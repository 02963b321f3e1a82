#include "catena/nn/normalization.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/normalization.hpp"

namespace catena::nn {

namespace detail {
namespace {
thread_local RenewedStatistics* renewed_statistics = nullptr;
}
RenewedStatistics::RenewedStatistics() : before_(renewed_statistics) { renewed_statistics = this; }
RenewedStatistics::~RenewedStatistics() { renewed_statistics = before_; }
RenewedStatistics* RenewedStatistics::active() { return renewed_statistics; }
}  // namespace detail

LayerNorm::LayerNorm(const Shape& normalized_shape, double eps, bool affine)
    : normalized_shape_(normalized_shape), eps_(eps) {
  if (affine) {
    weight_ = register_parameter("weight", ones(normalized_shape));
    bias_ = register_parameter("bias", zeros(normalized_shape));
  }
  set_description(
      fmt::format("{}, eps={}, affine={}", catena::to_string(normalized_shape), eps, affine));
}

Tensor LayerNorm::forward(Tensor x) {
  return layer_norm(std::move(x), normalized_shape_, weight_, bias_, eps_);
}

BatchNorm1d::BatchNorm1d(std::int64_t num_features, BatchNormOptions options, Location loc)
    : num_features_(num_features), options_(options) {
  if (num_features <= 0)
    throw_argument("batch_norm",
                   fmt::format("BatchNorm1d({}): the number must be positive", num_features), loc);
  if (options.affine) {
    weight_ = register_parameter("weight", ones({num_features}));
    bias_ = register_parameter("bias", zeros({num_features}));
  }
  if (options.track_running_stats) {
    running_mean_ = register_buffer("running_mean", zeros({num_features}));
    running_var_ = register_buffer("running_var", ones({num_features}));
    num_batches_tracked_ = register_buffer("num_batches_tracked", zeros({}, kInt64));
  }
  set_description(fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}",
                              num_features, options.eps,
                              options.momentum ? fmt::format("{}", *options.momentum) : "none",
                              options.affine, options.track_running_stats));
}

Tensor BatchNorm1d::forward(Tensor x) {
  if (!x.defined() || (x.rank() != 2 && x.rank() != 3) || x.shape()[1] != num_features_)
    throw_argument("batch_norm",
                   fmt::format("{}x is {}, but BatchNorm1d({}) takes [n, {}] or [n, {}, l]",
                               label(), x.defined() ? catena::to_string(x.shape()) : "undefined",
                               num_features_, num_features_, num_features_),
                   call_location());
  const bool gathers = is_training() && options_.track_running_stats;
  double momentum = options_.momentum.value_or(0);
  if (gathers) {
    NoGrad off;
    auto* renewed = detail::RenewedStatistics::active();
    if (renewed && renewed->is_first_call(num_batches_tracked_)) {
      running_mean_.fill_(0);
      running_var_.fill_(1);
      num_batches_tracked_.fill_(0);
    }
    if (renewed || !options_.momentum) momentum = 1 / (num_batches_tracked_.item() + 1);
  }
  Tensor y = batch_norm(std::move(x), running_mean_, running_var_, weight_, bias_,
                        is_training() || !options_.track_running_stats, momentum, options_.eps);
  if (gathers) {
    NoGrad off;
    num_batches_tracked_.add_(ones({}, {kInt64, num_batches_tracked_.device()}));
  }
  return y;
}

}  // namespace catena::nn
