#include "catena/ops/local_response_norm.hpp"

#include <algorithm>

#include "catena/ops/elementwise.hpp"
#include "catena/ops/normalization_rules.hpp"
#include "catena/ops/pad.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace {

// y[c] = the sum of x[j] over the channels c - before <= j <= c + after.
Tensor channel_sums(const Tensor& x, std::int64_t before, std::int64_t after) {
  const std::int64_t channels = x.shape()[1];
  before = std::min(before, channels);
  after = std::min(after, channels);
  std::vector<PadPair> border(static_cast<std::size_t>(x.rank()));
  border[1] = {before, after};
  const Tensor wide = pad(x, border);
  Tensor total;
  for (std::int64_t j = 0; j <= before + after; ++j) {
    const Tensor part = slice(wide, 1, j, j + channels);
    total = total.defined() ? total + part : part;
  }
  return total;
}

}  // namespace

namespace op {

void LocalResponseNorm::infer(InferContext& c) const {
  detail::expect_floating(c);
  if (c.rank(0) < 3)
    c.fail(fmt::format("x has shape {}; expected [N, C, L] or [N, C, ...]", to_string(c.shape(0))));
  if (size < 1) c.fail(fmt::format("size is {}; expected 1 or more channels", size));
  c.output(c.shape(0), c.dtype(0));
}

// With d = k + alpha / size sum x^2:
//   dx = g d^-beta - 2 alpha beta / size x sum(g x d^(-beta - 1)), over the channels whose
// neighbourhood x is in.
void LocalResponseNorm::vjp(VjpContext& c) const {
  const Tensor x = c.input(0), g = c.grad();
  const std::int64_t before = size / 2, after = (size - 1) / 2;
  const double share = alpha / static_cast<double>(size);
  const Tensor d = channel_sums(x * x, before, after) * share + k;
  const Tensor factor = pow(d, -beta);
  const Tensor spread = channel_sums(g * x * factor / d, after, before);
  c.accumulate(0, g * factor - x * spread * (2 * beta * share));
}

}  // namespace op

Tensor local_response_norm(Operand x, std::int64_t size, double alpha, double beta, double k) {
  return detail::call_op(op::LocalResponseNorm{size, alpha, beta, k}, x);
}

}  // namespace catena
