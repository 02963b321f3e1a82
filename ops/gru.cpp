#include "catena/ops/gru.hpp"

#include "catena/ops/composed_gradient.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/recurrent_rule.hpp"
#include "catena/ops/split.hpp"

namespace catena {
namespace {

constexpr int kGates = 3;

// From what x and h contribute to the gates.
Tensor next_state(const Tensor& from_x, const Tensor& from_h, const Tensor& h) {
  const std::vector<Tensor> a = chunk(from_x, kGates, -1), b = chunk(from_h, kGates, -1);
  const Tensor reset = sigmoid(a[0] + b[0]), keep = sigmoid(a[1] + b[1]);
  const Tensor candidate = tanh(a[2] + reset * b[2]);
  return candidate + keep * (h - candidate);
}

}  // namespace

namespace op {

void Gru::infer(InferContext& c) const {
  const auto [steps, batch, input, hidden] = detail::check_sequence(c, 2, kGates);
  detail::expect_input(c, 1, {batch, hidden});
  detail::expect_input(c, 3, {kGates * hidden, hidden});
  detail::expect_input(c, 4, {kGates * hidden});
  detail::expect_input(c, 5, {kGates * hidden});
  detail::expect_lengths(c, 6, batch);
  c.output({steps, batch, hidden}, c.dtype(0));
  c.output({batch, hidden}, c.dtype(0));
  c.output({steps, batch, 4 * hidden}, c.dtype(0));
}

void Gru::vjp(VjpContext& c) const {
  detail::differentiate_composed(c, [this](const std::vector<Tensor>& in) {
    const Tensor lengths = in.size() > 6 ? in[6] : Tensor();
    const Tensor projected = linear(detail::masked_sequence(in[0], lengths), in[2], in[4]);
    return detail::unroll(
        projected, {in[1]}, lengths, reverse,
        [&](const Tensor& from_x, const std::vector<Tensor>& state) {
          return std::vector<Tensor>{next_state(from_x, linear(state[0], in[3], in[5]), state[0])};
        });
  });
}

}  // namespace op

RecurrentOutput gru(Operand x, const Tensor& h0, const Tensor& weight_ih, const Tensor& weight_hh,
                    const Tensor& bias_ih, const Tensor& bias_hh, const RecurrentOptions& options) {
  const op::Gru op{options.reverse};
  const Shape batch = detail::batch_of(x), hidden = detail::hidden_of(weight_ih, kGates),
              gates = detail::rows_of(weight_ih);
  std::vector<Tensor> out = detail::call_recurrent(
      op_info<op::Gru>(), &op, x,
      {detail::or_zeros(h0, detail::joined(batch, hidden), x), weight_ih, weight_hh,
       detail::or_zeros(bias_ih, gates, x), detail::or_zeros(bias_hh, gates, x), options.lengths});
  return {std::move(out[0]), std::move(out[1])};
}

Tensor gru_cell(Operand x, const Tensor& h, const Tensor& weight_ih, const Tensor& weight_hh,
                const Tensor& bias_ih, const Tensor& bias_hh) {
  const CallSite site(x.location());
  return next_state(detail::affine(x.tensor(), weight_ih, bias_ih),
                    detail::affine(h, weight_hh, bias_hh), h);
}

}  // namespace catena
