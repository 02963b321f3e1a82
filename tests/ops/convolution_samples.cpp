#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// Calls f(n, k, c, o, i, t) for every product of a convolution: x[n, c, i] with weight[k, c', t],
// c' counted within the group, for y[n, k, o]. Indices o, i and t are whole positions.
template <class Op, class F>
void for_each_product(const Op& op, const Shape& x, const Shape& weight, const Shape& y, F&& f) {
  const auto spatial = [](const Shape& s) { return Shape(s.data() + 2, s.rank() - 2); };
  const std::int64_t inputs = weight[1], outputs = weight[0] / op.groups;
  for (std::int64_t n = 0; n < x[0]; ++n)
    for (std::int64_t k = 0; k < weight[0]; ++k)
      for (std::int64_t c = 0; c < inputs; ++c)
        for_each_index(spatial(y), [&](const Shape& o) {
          for_each_index(spatial(weight), [&](const Shape& t) {
            Shape at_x{n, k / outputs * inputs + c}, at_y{n, k}, at_weight{k, c};
            for (int d = 0; d < o.rank(); ++d) {
              const std::int64_t i =
                  o[d] * op.stride[d] + t[d] * op.dilation[d] - op.padding_before[d];
              if (i < 0 || i >= x[d + 2]) return;
              at_x.push_back(i);
              at_y.push_back(o[d]);
              at_weight.push_back(t[d]);
            }
            f(at_x, at_weight, at_y);
          });
        });
}

Shape joined(std::int64_t first, std::int64_t second, const Shape& spatial) {
  Shape s{first, second};
  for (const std::int64_t v : spatial) s.push_back(v);
  return s;
}

template <class Op>
std::int64_t covered(const Op& op, std::int64_t kernel, int d) {
  return op.dilation[d] * (kernel - 1) + 1 - op.padding_before[d] - op.padding_after[d];
}

void add_bias(const List& in, Array& y) {
  if (in.size() < 3) return;
  for_each_index(y.shape, [&](const Shape& at) { y.at(at) += in[2][at[1]]; });
}

auto conv_of(const op::Conv& op) {
  return [=](const List& in) {
    const Array &x = in[0], &weight = in[1];
    Shape out;
    for (int d = 0; d + 2 < x.shape.rank(); ++d)
      out.push_back((x.shape[d + 2] - covered(op, weight.shape[d + 2], d)) / op.stride[d] + 1);
    Array y(joined(x.shape[0], weight.shape[0], out));
    for_each_product(
        op, x.shape, weight.shape, y.shape,
        [&](const Shape& i, const Shape& t, const Shape& o) { y.at(o) += x.at(i) * weight.at(t); });
    add_bias(in, y);
    return y;
  };
}

auto transpose_of(const op::ConvTranspose& op) {
  return [=](const List& in) {
    const Array &x = in[0], &weight = in[1];
    Shape out;
    for (int d = 0; d + 2 < x.shape.rank(); ++d)
      out.push_back((x.shape[d + 2] - 1) * op.stride[d] + covered(op, weight.shape[d + 2], d) +
                    op.output_padding[d]);
    Array y(joined(x.shape[0], weight.shape[1] * op.groups, out));
    for_each_product(
        op, y.shape, weight.shape, x.shape,
        [&](const Shape& i, const Shape& t, const Shape& o) { y.at(i) += x.at(o) * weight.at(t); });
    add_bias(in, y);
    return y;
  };
}

auto weight_of(const op::ConvWeight& op) {
  return [=](const List& in) {
    const Array &x = in[0], &g = in[1];
    Array y(joined(g.shape[1], x.shape[1] / op.groups, op.kernel));
    for_each_product(
        op, x.shape, y.shape, g.shape,
        [&](const Shape& i, const Shape& t, const Shape& o) { y.at(t) += x.at(i) * g.at(o); });
    return y;
  };
}

// What the samples of the three ops share: the convolution of x with a kernel.
struct Case {
  const char* name;
  Shape x, weight;
  Shape stride, before, after, dilation;
  std::int64_t groups = 1;
  bool large = false;  // values only
};

