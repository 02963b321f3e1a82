#include "catena/nn/group_norm.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/group_norm.hpp"
#include "catena/ops/shape.hpp"

namespace catena::nn {

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, double eps, bool affine,
                     Location loc)
    : num_groups_(num_groups), num_channels_(num_channels), eps_(eps) {
  if (num_groups <= 0 || num_channels <= 0 || num_channels % num_groups != 0)
    throw_argument("group_norm",
                   fmt::format("GroupNorm({}, {}): the number of groups must be a positive divisor "
                               "of the number of channels",
                               num_groups, num_channels),
                   loc);
  if (affine) {
    weight_ = register_parameter("weight", ones({num_channels}));
    bias_ = register_parameter("bias", zeros({num_channels}));
  }
  set_description(fmt::format("{}, {}, eps={}, affine={}", num_groups, num_channels, eps, affine));
}

Tensor GroupNorm::forward(Tensor x) {
  if (!x.defined() || x.rank() < 2 || x.shape()[1] != num_channels_)
    throw_argument("group_norm",
                   fmt::format("{}x is {}, but GroupNorm({}, {}) takes [n, {}, ..]", label(),
                               x.defined() ? catena::to_string(x.shape()) : "undefined",
                               num_groups_, num_channels_, num_channels_),
                   call_location());
  return group_norm(std::move(x), num_groups_, weight_, bias_, eps_);
}

InstanceNorm::InstanceNorm(const char* type, std::int64_t num_features, InstanceNormOptions options,
                           int dims, Location loc)
    : type_(type), num_features_(num_features), options_(options), dims_(dims) {
  if (num_features <= 0)
    throw_argument("instance_norm",
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
                              num_features, options.eps, options.momentum, options.affine,
                              options.track_running_stats));
}

Tensor InstanceNorm::forward(Tensor x) {
  const int rank = x.defined() ? x.rank() : 0;
  const bool one = rank == dims_ + 1;
  if ((!one && rank != dims_ + 2) || x.shape()[one ? 0 : 1] != num_features_) {
    const char* sizes = dims_ == 1 ? "l" : dims_ == 2 ? "h, w" : "d, h, w";
    throw_argument("instance_norm",
                   fmt::format("{}x is {}, but {}({}) takes [n, {}, {}] or [{}, {}]", label(),
                               x.defined() ? catena::to_string(x.shape()) : "undefined", type_,
                               num_features_, num_features_, sizes, num_features_, sizes),
                   call_location());
  }
  const bool own = is_training() || !options_.track_running_stats;
  const Tensor y = instance_norm(one ? unsqueeze(x, 0) : x, running_mean_, running_var_, weight_,
                                 bias_, own, options_.momentum, options_.eps);
  return one ? squeeze(y, 0) : y;
}

InstanceNorm1d::InstanceNorm1d(std::int64_t num_features, InstanceNormOptions options, Location loc)
    : InstanceNorm("InstanceNorm1d", num_features, options, 1, loc) {}
InstanceNorm2d::InstanceNorm2d(std::int64_t num_features, InstanceNormOptions options, Location loc)
    : InstanceNorm("InstanceNorm2d", num_features, options, 2, loc) {}
InstanceNorm3d::InstanceNorm3d(std::int64_t num_features, InstanceNormOptions options, Location loc)
    : InstanceNorm("InstanceNorm3d", num_features, options, 3, loc) {}

}  // namespace catena::nn
