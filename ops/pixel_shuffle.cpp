#include "catena/ops/pixel_shuffle.hpp"

#include "catena/ops/composite.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

using detail::fail;

// Fails unless x has channels, height and width, and the factor is positive.
template <class Op>
void check_pixels(const Op& op, const char* name, std::int64_t factor, const Shape& x) {
  if (x.rank() < 3) fail(op, fmt::format("x has shape {}; expected [..., C, H, W]", to_string(x)));
  if (factor < 1 || factor > std::int64_t{1} << 30)
    fail(op, fmt::format("{} is {}; expected 1 or more", name, factor));
}

Shape joined(const Shape& front, std::initializer_list<std::int64_t> back) {
  Shape all = front;
  for (const std::int64_t size : back) all.push_back(size);
  return all;
}

// The dimensions 0, 1, ..., front - 1 and then `back`, counted from `front`.
Shape order(int front, std::initializer_list<int> back) {
  Shape all;
  for (int d = 0; d < front; ++d) all.push_back(d);
  for (const int d : back) all.push_back(front + d);
  return all;
}

Shape without_last(const Shape& x, int count) {
  Shape front;
  for (int d = 0; d < x.rank() - count; ++d) front.push_back(x[d]);
  return front;
}

}  // namespace

namespace op {

Tensor PixelShuffle::compose(std::span<const Tensor> in) const {
  const Shape x = in[0].shape();
  const std::int64_t r = upscale_factor;
  check_pixels(*this, "upscale_factor", r, x);
  const int front = x.rank() - 3;
  const std::int64_t channels = x[front], h = x[front + 1], w = x[front + 2];
  if (channels % (r * r) != 0)
    fail(*this, fmt::format("x has shape {}, {} channels; expected a multiple of {}", to_string(x),
                            channels, r * r));
  const Shape outer = without_last(x, 3);
  const std::int64_t c = channels / (r * r);
  const Tensor parts = reshape(in[0], joined(outer, {c, r, r, h, w}));
  return reshape(permute(parts, order(front, {0, 3, 1, 4, 2})), joined(outer, {c, h * r, w * r}));
}

Tensor PixelUnshuffle::compose(std::span<const Tensor> in) const {
  const Shape x = in[0].shape();
  const std::int64_t r = downscale_factor;
  check_pixels(*this, "downscale_factor", r, x);
  const int front = x.rank() - 3;
  const std::int64_t c = x[front], h = x[front + 1] / r, w = x[front + 2] / r;
  if (x[front + 1] % r != 0 || x[front + 2] % r != 0)
    fail(*this, fmt::format("x has shape {}; expected a height and width that are multiples of {}",
                            to_string(x), r));
  const Shape outer = without_last(x, 3);
  const Tensor parts = reshape(in[0], joined(outer, {c, h, r, w, r}));
  return reshape(permute(parts, order(front, {0, 2, 4, 1, 3})), joined(outer, {c * r * r, h, w}));
}

Tensor ChannelShuffle::compose(std::span<const Tensor> in) const {
  const Shape x = in[0].shape();
  if (x.rank() < 2)
    fail(*this, fmt::format("x has shape {}; expected [N, C] or [N, C, ...]", to_string(x)));
  if (groups < 1 || x[1] % groups != 0)
    fail(*this, fmt::format("groups is {} for the {} channels of x {}; expected a positive divisor "
                            "of their number",
                            groups, x[1], to_string(x)));
  Shape parts{x[0], groups, x[1] / groups}, swapped{0, 2, 1};
  for (int d = 2; d < x.rank(); ++d) {
    parts.push_back(x[d]);
    swapped.push_back(d + 1);
  }
  return reshape(permute(reshape(in[0], parts), swapped), x);
}

}  // namespace op

Tensor pixel_shuffle(Operand x, std::int64_t upscale_factor) {
  return detail::call_op(op::PixelShuffle{upscale_factor}, x);
}
Tensor pixel_unshuffle(Operand x, std::int64_t downscale_factor) {
  return detail::call_op(op::PixelUnshuffle{downscale_factor}, x);
}
Tensor channel_shuffle(Operand x, std::int64_t groups) {
  return detail::call_op(op::ChannelShuffle{groups}, x);
}

}  // namespace catena
