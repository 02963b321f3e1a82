#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// y at each index is x at source(index).
template <class Source>
Reference moved(const Shape& shape, const Source& source) {
  return reference([=](const List& in) {
    Array y(shape);
    for_each_index(shape, [&](const Shape& at) { y.at(at) = in[0].at(source(at)); });
    return y;
  });
}

// Where the last three dimensions of `large` show those of `small`, the sizes being r times.
Shape small_index(Shape at, std::int64_t r) {
  const int c = at.rank() - 3;
  at[c] = at[c] * r * r + at[c + 1] % r * r + at[c + 2] % r;
  at[c + 1] /= r;
  at[c + 2] /= r;
  return at;
}
Shape large_index(Shape at, std::int64_t r) {
  const int c = at.rank() - 3;
  const std::int64_t part = at[c] % (r * r);
  at[c] /= r * r;
  at[c + 1] = at[c + 1] * r + part / r;
  at[c + 2] = at[c + 2] * r + part % r;
  return at;
}

}  // namespace

std::vector<OpSample> samples_PixelShuffle() {
  const auto add = [](const char* name, const Shape& x, std::int64_t r) {
    Shape y = x;
    const int c = x.rank() - 3;
    y[c] /= r * r;
    y[c + 1] *= r;
    y[c + 2] *= r;
    return sample(name, op::PixelShuffle{r}, {uniform(x)},
                  moved(y, [=](const Shape& at) { return small_index(at, r); }))
        .exact();
  };
  return {add("images", {2, 8, 2, 3}, 2),
          add("one_image", {9, 1, 2}, 3),
          add("videos", {2, 2, 4, 2, 1}, 2),
          add("once", {1, 2, 2, 2}, 1),
          add("nothing", {0, 4, 2, 2}, 2),
          fails("channels", op::PixelShuffle{2}, {uniform({1, 6, 2, 2})},
                "[pixel_shuffle] x has shape [1, 6, 2, 2], 6 channels; expected a multiple of 4"),
          fails("rank", op::PixelShuffle{2}, {uniform({4, 2})},
                "[pixel_shuffle] x has shape [4, 2]; expected [..., C, H, W]"),
          fails("factor", op::PixelShuffle{0}, {uniform({1, 4, 2, 2})},
                "[pixel_shuffle] upscale_factor is 0; expected 1 or more")};
}

std::vector<OpSample> samples_PixelUnshuffle() {
  const auto add = [](const char* name, const Shape& x, std::int64_t r) {
    Shape y = x;
    const int c = x.rank() - 3;
    y[c] *= r * r;
    y[c + 1] /= r;
    y[c + 2] /= r;
    return sample(name, op::PixelUnshuffle{r}, {uniform(x)},
                  moved(y, [=](const Shape& at) { return large_index(at, r); }))
        .exact();
  };
  return {add("images", {2, 2, 4, 6}, 2), add("one_image", {1, 3, 6}, 3),
          add("nothing", {0, 1, 2, 2}, 2),
          fails("sizes", op::PixelUnshuffle{2}, {uniform({1, 2, 4, 5})},
                "[pixel_unshuffle] x has shape [1, 2, 4, 5]; expected a height and width that are "
                "multiples of 2"),
          fails("factor", op::PixelUnshuffle{-1}, {uniform({1, 4, 2, 2})},
                "[pixel_unshuffle] downscale_factor is -1; expected 1 or more")};
}

std::vector<OpSample> samples_ChannelShuffle() {
  const auto add = [](const char* name, const Shape& x, std::int64_t groups) {
    const std::int64_t each = x[1] / groups;
    return sample(name, op::ChannelShuffle{groups}, {uniform(x)},
                  moved(x,
                        [=](Shape at) {
                          at[1] = at[1] % groups * each + at[1] / groups;
                          return at;
                        }))
        .exact();
  };
  return {add("images", {2, 6, 2, 2}, 2),
          add("thrice", {1, 6, 3}, 3),
          add("vectors", {2, 4}, 2),
          add("one_group", {2, 4, 1}, 1),
          fails("divisor", op::ChannelShuffle{4}, {uniform({1, 6, 2})},
                "[channel_shuffle] groups is 4 for the 6 channels of x [1, 6, 2]; expected a "
                "positive divisor of their number"),
          fails("rank", op::ChannelShuffle{1}, {uniform({6})},
                "[channel_shuffle] x has shape [6]; expected [N, C] or [N, C, ...]")};
}

}  // namespace catena::test
