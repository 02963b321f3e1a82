#include "catena/ops/random.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "catena/ops/random_formulas.hpp"

namespace catena {
namespace {

std::uint64_t count_of(const Shape& shape) {
  const std::int64_t n = shape.numel();
  return n > 0 ? static_cast<std::uint64_t>(n) : 0;
}

void check_result(InferContext& c, const Shape& shape, DType dtype) {
  for (const std::int64_t size : shape)
    if (size < 0) c.fail(fmt::format("shape {}; expected sizes from 0", to_string(shape)));
  if (!kFloatTypes.contains(dtype))
    c.fail(fmt::format("dtype {}; expected float32 or float64; convert the result with to(dtype)",
                       name_of(dtype)));
}

template <class Op>
Tensor drawn(Op op, TensorOptions options, const std::source_location& loc) {
  checked_numel(op.shape);
  op.draw(0);
  Tensor t = detail::dispatch(op_info<Op>(), &op, nullptr, 0, loc);
  if (!options.device.is_cpu()) t = t.to(options.device, loc);
  if (options.requires_grad) t.set_requires_grad(true, loc);
  return t;
}

}  // namespace

namespace op {

void Dropout::infer(InferContext& c) const {
  if (!(p >= 0 && p <= 1)) c.fail(fmt::format("p = {}; expected 0 <= p <= 1", p));
  c.expect_dtype(0, kFloatTypes, "float32 or float64");
  c.output(c.shape(0), c.dtype(0));
}
void Dropout::vjp(VjpContext& c) const {
  // The same counters give the same mask.
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(*this, g));
}
void Dropout::draw(std::int64_t numel) {
  state = reserve_random(static_cast<std::uint64_t>(numel));
}

void RandomUniform::infer(InferContext& c) const {
  check_result(c, shape, dtype);
  const double largest =
      dtype == kFloat32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  if (!(std::abs(low) <= largest && std::abs(high) <= largest && low <= high &&
        high - low <= largest))
    c.fail(
        fmt::format("low = {}, high = {}; expected low <= high, finite and a finite way apart "
                    "as {}",
                    low, high, name_of(dtype)));
  c.output(shape, dtype, kCpu);
}
void RandomUniform::draw(std::int64_t) {
  state = reserve_random(formulas::uniform_numbers(count_of(shape), dtype == kFloat64));
}

void RandomNormal::infer(InferContext& c) const {
  check_result(c, shape, dtype);
  if (!std::isfinite(mean) || !std::isfinite(stddev) || stddev < 0)
    c.fail(fmt::format("mean = {}, stddev = {}; expected finite, stddev from 0", mean, stddev));
  c.output(shape, dtype, kCpu);
}
void RandomNormal::draw(std::int64_t) {
  state = reserve_random(formulas::normal_numbers(count_of(shape), dtype == kFloat64));
}

}  // namespace op

Tensor dropout(Operand x, double p, bool training) {
  if (!(p >= 0 && p <= 1))
    throw_argument(OpName<op::Dropout>::value, fmt::format("p = {}; expected 0 <= p <= 1", p),
                   x.location());
  if (x.impl() && (!training || p == 0)) return x.tensor();
  op::Dropout op{p, {}};
  if (x.impl()) op.draw(x.impl()->numel);
  return detail::call_op(op, x);
}

Tensor random_uniform(const Shape& shape, double low, double high, TensorOptions options,
                      std::source_location loc) {
  return drawn(op::RandomUniform{shape, low, high, options.dtype, {}}, options, loc);
}
Tensor random_normal(const Shape& shape, double mean, double stddev, TensorOptions options,
                     std::source_location loc) {
  return drawn(op::RandomNormal{shape, mean, stddev, options.dtype, {}}, options, loc);
}
Tensor rand(const Shape& shape, TensorOptions options, std::source_location loc) {
  return random_uniform(shape, 0, 1, options, loc);
}
Tensor randn(const Shape& shape, TensorOptions options, std::source_location loc) {
  return random_normal(shape, 0, 1, options, loc);
}
Tensor rand_like(const Tensor& t, std::source_location loc) {
  if (!t.defined())
    throw_argument("rand_like", "t is an undefined tensor; give it a value first", loc);
  return rand(t.shape(), {t.dtype(), t.device()}, loc);
}
Tensor randn_like(const Tensor& t, std::source_location loc) {
  if (!t.defined())
    throw_argument("randn_like", "t is an undefined tensor; give it a value first", loc);
  return randn(t.shape(), {t.dtype(), t.device()}, loc);
}

}  // namespace catena
