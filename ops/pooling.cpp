#include "catena/ops/pooling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/gather.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

// No attribute is larger, so that sizes computed with them do not overflow.
constexpr std::int64_t kMost = 1 << 30;

void check_input(const InferContext& c) {
  const Shape& x = c.shape(0);
  if (x.rank() < 3 || x.rank() > 5)
    c.fail(fmt::format("x has shape {}; expected [N, C, ..] with one to three spatial dimensions",
                       to_string(x)));
  for (int d = 2; d < x.rank(); ++d)
    if (x[d] < 1)
      c.fail(fmt::format("x has shape {}; expected spatial sizes of at least 1", to_string(x)));
}

void check_numbers(const InferContext& c, const char* what, const Shape& given,
                   std::int64_t least) {
  const int count = c.rank(0) - 2;
  if (given.rank() != count || std::any_of(given.begin(), given.end(),
                                           [&](std::int64_t v) { return v < least || v > kMost; }))
    c.fail(fmt::format("{} {}; expected {} numbers from {} to {}", what, to_string(given), count,
                       least, kMost));
}

// x with other spatial sizes.
Shape with_spatial(const Shape& x, const Shape& spatial) {
  Shape shape{x[0], x[1]};
  for (const std::int64_t size : spatial) shape.push_back(size);
  return shape;
}
Shape spatial_of(const Shape& x) { return Shape(x.data() + 2, x.rank() - 2); }

// Whether every window holds an entry of x, which a dilation may leap over.
bool reaches(std::int64_t start, std::int64_t kernel, std::int64_t dilation, std::int64_t size) {
  const std::int64_t skipped = start < 0 ? (-start + dilation - 1) / dilation : 0;
  return skipped < kernel && start + skipped * dilation < size;
}

// The spatial sizes of the result for an x of sizes `size`.
Shape windows(const InferContext& c, const Shape& size, const Shape& kernel, const Shape& stride,
              const Shape& before, const Shape& after, const Shape& dilation, bool ceil_mode) {
  check_numbers(c, "kernel", kernel, 1);
  check_numbers(c, "stride", stride, 1);
  check_numbers(c, "padding_before", before, 0);
  check_numbers(c, "padding_after", after, 0);
  check_numbers(c, "dilation", dilation, 1);
  Shape out;
  for (int d = 0; d < size.rank(); ++d) {
    const std::int64_t reach = dilation[d] * (kernel[d] - 1) + 1;
    if (std::max(before[d], after[d]) > reach / 2)
      c.fail(fmt::format("padding {} and {} of kernel {}; expected at most half of the window",
                         to_string(before), to_string(after), to_string(kernel)));
    const std::int64_t room = size[d] + before[d] + after[d] - reach;
    std::int64_t count = room < 0 ? 0 : room / stride[d] + 1;
    // What is left over makes one more window that begins within x or in front of it.
    if (ceil_mode && room >= 0 && room % stride[d] != 0 && count * stride[d] < size[d] + before[d])
      ++count;
    if (count < 1)
      c.fail(
          fmt::format("the window {} with dilation {} does not fit into sizes {} with padding {} "
                      "and {}; expected one that covers at most the padded size",
                      to_string(kernel), to_string(dilation), to_string(size), to_string(before),
                      to_string(after)));
    for (std::int64_t o = 0; dilation[d] > 1 && o < count; ++o)
      if (!reaches(o * stride[d] - before[d], kernel[d], dilation[d], size[d]))
        c.fail(
            fmt::format("window {} of dimension {} holds no entry of x {}; expected a smaller "
                        "dilation or padding",
                        o, d + 2, to_string(c.shape(0))));
    out.push_back(count);
  }
  return out;
}

Shape ones_like(const Shape& shape) { return Shape::filled(shape.rank(), 1); }

// Of the ops that take the largest entries: the gradient goes to where those were.
void give_back(VjpContext& c) {
  const Shape x = c.input_shape(0);
  const Tensor g = c.grad();
  const std::int64_t planes = x[0] * x[1], size = spatial_of(x).numel();
  const std::int64_t taken = spatial_of(g.shape()).numel();
  const Shape flat{planes, taken};
  const Tensor zero = zeros({planes, size}, {g.dtype(), g.device()});
  c.accumulate(0, reshape(scatter_add(zero, 1, reshape(c.output(1), flat), reshape(g, flat)), x));
}

}  // namespace

