#include "op_suite.hpp"

namespace catena::test {
namespace {

// Calls f(entry of a window, number of the window, position in the image), for positions inside.
template <class F>
void for_windows(const Shape& sizes, const op::Unfold& op, const F& f) {
  const int dims = sizes.rank();
  const auto at = [](const Shape& s, int d) { return s[s.rank() == 1 ? 0 : d]; };
  Shape count, kernel;
  for (int d = 0; d < dims; ++d) {
    kernel.push_back(at(op.kernel_size, d));
    count.push_back((sizes[d] + 2 * at(op.padding, d) - at(op.dilation, d) * (kernel[d] - 1) - 1) /
                        at(op.stride, d) +
                    1);
  }
  std::int64_t entry = 0;
  for_each_index(kernel, [&](const Shape& k) {
    std::int64_t window = 0;
    for_each_index(count, [&](const Shape& w) {
      std::int64_t position = 0;
      bool inside = true;
      for (int d = 0; d < dims; ++d) {
        const std::int64_t i =
            w[d] * at(op.stride, d) + k[d] * at(op.dilation, d) - at(op.padding, d);
        inside = inside && i >= 0 && i < sizes[d];
        position = position * sizes[d] + i;
      }
      f(entry, window++, inside ? position : -1);
    });
    ++entry;
  });
}

struct Counts {
  std::int64_t entries = 0, windows = 0;
};
Counts counts_of(const Shape& sizes, const op::Unfold& op) {
  Counts n;
  for_windows(sizes, op, [&](std::int64_t entry, std::int64_t window, std::int64_t) {
    n = {entry + 1, std::max(n.windows, window + 1)};
  });
  return n;
}

Shape behind_channels(const Shape& x) {
  Shape sizes;
  for (int d = 2; d < x.rank(); ++d) sizes.push_back(x[d]);
  return sizes;
}

OpSample unfolded(const char* name, const Shape& x, const op::Unfold& op) {
  const Shape sizes = behind_channels(x);
  const Counts n = counts_of(sizes, op);
  return sample(name, op, {uniform(x)},
                [=](const std::vector<Array>& in) {
                  Array y(Shape{x[0], x[1] * n.entries, n.windows});
                  for (std::int64_t p = 0; p < x[0] * x[1]; ++p)
                    for_windows(sizes, op, [&](std::int64_t k, std::int64_t l, std::int64_t at) {
                      if (at >= 0)
                        y[(p * n.entries + k) * n.windows + l] = in[0][p * sizes.numel() + at];
                    });
                  return y;
                })
      .exact();
}

OpSample folded(const char* name, const Shape& y, const op::Unfold& op) {
  const Shape sizes = behind_channels(y);
  const Counts n = counts_of(sizes, op);
  const op::Fold fold{sizes, op.kernel_size, op.dilation, op.padding, op.stride};
  return sample(name, fold, {uniform({y[0], y[1] * n.entries, n.windows})},
                [=](const std::vector<Array>& in) {
                  Array out(y);
                  for (std::int64_t p = 0; p < y[0] * y[1]; ++p)
                    for_windows(sizes, op, [&](std::int64_t k, std::int64_t l, std::int64_t at) {
                      if (at >= 0)
                        out[p * sizes.numel() + at] += in[0][(p * n.entries + k) * n.windows + l];
                    });
                  return out;
                })
      .tolerance(2e-6, 1e-13);
}

}  // namespace

std::vector<OpSample> samples_Unfold() {
  using op::Unfold;
  return {unfolded("images", {2, 2, 4, 5}, Unfold{{2, 3}}),
          unfolded("one_number", {1, 2, 3, 3}, Unfold{{2}, {1}, {1}, {2}}),
          unfolded("dilated", {1, 2, 6, 5}, Unfold{{2, 2}, {2, 3}, {1, 0}, {1, 2}}),
          unfolded("lines", {2, 3, 7}, Unfold{{3}, {2}, {2}, {3}}),
          unfolded("volumes", {1, 2, 3, 4, 3}, Unfold{{2, 3, 2}, {1}, {0, 1, 1}, {1, 2, 1}}),
          unfolded("wide_padding", {1, 1, 2, 2}, Unfold{{1, 1}, {1}, {3}, {1}}),
          unfolded("nothing", {0, 2, 3, 3}, Unfold{{2, 2}}),
          unfolded("large", {3, 5, 40, 50}, Unfold{{3, 3}, {1}, {1}, {1}}).no_gradient(),
          fails("kernel", Unfold{{4, 2}}, {uniform({1, 1, 3, 3})},
                "[unfold] dimension 2 of 3 entries, 3 with padding, is smaller than the 4 a window "
                "takes up; expected a smaller kernel_size or dilation"),
          fails("numbers", Unfold{{2, 2}, {1, 1, 1}}, {uniform({1, 1, 3, 3})},
                "[unfold] dilation is [1, 1, 1]; expected 1 number or 2, one per dimension behind "
                "the channels"),
          fails("stride", Unfold{{2, 2}, {1}, {0}, {0}}, {uniform({1, 1, 3, 3})},
                "[unfold] stride is [0]; expected 1 or more"),
          fails("rank", Unfold{{2}}, {uniform({3, 3})},
                "[unfold] x has shape [3, 3]; expected [N, C, L] or [N, C, ...]"),
          fails("integers", Unfold{{2}}, {integers({1, 3, 3}, 0, 3)},
                "[unfold] x is int64; expected float32 or float64")};
}

std::vector<OpSample> samples_Fold() {
  using op::Unfold;
  return {folded("images", {2, 2, 4, 5}, Unfold{{2, 3}}),
          folded("one_number", {1, 2, 3, 3}, Unfold{{2}, {1}, {1}, {2}}),
          folded("dilated", {1, 2, 6, 5}, Unfold{{2, 2}, {2, 3}, {1, 0}, {1, 2}}),
          folded("lines", {2, 3, 7}, Unfold{{3}, {2}, {2}, {3}}),
          folded("gaps", {1, 1, 7, 7}, Unfold{{2, 2}, {1}, {0}, {3}}),
          folded("volumes", {1, 2, 3, 4, 3}, Unfold{{2, 3, 2}, {1}, {0, 1, 1}, {1, 2, 1}}),
          folded("nothing", {0, 2, 3, 3}, Unfold{{2, 2}}),
          folded("large", {3, 5, 40, 50}, Unfold{{3, 3}, {1}, {1}, {1}}).no_gradient(),
          fails("columns", op::Fold{{3, 3}, {2, 2}}, {uniform({1, 4, 5})},
                "[fold] x has shape [1, 4, 5]; expected [N, 4 C, 4] for windows of [2, 2] over "
                "[3, 3]"),
          fails("entries", op::Fold{{3, 3}, {2, 2}}, {uniform({1, 6, 4})},
                "[fold] x has shape [1, 6, 4]; expected [N, 4 C, 4]"),
          fails("sizes", op::Fold{{-1, 3}, {2, 2}}, {uniform({1, 4, 4})},
                "[fold] output_size is [-1, 3]; expected 0 or more")};
}

}  // namespace catena::test
