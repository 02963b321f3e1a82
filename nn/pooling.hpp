// Pooling layers. What they compute, and their errors, are those of the functions of
// ops/pooling.hpp: nn::MaxPool2d(3, {.stride = 2, .padding = 1}) calls max_pool2d.
#pragma once

#include "catena/nn/module.hpp"
#include "catena/ops/pooling.hpp"

namespace catena::nn {

namespace detail {

// Over so many spatial dimensions.
template <int Spatial>
class MaxPool : public Layer {
 public:
  explicit MaxPool(Sizes kernel, MaxPoolOptions options = {}, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Sizes kernel_;
  MaxPoolOptions options_;
};
template <int Spatial>
class AvgPool : public Layer {
 public:
  explicit AvgPool(Sizes kernel, AvgPoolOptions options = {}, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Sizes kernel_;
  AvgPoolOptions options_;
};
template <int Spatial>
class LpPool : public Layer {
 public:
  LpPool(double p, Sizes kernel, LpPoolOptions options = {}, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  double p_;
  Sizes kernel_;
  LpPoolOptions options_;
};
template <int Spatial>
class AdaptiveMaxPool : public Layer {
 public:
  explicit AdaptiveMaxPool(Sizes output, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Sizes output_;
};
template <int Spatial>
class AdaptiveAvgPool : public Layer {
 public:
  explicit AdaptiveAvgPool(Sizes output, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Sizes output_;
};

}  // namespace detail

class MaxPool1d : public detail::MaxPool<1> {
  using MaxPool::MaxPool;
};
class MaxPool2d : public detail::MaxPool<2> {
  using MaxPool::MaxPool;
};
class MaxPool3d : public detail::MaxPool<3> {
  using MaxPool::MaxPool;
};
class AvgPool1d : public detail::AvgPool<1> {
  using AvgPool::AvgPool;
};
class AvgPool2d : public detail::AvgPool<2> {
  using AvgPool::AvgPool;
};
class AvgPool3d : public detail::AvgPool<3> {
  using AvgPool::AvgPool;
};
class LPPool1d : public detail::LpPool<1> {
  using LpPool::LpPool;
};
class LPPool2d : public detail::LpPool<2> {
  using LpPool::LpPool;
};
class LPPool3d : public detail::LpPool<3> {
  using LpPool::LpPool;
};
class AdaptiveMaxPool1d : public detail::AdaptiveMaxPool<1> {
  using AdaptiveMaxPool::AdaptiveMaxPool;
};
class AdaptiveMaxPool2d : public detail::AdaptiveMaxPool<2> {
  using AdaptiveMaxPool::AdaptiveMaxPool;
};
class AdaptiveMaxPool3d : public detail::AdaptiveMaxPool<3> {
  using AdaptiveMaxPool::AdaptiveMaxPool;
};
class AdaptiveAvgPool1d : public detail::AdaptiveAvgPool<1> {
  using AdaptiveAvgPool::AdaptiveAvgPool;
};
class AdaptiveAvgPool2d : public detail::AdaptiveAvgPool<2> {
  using AdaptiveAvgPool::AdaptiveAvgPool;
};
class AdaptiveAvgPool3d : public detail::AdaptiveAvgPool<3> {
  using AdaptiveAvgPool::AdaptiveAvgPool;
};

}  // namespace catena::nn