namespace op {

void MaxPool::infer(InferContext& c) const {
  check_input(c);
  const Shape& x = c.shape(0);
  const Shape out = with_spatial(x, windows(c, spatial_of(x), kernel, stride, padding_before,
                                            padding_after, dilation, ceil_mode));
  c.output(out, c.dtype(0));
  c.output(out, kInt64);
}
void MaxPool::vjp(VjpContext& c) const { give_back(c); }

void AdaptiveMaxPool::infer(InferContext& c) const {
  check_input(c);
  check_numbers(c, "output", output, 1);
  c.output(with_spatial(c.shape(0), output), c.dtype(0));
  c.output(with_spatial(c.shape(0), output), kInt64);
}
void AdaptiveMaxPool::vjp(VjpContext& c) const { give_back(c); }

void AvgPool::infer(InferContext& c) const {
  check_input(c);
  if (divisor < 0) c.fail(fmt::format("divisor {}; expected 0 or more", divisor));
  const Shape& x = c.shape(0);
  c.output(with_spatial(x, windows(c, spatial_of(x), kernel, stride, padding_before, padding_after,
                                   ones_like(kernel), ceil_mode)),
           c.dtype(0));
}
void AvgPool::vjp(VjpContext& c) const {
  const AvgPoolAdjoint adjoint{spatial_of(c.input_shape(0)),
                               kernel,
                               stride,
                               padding_before,
                               padding_after,
                               ceil_mode,
                               count_include_pad,
                               divisor};
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(adjoint, g));
}

void AvgPoolAdjoint::infer(InferContext& c) const {
  check_input(c);
  check_numbers(c, "size", size, 1);
  if (divisor < 0) c.fail(fmt::format("divisor {}; expected 0 or more", divisor));
  const Shape expected =
      windows(c, size, kernel, stride, padding_before, padding_after, ones_like(kernel), ceil_mode);
  if (spatial_of(c.shape(0)) != expected)
    c.fail(fmt::format("x has shape {}; expected spatial sizes {} for size {}",
                       to_string(c.shape(0)), to_string(expected), to_string(size)));
  c.output(with_spatial(c.shape(0), size), c.dtype(0));
}
void AvgPoolAdjoint::vjp(VjpContext& c) const {
  const AvgPool pool{kernel, stride, padding_before, padding_after, ceil_mode, count_include_pad,
                     divisor};
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(pool, g));
}

void AdaptiveAvgPool::infer(InferContext& c) const {
  check_input(c);
  check_numbers(c, "output", output, 1);
  c.output(with_spatial(c.shape(0), output), c.dtype(0));
}
void AdaptiveAvgPool::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(AdaptiveAvgPoolAdjoint{spatial_of(c.input_shape(0))}, g));
}

void AdaptiveAvgPoolAdjoint::infer(InferContext& c) const {
  check_input(c);
  check_numbers(c, "size", size, 1);
  c.output(with_spatial(c.shape(0), size), c.dtype(0));
}
void AdaptiveAvgPoolAdjoint::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(AdaptiveAvgPool{spatial_of(c.input_shape(0))}, g));
}

}  // namespace op

namespace {

// x with a batch of one where it has none.
Tensor batched(const Operand& x, int spatial, const char* op) {
  const Tensor t = x.tensor();
  if (!t.defined())
    throw_argument(op, "x is an undefined tensor; give it a value first", x.location());
  if (t.rank() != spatial + 1 && t.rank() != spatial + 2)
    throw_argument(op,
                   fmt::format("{}d: x has shape {}; expected {} dimensions, or {} without a batch",
                               spatial, to_string(t.shape()), spatial + 2, spatial + 1),
                   x.location());
  return t.rank() == spatial + 1 ? unsqueeze(Operand(t, x.location()), 0) : t;
}

// All outputs of `op` for x, without a batch where x has none.
template <class Op>
std::vector<Tensor> call_on_batch(const Op& op, const Operand& x, int spatial) {
  const std::source_location& location = x.location();
  const bool single = x.tensor().rank() == spatial + 1;
  Operand a(batched(x, spatial, OpName<Op>::value), location);
  Operand* list[] = {&a};
  std::vector<Tensor> out = detail::dispatch_multi(op_info<Op>(), &op, list, 1, location);
  for (Tensor& t : out)
    if (single) t = squeeze(Operand(t, location), 0);
  return out;
}

// The stride given, or the kernel.
Shape stride_of(const Sizes& stride, const Shape& kernel, const char* op,
                const std::source_location& location) {
  Shape out = stride.of(kernel.rank(), op, "stride", 0, location);
  for (int d = 0; d < out.rank(); ++d)
    if (out[d] == 0) out[d] = kernel[d];
  return out;
}

Pooled max_pool(int spatial, const Operand& x, const Sizes& kernel, const MaxPoolOptions& o) {
  const char* name = OpName<op::MaxPool>::value;
  const std::source_location& at = x.location();
  const Shape window = kernel.of(spatial, name, "kernel", 1, at);
  const Shape padding = o.padding.of(spatial, name, "padding", 0, at);
  const op::MaxPool op{window,  stride_of(o.stride, window, name, at),           padding,
                       padding, o.dilation.of(spatial, name, "dilation", 1, at), o.ceil_mode};
  std::vector<Tensor> out = call_on_batch(op, x, spatial);
  return {std::move(out[0]), std::move(out[1])};
}

Tensor avg_pool(int spatial, const Operand& x, const Sizes& kernel, const AvgPoolOptions& o) {
  const char* name = OpName<op::AvgPool>::value;
  const std::source_location& at = x.location();
  const Shape window = kernel.of(spatial, name, "kernel", 1, at);
  const Shape padding = o.padding.of(spatial, name, "padding", 0, at);
  const op::AvgPool op{window,
                       stride_of(o.stride, window, name, at),
                       padding,
                       padding,
                       o.ceil_mode,
                       o.count_include_pad,
                       o.divisor_override};
  return std::move(call_on_batch(op, x, spatial).front());
}

template <class Op>
Tensor adaptive(int spatial, const Operand& x, const Sizes& output) {
  const Op op{output.of(spatial, OpName<Op>::value, "output", 1, x.location())};
  return std::move(call_on_batch(op, x, spatial).front());
}

// The root of 0 has no derivative; the gradient is 0 there.
Tensor lp_pool(int spatial, Operand& x, double p, const Sizes& kernel, const LpPoolOptions& o) {
  const std::source_location at = x.location();
  const char* name = OpName<op::AvgPool>::value;
  if (!(p > 0)) throw_argument("lp_pool", fmt::format("p = {}; expected p > 0", p), at);
  const CallSite site(at);
  const double entries = static_cast<double>(kernel.of(spatial, name, "kernel", 1, at).numel());
  const Tensor powers = pow(x.tensor(), p);
  const Tensor sum = avg_pool(spatial, Operand(powers, at), kernel,
                              {.stride = o.stride, .ceil_mode = o.ceil_mode}) *
                     entries;
  const Tensor is_zero = sum == 0;
  return where(is_zero, 0, pow(where(is_zero, 1, sum), 1 / p));
}

}  // namespace

