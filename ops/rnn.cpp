#include "catena/ops/rnn.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/composed_gradient.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/recurrent_rule.hpp"

namespace catena {
namespace {

bool is_nonlinearity(const std::string& name) { return name == "tanh" || name == "relu"; }

std::string unknown(const std::string& name) {
  return fmt::format("nonlinearity is '{}'; expected tanh or relu", name);
}

}  // namespace

namespace op {

bool is_relu(const Rnn& op) { return op.nonlinearity == "relu"; }

void Rnn::infer(InferContext& c) const {
  if (!is_nonlinearity(nonlinearity)) c.fail(unknown(nonlinearity));
  const auto [steps, batch, input, hidden] = detail::check_sequence(c, 2, 1);
  detail::expect_input(c, 1, {batch, hidden});
  detail::expect_input(c, 3, {hidden, hidden});
  detail::expect_input(c, 4, {hidden});
  detail::expect_lengths(c, 5, batch);
  c.output({steps, batch, hidden}, c.dtype(0));
  c.output({batch, hidden}, c.dtype(0));
}

void Rnn::vjp(VjpContext& c) const {
  detail::differentiate_composed(c, [this](const std::vector<Tensor>& in) {
    const Tensor lengths = in.size() > 5 ? in[5] : Tensor();
    const Tensor projected = linear(detail::masked_sequence(in[0], lengths), in[2], in[4]);
    return detail::unroll(projected, {in[1]}, lengths, reverse,
                          [&](const Tensor& gate, const std::vector<Tensor>& state) {
                            const Tensor sum = gate + linear(state[0], in[3]);
                            return std::vector<Tensor>{is_relu(*this) ? relu(sum) : tanh(sum)};
                          });
  });
}

}  // namespace op

RecurrentOutput rnn(Operand x, const Tensor& h0, const Tensor& weight_ih, const Tensor& weight_hh,
                    const Tensor& bias, const std::string& nonlinearity,
                    const RecurrentOptions& options) {
  const op::Rnn op{nonlinearity, options.reverse};
  const Shape batch = detail::batch_of(x), hidden = detail::hidden_of(weight_ih, 1);
  std::vector<Tensor> out =
      detail::call_recurrent(op_info<op::Rnn>(), &op, x,
                             {detail::or_zeros(h0, detail::joined(batch, hidden), x), weight_ih,
                              weight_hh, detail::or_zeros(bias, hidden, x), options.lengths});
  return {std::move(out[0]), std::move(out[1])};
}

Tensor rnn_cell(Operand x, const Tensor& h, const Tensor& weight_ih, const Tensor& weight_hh,
                const Tensor& bias_ih, const Tensor& bias_hh, const std::string& nonlinearity) {
  const std::source_location location = x.location();
  if (!is_nonlinearity(nonlinearity)) throw_argument("rnn_cell", unknown(nonlinearity), location);
  const CallSite site(location);
  const Tensor sum =
      detail::affine(x.tensor(), weight_ih, bias_ih) + detail::affine(h, weight_hh, bias_hh);
  return nonlinearity == "relu" ? relu(sum) : tanh(sum);
}

}  // namespace catena
