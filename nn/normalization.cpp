#include "catena/nn/normalization.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/local_response_norm.hpp"
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

RMSNorm::RMSNorm(const Shape& normalized_shape, std::optional<double> eps, bool affine)
    : normalized_shape_(normalized_shape), eps_(eps) {
  if (affine) weight_ = register_parameter("weight", ones(normalized_shape));
  set_description(fmt::format("{}, eps={}, affine={}", catena::to_string(normalized_shape),
                              eps ? fmt::format("{}", *eps) : "none", affine));
}

Tensor RMSNorm::forward(Tensor x) {
  return rms_norm(std::move(x), normalized_shape_, weight_, eps_);
}

BatchNorm::BatchNorm(const char* type, std::int64_t num_features, BatchNormOptions options,
                     int least_rank, int most_rank, Location loc)
    : type_(type),
      num_features_(num_features),
      options_(options),
      least_rank_(least_rank),
      most_rank_(most_rank) {
  if (num_features <= 0)
    throw_argument("batch_norm",
                   fmt::format("{}({}): the number must be positive", type, num_features), loc);
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

Tensor BatchNorm::forward(Tensor x) {
  if (!x.defined() || x.rank() < least_rank_ || x.rank() > most_rank_ ||
      x.shape()[1] != num_features_) {
    std::string takes;
    for (int rank = least_rank_; rank <= most_rank_; ++rank)
      takes += fmt::format("{}[n, {}{}]", takes.empty() ? "" : " or ", num_features_,
                           rank == 2   ? ""
                           : rank == 3 ? ", l"
                           : rank == 4 ? ", h, w"
                                       : ", d, h, w");
    throw_argument("batch_norm",
                   fmt::format("{}x is {}, but {}({}) takes {}", label(),
                               x.defined() ? catena::to_string(x.shape()) : "undefined", type_,
                               num_features_, takes),
                   call_location());
  }
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

BatchNorm1d::BatchNorm1d(std::int64_t num_features, BatchNormOptions options, Location loc)
    : BatchNorm("BatchNorm1d", num_features, options, 2, 3, loc) {}
BatchNorm2d::BatchNorm2d(std::int64_t num_features, BatchNormOptions options, Location loc)
    : BatchNorm("BatchNorm2d", num_features, options, 4, 4, loc) {}
BatchNorm3d::BatchNorm3d(std::int64_t num_features, BatchNormOptions options, Location loc)
    : BatchNorm("BatchNorm3d", num_features, options, 5, 5, loc) {}

LocalResponseNorm::LocalResponseNorm(std::int64_t size, double alpha, double beta, double k)
    : size_(size), alpha_(alpha), beta_(beta), k_(k) {
  set_description(fmt::format("{}, alpha={}, beta={}, k={}", size, alpha, beta, k));
}
Tensor LocalResponseNorm::forward(Tensor x) {
  return local_response_norm(std::move(x), size_, alpha_, beta_, k_);
}

}  // namespace catena::nn