Tensor max_pool1d(Operand x, const Sizes& kernel, const MaxPoolOptions& options) {
  return max_pool(1, x, kernel, options).values;
}
Tensor max_pool2d(Operand x, const Sizes& kernel, const MaxPoolOptions& options) {
  return max_pool(2, x, kernel, options).values;
}
Tensor max_pool3d(Operand x, const Sizes& kernel, const MaxPoolOptions& options) {
  return max_pool(3, x, kernel, options).values;
}
Pooled max_pool1d_with_indices(Operand x, const Sizes& kernel, const MaxPoolOptions& options) {
  return max_pool(1, x, kernel, options);
}
Pooled max_pool2d_with_indices(Operand x, const Sizes& kernel, const MaxPoolOptions& options) {
  return max_pool(2, x, kernel, options);
}
Pooled max_pool3d_with_indices(Operand x, const Sizes& kernel, const MaxPoolOptions& options) {
  return max_pool(3, x, kernel, options);
}
Tensor avg_pool1d(Operand x, const Sizes& kernel, const AvgPoolOptions& options) {
  return avg_pool(1, x, kernel, options);
}
Tensor avg_pool2d(Operand x, const Sizes& kernel, const AvgPoolOptions& options) {
  return avg_pool(2, x, kernel, options);
}
Tensor avg_pool3d(Operand x, const Sizes& kernel, const AvgPoolOptions& options) {
  return avg_pool(3, x, kernel, options);
}
Tensor adaptive_max_pool1d(Operand x, const Sizes& output) {
  return adaptive<op::AdaptiveMaxPool>(1, x, output);
}
Tensor adaptive_max_pool2d(Operand x, const Sizes& output) {
  return adaptive<op::AdaptiveMaxPool>(2, x, output);
}
Tensor adaptive_max_pool3d(Operand x, const Sizes& output) {
  return adaptive<op::AdaptiveMaxPool>(3, x, output);
}
Tensor adaptive_avg_pool1d(Operand x, const Sizes& output) {
  return adaptive<op::AdaptiveAvgPool>(1, x, output);
}
Tensor adaptive_avg_pool2d(Operand x, const Sizes& output) {
  return adaptive<op::AdaptiveAvgPool>(2, x, output);
}
Tensor adaptive_avg_pool3d(Operand x, const Sizes& output) {
  return adaptive<op::AdaptiveAvgPool>(3, x, output);
}
Tensor lp_pool1d(Operand x, double p, const Sizes& kernel, const LpPoolOptions& options) {
  return lp_pool(1, x, p, kernel, options);
}
Tensor lp_pool2d(Operand x, double p, const Sizes& kernel, const LpPoolOptions& options) {
  return lp_pool(2, x, p, kernel, options);
}
Tensor lp_pool3d(Operand x, double p, const Sizes& kernel, const LpPoolOptions& options) {
  return lp_pool(3, x, p, kernel, options);
}

}  // namespace catena
