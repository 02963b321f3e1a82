#include "catena/ops/unfold.hpp"

#include <algorithm>

#include "catena/ops/composite.hpp"

namespace catena {
namespace {

std::string name_at(const char* what, const Shape& given, int dims) {
  return fmt::format("{} is {}; expected 1 number or {}, one per dimension behind the channels",
                     what, to_string(given), dims);
}

// The number of windows over each of the dimensions `sizes`.
template <class Op>
Shape windows(InferContext& c, const Op& op, const Shape& sizes) {
  const int dims = sizes.rank();
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  const auto check = [&](const char* what, const Shape& given, std::int64_t least) {
    if (given.rank() != 1 && given.rank() != dims) c.fail(name_at(what, given, dims));
    for (const std::int64_t n : given)
      if (n < least || n > kMost)
        c.fail(fmt::format("{} is {}; expected {} or more", what, to_string(given), least));
  };
  check("kernel_size", op.kernel_size, 1);
  check("dilation", op.dilation, 1);
  check("padding", op.padding, 0);
  check("stride", op.stride, 1);
  const auto at = [](const Shape& given, int d) { return given[given.rank() == 1 ? 0 : d]; };
  Shape count;
  for (int d = 0; d < dims; ++d) {
    const std::int64_t reach = at(op.dilation, d) * (at(op.kernel_size, d) - 1) + 1;
    const std::int64_t padded = sizes[d] + 2 * at(op.padding, d);
    if (reach > padded)
      c.fail(
          fmt::format("dimension {} of {} entries, {} with padding, is smaller than the {} a "
                      "window takes up; expected a smaller kernel_size or dilation",
                      d + 2, sizes[d], padded, reach));
    count.push_back((padded - reach) / at(op.stride, d) + 1);
  }
  return count;
}

std::int64_t window_entries(const Shape& kernel_size, int dims) {
  Shape window;
  for (int d = 0; d < dims; ++d) window.push_back(kernel_size[kernel_size.rank() == 1 ? 0 : d]);
  return checked_numel(window);
}

}  // namespace

namespace op {

void Unfold::infer(InferContext& c) const {
  const Shape& x = c.shape(0);
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
  if (x.rank() < 3)
    c.fail(fmt::format("x has shape {}; expected [N, C, L] or [N, C, ...]", to_string(x)));
  Shape sizes;
  for (int d = 2; d < x.rank(); ++d) sizes.push_back(x[d]);
  const Shape count = windows(c, *this, sizes);
  const std::int64_t entries = window_entries(kernel_size, sizes.rank());
  c.output({x[0], checked_numel({x[1], entries}), checked_numel(count)}, c.dtype(0));
}

void Unfold::vjp(VjpContext& c) const {
  const Shape& x = c.input_shape(0);
  Shape sizes;
  for (int d = 2; d < x.rank(); ++d) sizes.push_back(x[d]);
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(Fold{sizes, kernel_size, dilation, padding, stride}, g));
}

void Fold::infer(InferContext& c) const {
  const Shape& x = c.shape(0);
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
  if (output_size.rank() < 1 || output_size.rank() > kMaxRank - 2)
    c.fail(fmt::format("output_size is {}; expected 1 to {} sizes", to_string(output_size),
                       kMaxRank - 2));
  for (const std::int64_t size : output_size)
    if (size < 0)
      c.fail(fmt::format("output_size is {}; expected 0 or more", to_string(output_size)));
  const Shape count = windows(c, *this, output_size);
  const std::int64_t entries = window_entries(kernel_size, output_size.rank());
  if (x.rank() != 3 || x[1] % entries != 0 || x[2] != checked_numel(count))
    c.fail(fmt::format("x has shape {}; expected [N, {} C, {}] for windows of {} over {}",
                       to_string(x), entries, checked_numel(count), to_string(kernel_size),
                       to_string(output_size)));
  Shape y{x[0], x[1] / entries};
  for (const std::int64_t size : output_size) y.push_back(size);
  c.output(y, c.dtype(0));
}

void Fold::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(Unfold{kernel_size, dilation, padding, stride}, g));
}

}  // namespace op

namespace {

// Numbers for `dims` dimensions into the attributes of the op.
template <class Op>
void set_windows(Op* op, int dims, const Sizes& kernel_size, const Sizes& dilation,
                 const Sizes& padding, const Sizes& stride, const std::source_location& location) {
  const char* name = OpName<Op>::value;
  op->kernel_size = kernel_size.of(dims, name, "kernel_size", 1, location);
  op->dilation = dilation.of(dims, name, "dilation", 1, location);
  op->padding = padding.of(dims, name, "padding", 0, location);
  op->stride = stride.of(dims, name, "stride", 1, location);
}

}  // namespace

Tensor unfold(Operand x, const Sizes& kernel_size, const Sizes& dilation, const Sizes& padding,
              const Sizes& stride) {
  const int rank = x.impl() ? x.impl()->shape.rank() : 3;
  op::Unfold op;
  set_windows(&op, std::max(1, rank - 2), kernel_size, dilation, padding, stride, x.location());
  return detail::call_op(op, x);
}
Tensor fold(Operand x, const Shape& output_size, const Sizes& kernel_size, const Sizes& dilation,
            const Sizes& padding, const Sizes& stride) {
  op::Fold op{output_size};
  set_windows(&op, std::max(1, output_size.rank()), kernel_size, dilation, padding, stride,
              x.location());
  return detail::call_op(op, x);
}

}  // namespace catena
