#include "catena/ops/convolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

// The sizes behind the first two.
Shape spatial_of(const Shape& shape) { return Shape(shape.data() + 2, shape.rank() - 2); }

Shape with_spatial(std::int64_t first, std::int64_t second, const Shape& spatial) {
  Shape shape{first, second};
  for (const std::int64_t size : spatial) shape.push_back(size);
  return shape;
}

// No attribute is larger, so that sizes computed with them do not overflow.
constexpr std::int64_t kMost = 1 << 30;

// What the three ops have in common, seen from the convolution.
struct Window {
  const Shape &stride, &before, &after, &dilation;
};

void check(InferContext& c, const Window& w, const Shape& kernel, std::int64_t groups, int rank) {
  if (rank < 3 || rank > 5)
    c.fail(fmt::format("x has shape {}; expected [N, C, ..] with one to three spatial dimensions",
                       to_string(c.shape(0))));
  const auto expect = [&](const char* what, const Shape& given, std::int64_t least) {
    if (given.rank() != rank - 2 || std::any_of(given.begin(), given.end(), [&](std::int64_t v) {
          return v < least || v > kMost;
        }))
      c.fail(fmt::format("{} {}; expected {} numbers from {} to {}", what, to_string(given),
                         rank - 2, least, kMost));
  };
  expect("kernel", kernel, 1);
  expect("stride", w.stride, 1);
  expect("padding_before", w.before, -kMost);
  expect("padding_after", w.after, -kMost);
  expect("dilation", w.dilation, 1);
  if (groups < 1) c.fail(fmt::format("groups {}; expected 1 or more", groups));
  for (int i = 1; i < c.num_inputs(); ++i) c.expect_same_dtype(0, i);
}

// Entries of a line that the kernel covers.
std::int64_t reach(const Window& w, const Shape& kernel, int d) {
  return w.dilation[d] * (kernel[d] - 1) + 1;
}

// Sizes of the result of a convolution; fails where the kernel does not fit.
Shape convolved(InferContext& c, const Window& w, const Shape& x, const Shape& kernel) {
  Shape out;
  for (int d = 0; d < x.rank(); ++d) {
    const std::int64_t room = x[d] + w.before[d] + w.after[d] - reach(w, kernel, d);
    if (room < 0)
      c.fail(fmt::format(
          "the kernel {} with dilation {} does not fit into x {} with padding {} and {}; expected "
          "a kernel that covers at most the padded size",
          to_string(kernel), to_string(w.dilation), to_string(c.shape(0)), to_string(w.before),
          to_string(w.after)));
    out.push_back(room / w.stride[d] + 1);
  }
  return out;
}

// Size of what a convolution turns into `y` at the least.
std::int64_t transposed(const Window& w, std::int64_t y, const Shape& kernel, int d) {
  return (y - 1) * w.stride[d] - w.before[d] - w.after[d] + reach(w, kernel, d);
}

void check_bias(InferContext& c, std::int64_t channels) {
  if (c.num_inputs() > 2 && c.shape(2) != Shape{channels})
    c.fail(fmt::format("bias has shape {}; expected [{}], an entry for each channel of the result",
                       to_string(c.shape(2)), channels));
}

Tensor call_conv(const op::Conv& op, const Tensor& x, const Tensor& weight) {
  Operand a(x), b(weight);
  return detail::call_op(op, a, b);
}
Tensor call_weight(const op::ConvWeight& op, const Tensor& x, const Tensor& g) {
  Operand a(x), b(g);
  return detail::call_op(op, a, b);
}
// The transposed convolution from y back to a spatial size of x.
Tensor call_transpose(const Window& w, std::int64_t groups, const Tensor& y, const Tensor& weight,
                      const Shape& x) {
  op::ConvTranspose op{w.stride, w.before, w.after, w.dilation, {}, groups};
  const Shape kernel = spatial_of(weight.shape());
  for (int d = 0; d < kernel.rank(); ++d)
    op.output_padding.push_back(x[d + 2] - transposed(w, y.shape()[d + 2], kernel, d));
  Operand a(y), b(weight);
  return detail::call_op(op, a, b);
}

// The sum over all dimensions but the second.
Tensor sum_per_channel(const Tensor& g) {
  Shape over{0};
  for (int d = 2; d < g.rank(); ++d) over.push_back(d);
  return sum(g, over);
}

}  // namespace

