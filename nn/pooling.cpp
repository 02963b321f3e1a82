#include "catena/nn/pooling.hpp"

#include <fmt/format.h>

#include <utility>

namespace catena::nn::detail {
namespace {

// f1, f2 or f3 by the number of spatial dimensions.
template <int Spatial, class F1, class F2, class F3, class... Args>
Tensor call_one(F1 f1, F2 f2, F3 f3, Tensor x, const Args&... args) {
  if constexpr (Spatial == 1)
    return f1(std::move(x), args...);
  else if constexpr (Spatial == 2)
    return f2(std::move(x), args...);
  else
    return f3(std::move(x), args...);
}

std::string text(const Sizes& sizes, int spatial, const char* op, const char* what,
                 const std::source_location& loc, std::int64_t least = 1) {
  return catena::to_string(sizes.of(spatial, op, what, least, loc));
}
// "kernel=[2, 2], stride=[2, 2]"; a stride of 0 is the kernel's size.
std::string window(const Sizes& kernel, const Sizes& stride, int spatial, const char* op,
                   const std::source_location& loc) {
  const Shape size = kernel.of(spatial, op, "kernel", 1, loc);
  Shape step = stride.of(spatial, op, "stride", 0, loc);
  for (int d = 0; d < spatial; ++d)
    if (step[d] == 0) step[d] = size[d];
  return fmt::format("kernel={}, stride={}", catena::to_string(size), catena::to_string(step));
}

}  // namespace

template <int Spatial>
MaxPool<Spatial>::MaxPool(Sizes kernel, MaxPoolOptions options, Location loc)
    : kernel_(kernel), options_(options) {
  set_description(fmt::format("{}, padding={}",
                              window(kernel, options.stride, Spatial, "max_pool", loc),
                              text(options.padding, Spatial, "max_pool", "padding", loc, 0)));
}
template <int Spatial>
Tensor MaxPool<Spatial>::forward(Tensor x) {
  return call_one<Spatial>(max_pool1d, max_pool2d, max_pool3d, std::move(x), kernel_, options_);
}

template <int Spatial>
AvgPool<Spatial>::AvgPool(Sizes kernel, AvgPoolOptions options, Location loc)
    : kernel_(kernel), options_(options) {
  set_description(fmt::format("{}, padding={}",
                              window(kernel, options.stride, Spatial, "avg_pool", loc),
                              text(options.padding, Spatial, "avg_pool", "padding", loc, 0)));
}
template <int Spatial>
Tensor AvgPool<Spatial>::forward(Tensor x) {
  return call_one<Spatial>(avg_pool1d, avg_pool2d, avg_pool3d, std::move(x), kernel_, options_);
}

template <int Spatial>
LpPool<Spatial>::LpPool(double p, Sizes kernel, LpPoolOptions options, Location loc)
    : p_(p), kernel_(kernel), options_(options) {
  set_description(
      fmt::format("p={}, {}", p, window(kernel, options.stride, Spatial, "lp_pool", loc)));
}
template <int Spatial>
Tensor LpPool<Spatial>::forward(Tensor x) {
  return call_one<Spatial>(lp_pool1d, lp_pool2d, lp_pool3d, std::move(x), p_, kernel_, options_);
}

template <int Spatial>
AdaptiveMaxPool<Spatial>::AdaptiveMaxPool(Sizes output, Location loc) : output_(output) {
  set_description("output=" + text(output, Spatial, "adaptive_max_pool", "output", loc));
}
template <int Spatial>
Tensor AdaptiveMaxPool<Spatial>::forward(Tensor x) {
  return call_one<Spatial>(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d,
                           std::move(x), output_);
}

template <int Spatial>
AdaptiveAvgPool<Spatial>::AdaptiveAvgPool(Sizes output, Location loc) : output_(output) {
  set_description("output=" + text(output, Spatial, "adaptive_avg_pool", "output", loc));
}
template <int Spatial>
Tensor AdaptiveAvgPool<Spatial>::forward(Tensor x) {
  return call_one<Spatial>(adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d,
                           std::move(x), output_);
}

template class MaxPool<1>;
template class MaxPool<2>;
template class MaxPool<3>;
template class AvgPool<1>;
template class AvgPool<2>;
template class AvgPool<3>;
template class LpPool<1>;
template class LpPool<2>;
template class LpPool<3>;
template class AdaptiveMaxPool<1>;
template class AdaptiveMaxPool<2>;
template class AdaptiveMaxPool<3>;
template class AdaptiveAvgPool<1>;
template class AdaptiveAvgPool<2>;
template class AdaptiveAvgPool<3>;

}  // namespace catena::nn::detail
