// GroupNorm and InstanceNorm1d to 3d.
#pragma once

#include <cstdint>

#include "catena/nn/module.hpp"

namespace catena::nn {

// x [n, c, ...] normalised in each sample over num_groups groups of neighbouring channels; then
// times weight plus bias ([c]), which start as ones and zeros and are left out without `affine`.
// Errors: channels that do not make that many equal groups; another number of channels.
class GroupNorm : public Layer {
 public:
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels, double eps = 1e-5,
            bool affine = true, Location loc = Location::current());

  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }  // undefined without affine
  Tensor bias() const { return bias_; }

 private:
  std::int64_t num_groups_, num_channels_;
  double eps_;
  Parameter weight_, bias_;
};

struct InstanceNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;             // of the running statistics
  bool affine = false;               // with weight and bias
  bool track_running_stats = false;  // in evaluation normalise with the running statistics
};

// What the instance norms share: x [n, c, ...], or one sample [c, ...], normalised over each
// channel of each sample. weight [c] starts as ones and bias [c] as zeros. With track_running_stats
// the buffers running_mean and running_var (unbiased) follow the means over the batch; the buffer
// num_batches_tracked (int64) is PyTorch's, which stays 0. Errors: another number of channels or
// dimensions; one value per channel.
class InstanceNorm : public Layer {
 public:
  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }  // undefined without affine
  Tensor bias() const { return bias_; }
  Tensor running_mean() const { return running_mean_; }  // undefined when not tracked
  Tensor running_var() const { return running_var_; }

 protected:
  // x has `dims` dimensions behind the channels.
  InstanceNorm(const char* type, std::int64_t num_features, InstanceNormOptions options, int dims,
               Location loc);

 private:
  const char* type_;
  std::int64_t num_features_;
  InstanceNormOptions options_;
  int dims_;
  Parameter weight_, bias_;
  Buffer running_mean_, running_var_, num_batches_tracked_;
};
// x is [n, c, l] or [c, l].
class InstanceNorm1d : public InstanceNorm {
 public:
  explicit InstanceNorm1d(std::int64_t num_features, InstanceNormOptions options = {},
                          Location loc = Location::current());
};
// x is [n, c, h, w] or [c, h, w].
class InstanceNorm2d : public InstanceNorm {
 public:
  explicit InstanceNorm2d(std::int64_t num_features, InstanceNormOptions options = {},
                          Location loc = Location::current());
};
// x is [n, c, d, h, w] or [c, d, h, w].
class InstanceNorm3d : public InstanceNorm {
 public:
  explicit InstanceNorm3d(std::int64_t num_features, InstanceNormOptions options = {},
                          Location loc = Location::current());
};

}  // namespace catena::nn
