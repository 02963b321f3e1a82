#include "ops/normalization_reference.hpp"

namespace catena::test {
namespace {

auto group_norm_of(const op::GroupNorm& op) {
  return [=](const std::vector<Array>& in) {
    const Shape& x = in[0].shape;
    const std::int64_t channels = x[1];
    std::int64_t line = 1;
    for (int d = 2; d < x.rank(); ++d) line *= x[d];
    const std::int64_t n = channels / op.num_groups * line;
    Array mean, var;
    Array y = normalised(
        in, op.eps, x[0] * op.num_groups, [=](std::int64_t i) { return i / n; },
        [=](std::int64_t i) { return i / line % channels; }, &mean, &var);
    mean.shape = var.shape = Shape{x[0], op.num_groups};
    return std::vector<Array>{y, mean, var};
  };
}

}  // namespace

std::vector<OpSample> samples_GroupNorm() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Shape& x, std::int64_t groups, int count = 3,
                       double eps = 1e-5) {
    const op::GroupNorm op{groups, eps};
    list.push_back(sample(name, op, affine_inputs(x, {x[1]}, count), group_norm_of(op))
                       .tolerance(5e-6, 1e-11));
    return &list.back();
  };
  add("pairs", {2, 4, 3}, 2);
  add("plain", {2, 4, 3}, 2, 1);
  add("weight", {2, 4, 3}, 2, 2);
  add("one_group", {3, 4, 2}, 1);
  add("channels", {2, 3, 2, 3}, 3);
  add("vectors", {5, 6}, 2);
  add("vectors_of_more", {3, 38}, 2);
  add("volumes", {2, 4, 2, 2, 2}, 2);
  add("large_eps", {2, 4, 3}, 2, 3, 0.5);
  add("long_lines", {2, 4, 70}, 2);
  add("long_lines_plain", {1, 2, 70}, 2, 1);
  add("constant_x", {2, 4, 3}, 2)->no_grad = 1;
  add("constant_weight", {2, 4, 70}, 2)->no_grad = 2;
  add("only_bias", {2, 4, 3}, 2)->no_grad = 3;
  add("only_bias_of_long_lines", {2, 4, 70}, 2)->no_grad = 3;
  add("no_samples", {0, 4, 3}, 2);
  add("no_channels", {2, 0, 3}, 2);
  add("many_samples", {150, 6, 5}, 3)->gradients = false;
  add("large_images", {3, 40, 33, 41}, 8)->gradients = false;

  const auto wrong = [&](const char* name, std::int64_t groups, std::vector<InputSpec> in,
                         const char* error) {
    list.push_back(fails(name, op::GroupNorm{groups}, std::move(in), error));
  };
  wrong("rank", 1, {uniform({5})}, "[group_norm] x has shape [5]; expected [N, C] or [N, C, ...]");
  wrong("divisor", 3, {uniform({2, 4, 3})},
        "[group_norm] num_groups is 3 for the 4 channels of x [2, 4, 3]; expected a positive "
        "divisor of their number");
  wrong("zero", 0, {uniform({2, 4, 3})}, "[group_norm] num_groups is 0 for the 4 channels");
  wrong("integers", 2, {integers({2, 4}, 0, 3)},
        "[group_norm] x is int64; expected float32 or float64");
  wrong("weight_length", 2, {uniform({2, 4, 3}), uniform({2})},
        "[group_norm] weight has shape [2]; expected [4] for x [2, 4, 3]");
  return list;
}

}  // namespace catena::test
