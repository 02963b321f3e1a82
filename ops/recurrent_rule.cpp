#include "catena/ops/recurrent_rule.hpp"

#include <deque>
#include <string>

#include "catena/ops/composite.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena::detail {
namespace {

std::string name_of_input(const InferContext& c, int i) {
  std::string name = c.op().inputs.names[i];
  if (name.back() == '?') name.pop_back();
  return name;
}

}  // namespace

RecurrentSizes check_sequence(const InferContext& c, int weight_ih, int gates) {
  if (!is_floating(c.dtype(0))) c.fail(not_floating("x", c.dtype(0)));
  const Shape& x = c.shape(0);
  if (x.rank() != 3 || x[0] == 0)
    c.fail(fmt::format("x has shape {}; expected [T, N, I], T >= 1 steps of a batch of N",
                       to_string(x)));
  const Shape& weight = c.shape(weight_ih);
  if (weight.rank() != 2 || weight[0] == 0 || weight[0] % gates != 0 || weight[1] != x[2])
    c.fail(fmt::format("weight_ih has shape {}; expected [{}H, {}] for x {}", to_string(weight),
                       gates == 1 ? "" : fmt::format("{} ", gates), x[2], to_string(x)));
  const RecurrentSizes sizes{x[0], x[1], x[2], weight[0] / gates};
  expect_input(c, weight_ih, weight);
  return sizes;
}

void expect_input(const InferContext& c, int i, const Shape& shape) {
  const std::string name = name_of_input(c, i);
  if (c.shape(i) != shape)
    c.fail(fmt::format("{} has shape {}; expected {} for x {}", name, to_string(c.shape(i)),
                       to_string(shape), to_string(c.shape(0))));
  if (c.dtype(i) != c.dtype(0))
    c.fail(fmt::format("{} is {} but x is {}; expected equal dtypes; convert one with to(dtype)",
                       name, name_of(c.dtype(i)), name_of(c.dtype(0))));
}

void expect_lengths(const InferContext& c, int i, std::int64_t batch) {
  if (i >= c.num_inputs()) return;
  if (c.shape(i) != Shape{batch} || c.dtype(i) != kInt64)
    c.fail(fmt::format("lengths is {} {}; expected int64 [{}], a length for each sequence",
                       name_of(c.dtype(i)), to_string(c.shape(i)), batch));
}

Tensor masked_sequence(const Tensor& x, const Tensor& lengths) {
  if (!lengths.defined()) return x;
  const Tensor steps = arange(x.shape()[0]).to(x.device());
  const Tensor counts =
      less(reshape(steps, {x.shape()[0], 1, 1}), reshape(lengths, {1, lengths.numel(), 1}));
  return where(counts, x, 0);
}

std::vector<Tensor> unroll(const Tensor& projected, std::vector<Tensor> state,
                           const Tensor& lengths, bool reverse, const RecurrentStep& step) {
  const std::int64_t steps = projected.shape()[0];
  std::vector<Tensor> ys(static_cast<std::size_t>(steps));
  const Tensor column = lengths.defined() ? reshape(lengths, {lengths.numel(), 1}) : lengths;
  for (std::int64_t s = 0; s < steps; ++s) {
    const std::int64_t t = reverse ? steps - 1 - s : s;
    std::vector<Tensor> next = step(select(projected, 0, t), state);
    Tensor& y = ys[static_cast<std::size_t>(t)];
    y = next[0];
    if (column.defined()) {
      const Tensor counts = column > t;
      y = where(counts, y, 0);
      for (std::size_t k = 0; k < state.size(); ++k) next[k] = where(counts, next[k], state[k]);
    }
    state = std::move(next);
  }
  std::vector<Tensor> outputs{stack(ys)};
  for (Tensor& part : state) outputs.push_back(std::move(part));
  return outputs;
}

Shape batch_of(const Operand& x) {
  return x.impl() && x.impl()->shape.rank() == 3 ? Shape{x.impl()->shape[1]} : Shape();
}

Shape hidden_of(const Tensor& weight, int gates) {
  return weight.defined() && weight.rank() == 2 ? Shape{weight.shape()[0] / gates} : Shape();
}

Shape joined(const Shape& a, const Shape& b) {
  Shape shape = a;
  for (const std::int64_t size : b) shape.push_back(size);
  return shape;
}

Tensor or_zeros(const Tensor& given, const Shape& shape, const Operand& x) {
  if (given.defined() || !x.impl()) return given;
  const TensorOptions like{x.impl()->dtype, x.impl()->device};
  if (shape.rank() < 2) return zeros(shape, like);
  // Expanded, so that a trace for any N can be made.
  return expand(zeros({1, shape[1]}, like), shape);
}

std::vector<Tensor> call_recurrent(const OpInfo& info, const void* op, Operand& x,
                                   std::initializer_list<Tensor> others) {
  std::deque<Operand> operands;
  std::vector<Operand*> list{&x};
  for (const Tensor& t : others)
    if (t.defined() || static_cast<int>(list.size()) < info.min_inputs())
      list.push_back(&operands.emplace_back(t, x.location()));
  return dispatch_multi(info, op, list.data(), static_cast<int>(list.size()), x.location());
}

Tensor affine(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return bias.defined() ? linear(x, weight, bias) : linear(x, weight);
}

}  // namespace catena::detail