namespace op {

void Conv::infer(InferContext& c) const {
  const Shape &x = c.shape(0), &weight = c.shape(1);
  if (weight.rank() != x.rank())
    c.fail(fmt::format("x has shape {} and weight {}; expected equal numbers of dimensions",
                       to_string(x), to_string(weight)));
  const Window w{stride, padding_before, padding_after, dilation};
  const Shape kernel = weight.rank() < 3 ? Shape() : spatial_of(weight);
  check(c, w, kernel, groups, x.rank());
  if (x[1] != weight[1] * groups || weight[0] % groups != 0)
    c.fail(fmt::format(
        "x has {} channels, weight is {} and groups {}; expected weight [K, {}, ..] with K a "
        "multiple of groups",
        x[1], to_string(weight), groups,
        x[1] % groups == 0 ? fmt::to_string(x[1] / groups) : std::string("C")));
  check_bias(c, weight[0]);
  c.output(with_spatial(x[0], weight[0], convolved(c, w, spatial_of(x), kernel)), c.dtype(0));
}

void Conv::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  const Window w{stride, padding_before, padding_after, dilation};
  if (c.needs(0)) c.accumulate(0, call_transpose(w, groups, g, c.input(1), c.input_shape(0)));
  if (c.needs(1))
    c.accumulate(1, call_weight({spatial_of(c.input_shape(1)), stride, padding_before,
                                 padding_after, dilation, groups},
                                c.input(0), g));
  if (c.num_inputs() > 2 && c.needs(2)) c.accumulate(2, sum_per_channel(g));
}

void ConvTranspose::infer(InferContext& c) const {
  const Shape &x = c.shape(0), &weight = c.shape(1);
  if (weight.rank() != x.rank())
    c.fail(fmt::format("x has shape {} and weight {}; expected equal numbers of dimensions",
                       to_string(x), to_string(weight)));
  const Window w{stride, padding_before, padding_after, dilation};
  const Shape kernel = weight.rank() < 3 ? Shape() : spatial_of(weight);
  check(c, w, kernel, groups, x.rank());
  if (x[1] != weight[0] || x[1] % groups != 0)
    c.fail(fmt::format(
        "x has {} channels, weight is {} and groups {}; expected weight [{}, K, ..] and channels "
        "that are a multiple of groups",
        x[1], to_string(weight), groups, x[1]));
  if (output_padding.rank() != kernel.rank())
    c.fail(fmt::format("output_padding {}; expected {} numbers", to_string(output_padding),
                       kernel.rank()));
  check_bias(c, weight[1] * groups);
  Shape out;
  for (int d = 0; d < kernel.rank(); ++d) {
    out.push_back(transposed(w, x[d + 2], kernel, d) + output_padding[d]);
    if (x[d + 2] < 1 || out[d] < 1)
      c.fail(
          fmt::format("x {} gives a result of size {} in spatial dimension {}; expected a size "
                      "of at least 1; pad less",
                      to_string(x), out[d], d));
  }
  c.output(with_spatial(x[0], weight[1] * groups, out), c.dtype(0));
}

// As seen from the convolution it is the gradient of, g is the input and x the result. What
// output_padding adds behind is cut off, so that sizes match for any stride.
void ConvTranspose::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  Shape after = padding_after;
  for (int d = 0; d < after.rank(); ++d) after[d] -= output_padding[d];
  if (c.needs(0))
    c.accumulate(0, call_conv({stride, padding_before, after, dilation, groups}, g, c.input(1)));
  if (c.needs(1))
    c.accumulate(1, call_weight({spatial_of(c.input_shape(1)), stride, padding_before, after,
                                 dilation, groups},
                                g, c.input(0)));
  if (c.num_inputs() > 2 && c.needs(2)) c.accumulate(2, sum_per_channel(g));
}

void ConvWeight::infer(InferContext& c) const {
  const Shape &x = c.shape(0), &g = c.shape(1);
  const Window w{stride, padding_before, padding_after, dilation};
  check(c, w, kernel, groups, x.rank());
  const Shape out = convolved(c, w, spatial_of(x), kernel);
  const bool fits = g.rank() == x.rank() && g[0] == x[0] && spatial_of(g) == out;
  if (!fits || x[1] % groups != 0 || g[1] % groups != 0)
    c.fail(
        fmt::format("x has shape {}, g {} and groups {}; expected g {} and channels that are "
                    "multiples of groups",
                    to_string(x), to_string(g), groups,
                    to_string(with_spatial(x[0], g.rank() > 1 ? g[1] : 1, out))));
  c.output(with_spatial(g[1], x[1] / groups, kernel), c.dtype(0));
}

// It is linear in x and in g; the incoming gradient takes the place of the weight.
void ConvWeight::vjp(VjpContext& c) const {
  const Tensor u = c.grad();
  const Window w{stride, padding_before, padding_after, dilation};
  if (c.needs(0)) c.accumulate(0, call_transpose(w, groups, c.input(1), u, c.input_shape(0)));
  if (c.needs(1))
    c.accumulate(
        1, call_conv({stride, padding_before, padding_after, dilation, groups}, c.input(0), u));
}

}  // namespace op