std::vector<Case> cases() {
  return {
      {"line", {2, 3, 7}, {4, 3, 3}, {1}, {0}, {0}, {1}},
      {"padded_line", {2, 2, 5}, {3, 2, 3}, {1}, {1}, {1}, {1}},
      {"uneven_padding", {1, 2, 6}, {2, 2, 4}, {1}, {1}, {2}, {1}},
      {"step", {2, 2, 9}, {3, 2, 3}, {2}, {1}, {1}, {1}},
      {"step_with_rest", {1, 2, 8}, {2, 2, 3}, {3}, {0}, {0}, {1}},
      {"dilated", {1, 2, 9}, {2, 2, 3}, {1}, {2}, {2}, {2}},
      {"dilated_step", {1, 1, 11}, {2, 1, 3}, {2}, {1}, {0}, {3}},
      {"cut", {1, 2, 9}, {2, 2, 2}, {1}, {-1}, {-2}, {1}},
      {"cut_step", {1, 1, 10}, {1, 1, 2}, {2}, {-1}, {-3}, {1}},
      {"padding_beyond_the_kernel", {1, 1, 3}, {1, 1, 2}, {1}, {3}, {4}, {1}},
      {"image", {2, 3, 5, 6}, {4, 3, 3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {"padded_image", {1, 2, 4, 5}, {3, 2, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {"image_steps", {1, 2, 7, 6}, {2, 2, 3, 2}, {2, 3}, {1, 0}, {1, 1}, {1, 1}},
      {"one_step", {1, 2, 5, 6}, {2, 2, 2, 3}, {1, 2}, {0, 1}, {0, 1}, {2, 1}},
      {"points", {2, 3, 3, 4}, {5, 3, 1, 1}, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {"points_step", {2, 3, 5, 5}, {2, 3, 1, 1}, {2, 2}, {0, 0}, {0, 0}, {1, 1}},
      {"groups", {2, 4, 4, 4}, {6, 2, 2, 3}, {1, 1}, {1, 1}, {0, 1}, {1, 1}, 2},
      {"depthwise", {1, 3, 5, 5}, {3, 1, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3},
      {"depthwise_step", {1, 3, 6, 5}, {6, 1, 3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 3},
      {"volume", {1, 2, 3, 4, 3}, {2, 2, 2, 3, 2}, {1, 1, 1}, {0, 1, 0}, {0, 1, 0}, {1, 1, 1}},
      {"volume_steps",
       {1, 1, 5, 4, 6},
       {2, 1, 3, 2, 2},
       {2, 1, 2},
       {1, 0, 0},
       {1, 0, 1},
       {1, 2, 1}},
      {"no_batch", {0, 2, 4, 4}, {3, 2, 3, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {"more_than_a_tile", {1, 3, 9, 13}, {21, 3, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1, true},
      {"many_images", {37, 2, 11, 10}, {6, 2, 5, 5}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1, true},
      {"many_channels", {3, 32, 14, 14}, {32, 32, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1, true},
      {"many_channels_step",
       {3, 32, 15, 14},
       {64, 32, 3, 3},
       {2, 2},
       {1, 1},
       {1, 1},
       {1, 1},
       1,
       true},
      {"many_points", {4, 64, 9, 9}, {32, 64, 1, 1}, {2, 2}, {0, 0}, {0, 0}, {1, 1}, 1, true},
      {"many_groups", {2, 64, 12, 12}, {64, 16, 3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}, 4, true},
      {"many_depthwise", {2, 32, 20, 20}, {32, 1, 3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 32, true},
      {"many_lines", {3, 32, 200}, {32, 32, 5}, {1}, {2}, {2}, {1}, 1, true},
      {"many_volumes",
       {1, 16, 8, 9, 10},
       {32, 16, 3, 3, 3},
       {1, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       1,
       true},
  };
}

Shape out_of(const Case& s) {
  Shape out;
  for (int d = 0; d + 2 < s.x.rank(); ++d)
    out.push_back(
        (s.x[d + 2] + s.before[d] + s.after[d] - s.dilation[d] * (s.weight[d + 2] - 1) - 1) /
            s.stride[d] +
        1);
  return joined(s.x[0], s.weight[0], out);
}

OpSample tuned(const OpSample& s, bool large) {
  const OpSample t = s.tolerance(large ? 3e-4 : 2e-5, 1e-11);
  return large ? t.no_gradient() : t;
}

}  // namespace

std::vector<OpSample> samples_Conv() {
  std::vector<OpSample> list;
  for (const Case& s : cases()) {
    const op::Conv op{s.stride, s.before, s.after, s.dilation, s.groups};
    list.push_back(
        tuned(sample(s.name, op, {uniform(s.x), uniform(s.weight)}, conv_of(op)), s.large));
    if (s.name == std::string("image") || s.name == std::string("groups") || s.large)
      list.push_back(
          tuned(sample(std::string(s.name) + "_bias", op,
                       {uniform(s.x), uniform(s.weight), uniform({s.weight[0]})}, conv_of(op)),
                s.large));
  }
  const auto wrong = [&](const char* name, const op::Conv& op, std::vector<InputSpec> in,
                         const char* error) {
    list.push_back(fails(name, op, std::move(in), error));
  };
  const op::Conv plain{{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1};
  wrong("channels", plain, {uniform({1, 3, 5, 5}), uniform({4, 2, 3, 3})},
        "[conv] x has 3 channels, weight is [4, 2, 3, 3] and groups 1; expected weight [K, 3, ..] "
        "with K a multiple of groups");
  wrong("ranks", plain, {uniform({1, 3, 5, 5}), uniform({4, 3, 3})},
        "[conv] x has shape [1, 3, 5, 5] and weight [4, 3, 3]; expected equal numbers of "
        "dimensions");
  wrong("too_large", plain, {uniform({1, 1, 2, 5}), uniform({1, 1, 3, 3})},
        "[conv] the kernel [3, 3] with dilation [1, 1] does not fit into x [1, 1, 2, 5] with "
        "padding [0, 0] and [0, 0]; expected a kernel that covers at most the padded size");
  wrong("bias", plain, {uniform({1, 1, 5, 5}), uniform({2, 1, 3, 3}), uniform({3})},
        "[conv] bias has shape [3]; expected [2], an entry for each channel of the result");
  wrong("attributes", {{1}, {0, 0}, {0, 0}, {1, 1}, 1},
        {uniform({1, 1, 5, 5}), uniform({2, 1, 3, 3})},
        "[conv] stride [1]; expected 2 numbers from 1 to 1073741824");
  wrong("no_step", {{1, 0}, {0, 0}, {0, 0}, {1, 1}, 1},
        {uniform({1, 1, 5, 5}), uniform({2, 1, 3, 3})}, "[conv] stride [1, 0]; expected");
  wrong("groups_wrong", {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 2},
        {uniform({1, 2, 5, 5}), uniform({3, 1, 3, 3})}, "groups 2; expected weight [K, 1, ..]");
  wrong("no_groups", {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 0},
        {uniform({1, 2, 5, 5}), uniform({3, 2, 3, 3})}, "[conv] groups 0; expected 1 or more");
  wrong("dtypes", plain, {uniform({1, 1, 5, 5}), uniform({2, 1, 3, 3}).as(kFloat64)}, "[conv]");
  wrong("flat", plain, {uniform({3, 5}), uniform({3, 5})}, "[conv] x has shape [3, 5]; expected");
  return list;
}

std::vector<OpSample> samples_ConvTranspose() {
  std::vector<OpSample> list;
  for (const Case& s : cases()) {
    op::ConvTranspose op{s.stride, s.before, s.after, s.dilation, {}, s.groups};
    const Shape y = out_of(s);
    for (int d = 0; d + 2 < y.rank(); ++d)
      op.output_padding.push_back(s.x[d + 2] -
                                  ((y[d + 2] - 1) * s.stride[d] - s.before[d] - s.after[d] +
                                   s.dilation[d] * (s.weight[d + 2] - 1) + 1));
    list.push_back(
        tuned(sample(s.name, op, {uniform(y), uniform(s.weight)}, transpose_of(op)), s.large));
    if (s.name == std::string("image_steps") || s.name == std::string("groups") || s.large)
      list.push_back(
          tuned(sample(std::string(s.name) + "_bias", op,
                       {uniform(y), uniform(s.weight), uniform({s.x[1]})}, transpose_of(op)),
                s.large));
  }
  const op::ConvTranspose wide{{1}, {0}, {0}, {3}, {2}, 1};
  list.push_back(tuned(sample("output_padding_beyond_the_stride", wide,
                              {uniform({1, 2, 4}), uniform({2, 3, 2})}, transpose_of(wide)),
                       false));
  const op::ConvTranspose plain{{1, 1}, {0, 0}, {0, 0}, {1, 1}, {0, 0}, 1};
  list.push_back(fails("channels", plain, {uniform({1, 3, 5, 5}), uniform({4, 2, 3, 3})},
                       "[conv_transpose] x has 3 channels, weight is [4, 2, 3, 3] and groups 1; "
                       "expected weight [3, K, ..]"));
  list.push_back(fails("too_much_padding", op::ConvTranspose{{1}, {3}, {2}, {1}, {0}, 1},
                       {uniform({1, 1, 3}), uniform({1, 1, 3})},
                       "[conv_transpose] x [1, 1, 3] gives a result of size 0 in spatial dimension "
                       "0; expected a size of at least 1; pad less"));
  list.push_back(fails("bias", plain, {uniform({1, 2, 5, 5}), uniform({2, 3, 3, 3}), uniform({2})},
                       "[conv_transpose] bias has shape [2]; expected [3]"));
  return list;
}

std::vector<OpSample> samples_ConvWeight() {
  std::vector<OpSample> list;
  for (const Case& s : cases()) {
    const Shape kernel(s.weight.data() + 2, s.weight.rank() - 2);
    const op::ConvWeight op{kernel, s.stride, s.before, s.after, s.dilation, s.groups};
    list.push_back(
        tuned(sample(s.name, op, {uniform(s.x), uniform(out_of(s))}, weight_of(op)), s.large));
  }
  const op::ConvWeight plain{{3}, {1}, {0}, {0}, {1}, 1};
  list.push_back(fails("shape", plain, {uniform({1, 2, 5}), uniform({1, 2, 4})},
                       "[conv_weight] x has shape [1, 2, 5], g [1, 2, 4] and groups 1; expected g "
                       "[1, 2, 3]"));
  return list;
}

}  // namespace catena::test
