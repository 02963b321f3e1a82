#include "catena/ops/lstm.hpp"

#include <fmt/format.h>

#include "catena/ops/composed_gradient.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/recurrent_rule.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/split.hpp"

namespace catena {
namespace {

constexpr int kGates = 4;

// From the sums that the gates are functions of; h is not projected.
LstmState next_state(const Tensor& gates, const Tensor& c) {
  const std::vector<Tensor> part = chunk(gates, kGates, -1);
  const Tensor next = sigmoid(part[1]) * c + sigmoid(part[0]) * tanh(part[2]);
  return {sigmoid(part[3]) * tanh(next), next};
}

}  // namespace

namespace op {

void Lstm::infer(InferContext& c) const {
  const auto [steps, batch, input, hidden] = detail::check_sequence(c, 3, kGates);
  std::int64_t size = hidden;
  if (c.num_inputs() > 7) {
    size = c.rank(7) == 2 ? c.shape(7)[0] : 0;
    detail::expect_input(c, 7, {size, hidden});
  }
  detail::expect_input(c, 1, {batch, size});
  detail::expect_input(c, 2, {batch, hidden});
  detail::expect_input(c, 4, {kGates * hidden, size});
  detail::expect_input(c, 5, {kGates * hidden});
  detail::expect_lengths(c, 6, batch);
  c.output({steps, batch, size}, c.dtype(0));
  c.output({batch, size}, c.dtype(0));
  c.output({batch, hidden}, c.dtype(0));
  c.output({steps, batch, kGates * hidden}, c.dtype(0));
  c.output({steps, batch, hidden}, c.dtype(0));
}

void Lstm::vjp(VjpContext& c) const {
  detail::differentiate_composed(c, [this](const std::vector<Tensor>& in) {
    const Tensor lengths = in.size() > 6 ? in[6] : Tensor();
    const Tensor projected = linear(detail::masked_sequence(in[0], lengths), in[3], in[5]);
    return detail::unroll(projected, {in[1], in[2]}, lengths, reverse,
                          [&](const Tensor& gates, const std::vector<Tensor>& state) {
                            auto [h, cell] = next_state(gates + linear(state[0], in[4]), state[1]);
                            if (in.size() > 7) h = linear(h, in[7]);
                            return std::vector<Tensor>{h, cell};
                          });
  });
}

}  // namespace op

LstmOutput lstm(Operand x, const LstmState& initial, const Tensor& weight_ih,
                const Tensor& weight_hh, const Tensor& bias, const Tensor& weight_hr,
                const RecurrentOptions& options) {
  const op::Lstm op{options.reverse};
  const Shape batch = detail::batch_of(x), hidden = detail::hidden_of(weight_ih, kGates);
  const Shape size = weight_hr.defined() ? detail::hidden_of(weight_hr, 1) : hidden;
  // A projection comes after the lengths, which therefore must be there too.
  Tensor lengths = options.lengths;
  if (weight_hr.defined() && !lengths.defined() && x.impl() && x.impl()->shape.rank() == 3)
    lengths = expand(full({1}, x.impl()->shape[0], {kInt64, x.impl()->device}), batch);
  std::vector<Tensor> out = detail::call_recurrent(
      op_info<op::Lstm>(), &op, x,
      {detail::or_zeros(initial.h, detail::joined(batch, size), x),
       detail::or_zeros(initial.c, detail::joined(batch, hidden), x), weight_ih, weight_hh,
       detail::or_zeros(bias, detail::rows_of(weight_ih), x), lengths, weight_hr});
  return {std::move(out[0]), {std::move(out[1]), std::move(out[2])}};
}

LstmState lstm_cell(Operand x, const LstmState& state, const Tensor& weight_ih,
                    const Tensor& weight_hh, const Tensor& bias_ih, const Tensor& bias_hh) {
  const CallSite site(x.location());
  return next_state(
      detail::affine(x.tensor(), weight_ih, bias_ih) + detail::affine(state.h, weight_hh, bias_hh),
      state.c);
}

}  // namespace catena
