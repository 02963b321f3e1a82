#include "catena/serialization/onnx/import/window.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace catena::onnx {

Shape spatial_of(const Call& c, const Tensor& x) {
  if (x.rank() < 3)
    c.fail(fmt::format("x has shape {}; expected [N, C, ..] with spatial dimensions",
                       to_string(x.shape())));
  return Shape(x.shape().data() + 2, x.rank() - 2);
}

Shape spatial_attribute(const Call& c, const char* name, int count, std::int64_t otherwise,
                        std::int64_t least) {
  const auto given = c.integers(name);
  if (!given || given->empty()) return Shape::filled(count, otherwise);
  if (given->size() != static_cast<std::size_t>(count))
    c.fail(fmt::format("{} has {} numbers; expected {}", name, given->size(), count));
  for (const std::int64_t v : *given)
    if (v < least || v > (1 << 30))
      c.fail(fmt::format("{} {}; expected numbers of at least {}", name, v, least));
  return Shape(*given);
}

Window read_window(const Call& c, const Shape& kernel, const Shape& spatial) {
  const int count = spatial.rank();
  Window w;
  w.kernel = kernel;
  w.stride = spatial_attribute(c, "strides", count, 1, 1);
  w.dilation = spatial_attribute(c, "dilations", count, 1, 1);
  w.before = w.after = Shape::filled(count, 0);
  const std::string mode = c.attribute("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    for (int d = 0; d < count; ++d) {
      const std::int64_t out = (spatial[d] + w.stride[d] - 1) / w.stride[d];
      const std::int64_t reach = w.dilation[d] * (kernel[d] - 1) + 1;
      const std::int64_t total =
          std::max<std::int64_t>(0, (out - 1) * w.stride[d] + reach - spatial[d]);
      w.before[d] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.after[d] = total - w.before[d];
    }
    return w;
  }
  if (mode != "NOTSET" && mode != "VALID") c.fail(fmt::format("auto_pad '{}' is unknown", mode));
  const auto pads = c.integers("pads");
  if (mode == "VALID" || !pads || pads->empty()) return w;
  if (pads->size() != static_cast<std::size_t>(2 * count))
    c.fail(fmt::format("pads has {} numbers; expected {}", pads->size(), 2 * count));
  for (int d = 0; d < count; ++d) {
    w.before[d] = (*pads)[static_cast<std::size_t>(d)];
    w.after[d] = (*pads)[static_cast<std::size_t>(d + count)];
    if (std::min(w.before[d], w.after[d]) < 0 || std::max(w.before[d], w.after[d]) > (1 << 30))
      c.fail(fmt::format("pads {} and {}; expected numbers of 0 or more", w.before[d], w.after[d]));
  }
  return w;
}

}  // namespace catena::onnx