void ConvPadding::resolve(const Shape& kernel, const Shape& stride, const Shape& dilation,
                          const std::source_location& location, Shape* before, Shape* after) const {
  const char* op = OpName<op::Conv>::value;
  if (name_.empty() || name_ == "valid") {
    *before = *after = sizes_.of(kernel.rank(), op, "padding", 0, location);
    return;
  }
  if (name_ != "same")
    throw_argument(op,
                   fmt::format("padding \"{}\"; expected numbers, \"same\" or \"valid\"", name_),
                   location);
  before->resize(kernel.rank());
  after->resize(kernel.rank());
  for (int d = 0; d < kernel.rank(); ++d) {
    if (stride[d] != 1)
      throw_argument(
          op, fmt::format("padding \"same\" with stride {}; expected stride 1", to_string(stride)),
          location);
    const std::int64_t total = dilation[d] * (kernel[d] - 1);
    (*before)[d] = total / 2;
    (*after)[d] = total - total / 2;
  }
}

namespace {

// x with a batch of one where it has none; fails unless x and weight have the dimensions wanted.
Tensor batched(const Operand& x, const Tensor& weight, int spatial, const char* op) {
  const Tensor t = x.tensor();
  if (!t.defined() || !weight.defined())
    throw_argument(op,
                   fmt::format("{} is an undefined tensor; give it a value first",
                               t.defined() ? "weight" : "x"),
                   x.location());
  if ((t.rank() != spatial + 1 && t.rank() != spatial + 2) || weight.rank() != spatial + 2)
    throw_argument(
        op,
        fmt::format("{}d: x has shape {} and weight {}; expected {} dimensions in each, "
                    "or one less in x, which is then not a batch",
                    spatial, to_string(t.shape()), to_string(weight.shape()), spatial + 2),
        x.location());
  return t.rank() == spatial + 1 ? unsqueeze(Operand(t, x.location()), 0) : t;
}

template <class Op>
Tensor call_on_batch(const Op& op, Tensor x, const Tensor& weight, const Tensor& bias,
                     const Operand& given) {
  const std::source_location& location = given.location();
  const bool single = given.tensor().rank() < weight.rank();
  Operand a(std::move(x), location), b(weight, location), c(bias, location);
  Tensor y = bias.defined() ? detail::call_op(op, a, b, c) : detail::call_op(op, a, b);
  return single ? squeeze(Operand(std::move(y), location), 0) : y;
}

Tensor conv(int spatial, const Operand& x, const Tensor& weight, const Tensor& bias,
            const ConvOptions& options) {
  const char* name = OpName<op::Conv>::value;
  Tensor batch = batched(x, weight, spatial, name);
  op::Conv op;
  op.stride = options.stride.of(spatial, name, "stride", 1, x.location());
  op.dilation = options.dilation.of(spatial, name, "dilation", 1, x.location());
  options.padding.resolve(spatial_of(weight.shape()), op.stride, op.dilation, x.location(),
                          &op.padding_before, &op.padding_after);
  op.groups = options.groups;
  return call_on_batch(op, std::move(batch), weight, bias, x);
}

Tensor conv_transpose(int spatial, const Operand& x, const Tensor& weight, const Tensor& bias,
                      const ConvTransposeOptions& options) {
  const char* name = OpName<op::ConvTranspose>::value;
  Tensor batch = batched(x, weight, spatial, name);
  op::ConvTranspose op;
  op.stride = options.stride.of(spatial, name, "stride", 1, x.location());
  op.dilation = options.dilation.of(spatial, name, "dilation", 1, x.location());
  op.padding_before = options.padding.of(spatial, name, "padding", 0, x.location());
  op.padding_after = op.padding_before;
  op.output_padding = options.output_padding.of(spatial, name, "output_padding", 0, x.location());
  for (int d = 0; d < spatial; ++d)
    if (op.output_padding[d] >= std::max(op.stride[d], op.dilation[d]))
      throw_argument(
          name,
          fmt::format("output_padding {} with stride {} and dilation {}; expected less "
                      "than one of them",
                      to_string(op.output_padding), to_string(op.stride), to_string(op.dilation)),
          x.location());
  op.groups = options.groups;
  return call_on_batch(op, std::move(batch), weight, bias, x);
}

}  // namespace

Tensor conv1d(Operand x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return conv(1, x, weight, bias, options);
}
Tensor conv2d(Operand x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return conv(2, x, weight, bias, options);
}
Tensor conv3d(Operand x, const Tensor& weight, const Tensor& bias, const ConvOptions& options) {
  return conv(3, x, weight, bias, options);
}
Tensor conv_transpose1d(Operand x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return conv_transpose(1, x, weight, bias, options);
}
Tensor conv_transpose2d(Operand x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return conv_transpose(2, x, weight, bias, options);
}
Tensor conv_transpose3d(Operand x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions& options) {
  return conv_transpose(3, x, weight, bias, options);
}

}  // namespace catena
