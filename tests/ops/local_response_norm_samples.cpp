#include <cmath>

#include "op_suite.hpp"

namespace catena::test {
namespace {

auto normed(const op::LocalResponseNorm& op) {
  return [=](const std::vector<Array>& in) {
    const Array& x = in[0];
    Array y(x.shape);
    for_each_index(x.shape, [&](const Shape& at) {
      double squares = 0;
      for (std::int64_t j = at[1] - op.size / 2; j <= at[1] + (op.size - 1) / 2; ++j) {
        if (j < 0 || j >= x.shape[1]) continue;
        Shape from = at;
        from[1] = j;
        squares += x.at(from) * x.at(from);
      }
      y.at(at) =
          x.at(at) / std::pow(op.k + op.alpha * squares / static_cast<double>(op.size), op.beta);
    });
    return y;
  };
}

}  // namespace

std::vector<OpSample> samples_LocalResponseNorm() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const op::LocalResponseNorm& op, const Shape& x) {
    list.push_back(sample(name, op, {uniform(x)}, normed(op)).tolerance(2e-6, 1e-12));
    return &list.back();
  };
  using op::LocalResponseNorm;
  add("default", {}, {2, 6, 3});
  add("strong", {.size = 3, .alpha = 2, .beta = 0.5}, {2, 5, 2, 2});
  add("even", {.size = 4, .alpha = 1.5, .beta = 1.25, .k = 2}, {1, 7, 3});
  add("own_channel", {.size = 1, .alpha = 1}, {2, 3, 2});
  add("wider_than_x", {.size = 9, .alpha = 1}, {2, 3, 2});
  add("negative_beta", {.size = 3, .alpha = 1, .beta = -0.5}, {2, 3, 2});
  add("no_channels", {}, {2, 0, 3});
  add("no_samples", {}, {0, 2, 3});
  add("strips", {.alpha = 1}, {2, 6, 23, 37})->gradients = false;
  const auto wrong = [&](const char* name, const LocalResponseNorm& op, InputSpec x,
                         const char* error) {
    list.push_back(fails(name, op, {std::move(x)}, error));
  };
  wrong("rank", {}, uniform({3, 4}),
        "[local_response_norm] x has shape [3, 4]; expected [N, C, L] or [N, C, ...]");
  wrong("size", {.size = 0}, uniform({3, 4, 2}),
        "[local_response_norm] size is 0; expected 1 or more channels");
  wrong("integers", {}, integers({3, 4, 2}, 0, 3),
        "[local_response_norm] x is int64; expected float32 or float64");
  return list;
}

}  // namespace catena::test
