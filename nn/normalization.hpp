// LayerNorm, RMSNorm, BatchNorm1d to 3d and LocalResponseNorm.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>

#include "catena/nn/module.hpp"

namespace catena::nn {

namespace detail {
// While one lives, every batch norm called in training on this thread gathers its running
// statistics anew, as the mean of the batches it is given.
class RenewedStatistics {
 public:
  RenewedStatistics();
  ~RenewedStatistics();
  RenewedStatistics(const RenewedStatistics&) = delete;
  RenewedStatistics& operator=(const RenewedStatistics&) = delete;

  static RenewedStatistics* active();
  // Whether the layer with this buffer has not been called before.
  bool is_first_call(const Tensor& buffer) { return called_.insert(buffer.impl()).second; }

 private:
  std::unordered_set<const void*> called_;
  RenewedStatistics* before_;
};
}  // namespace detail

// y = (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions, whose sizes
// `normalized_shape` gives; weight (of that shape) starts as ones and bias as zeros, and are left
// out without `affine`. Error: x does not end in these sizes.
class LayerNorm : public Layer {
 public:
  explicit LayerNorm(const Shape& normalized_shape, double eps = 1e-5, bool affine = true);

  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }  // undefined without affine
  Tensor bias() const { return bias_; }

 private:
  Shape normalized_shape_;
  double eps_;
  Parameter weight_, bias_;
};

// y = x / sqrt(mean x^2 + eps) * weight over the last dimensions, whose sizes `normalized_shape`
// gives; weight (of that shape) starts as ones, and is left out without `affine`. eps is by default
// the distance from 1 to the next number of the dtype of x. Error: x does not end in these sizes.
class RMSNorm : public Layer {
 public:
  explicit RMSNorm(const Shape& normalized_shape, std::optional<double> eps = {},
                   bool affine = true);

  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }  // undefined without affine

 private:
  Shape normalized_shape_;
  std::optional<double> eps_;
  Parameter weight_;
};

struct BatchNormOptions {
  double eps = 1e-5;
  // Of the running statistics; std::nullopt: they are the mean of all batches so far.
  std::optional<double> momentum = 0.1;
  bool affine = true;               // with weight and bias
  bool track_running_stats = true;  // else the batch's own statistics in evaluation too
};

// What the batch norms share: x [n, c, ...] normalised per feature c: in training with the mean and
// variance of the batch, which also move the buffers running_mean and running_var (unbiased) by
// `momentum`; in evaluation with those. weight [c] starts as ones and bias [c] as zeros. The buffer
// num_batches_tracked (int64) counts. Errors: another number of features or dimensions; one value
// per feature in training.
class BatchNorm : public Layer {
 public:
  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }  // undefined without affine
  Tensor bias() const { return bias_; }
  Tensor running_mean() const { return running_mean_; }  // undefined when not tracked
  Tensor running_var() const { return running_var_; }

 protected:
  // x has from least_rank to most_rank dimensions.
  BatchNorm(const char* type, std::int64_t num_features, BatchNormOptions options, int least_rank,
            int most_rank, Location loc);

 private:
  const char* type_;
  std::int64_t num_features_;
  BatchNormOptions options_;
  int least_rank_, most_rank_;
  Parameter weight_, bias_;
  Buffer running_mean_, running_var_, num_batches_tracked_;
};
// x is [n, c] or [n, c, l].
class BatchNorm1d : public BatchNorm {
 public:
  explicit BatchNorm1d(std::int64_t num_features, BatchNormOptions options = {},
                       Location loc = Location::current());
};
// x is [n, c, h, w].
class BatchNorm2d : public BatchNorm {
 public:
  explicit BatchNorm2d(std::int64_t num_features, BatchNormOptions options = {},
                       Location loc = Location::current());
};
// x is [n, c, d, h, w].
class BatchNorm3d : public BatchNorm {
 public:
  explicit BatchNorm3d(std::int64_t num_features, BatchNormOptions options = {},
                       Location loc = Location::current());
};

// x [n, c, l] or [n, c, ...] divided by (k + alpha m)^beta, m being the mean of the squares of
// `size` neighbouring channels.
class LocalResponseNorm : public Layer {
 public:
  explicit LocalResponseNorm(std::int64_t size, double alpha = 1e-4, double beta = 0.75,
                             double k = 1);
  Tensor forward(Tensor x) override;

 private:
  std::int64_t size_;
  double alpha_, beta_, k_;
};

}  // namespace catena::nn
