#include "catena/ops/attention.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/graph/thread_state.hpp"
#include "catena/ops/composed_gradient.hpp"
#include "catena/ops/composite.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/softmax.hpp"

namespace catena {
namespace {

std::int64_t heads_of(const Shape& s) { return s.rank() > 2 ? s[s.rank() - 3] : 1; }

Shape with_last(Shape shape, std::int64_t last) {
  shape[shape.rank() - 1] = last;
  return shape;
}

// x [.., H, S, E] with each head repeated, so that there are `heads`.
Tensor repeat_heads(const Tensor& x, std::int64_t heads) {
  const std::int64_t own = heads_of(x.shape());
  if (own == heads) return x;
  const int head = x.rank() - 3;
  Shape wide = x.shape(), flat = x.shape();
  flat[head] = heads;
  wide[head] = heads / own;
  const Tensor apart = unsqueeze(x, head + 1);
  Shape repeated = apart.shape();
  repeated[head + 1] = heads / own;
  return reshape(expand(apart, repeated), flat);
}

// Which positions each row may see [L, S].
Tensor causal_mask(std::int64_t rows, std::int64_t columns, std::int64_t offset, Device device) {
  const Tensor row = arange(rows).to(device), column = arange(columns).to(device);
  return reshape(column, {1, columns}) <= reshape(row + offset, {rows, 1});
}

}  // namespace

namespace detail {

Tensor attention_weights(const op::Attention& op, const Tensor& query, const Tensor& key,
                         const Tensor& mask) {
  const Tensor all = repeat_heads(key, heads_of(query.shape()));
  Tensor scores = matmul(query, transpose(all, -2, -1)) * op.scale;
  Tensor allowed;
  if (mask.defined() && mask.dtype() == kBool) {
    allowed = mask;
  } else if (mask.defined()) {
    allowed = mask > -std::numeric_limits<double>::infinity();
    scores = scores + mask;
  }
  if (op.causal) {
    const Tensor seen = causal_mask(scores.shape()[scores.rank() - 2], scores.shape().back(),
                                    op.causal_offset, query.device());
    allowed = allowed.defined() ? logical_and(allowed, seen) : seen;
  }
  if (!allowed.defined()) return softmax(scores, -1);
  // A number far below the others instead of -inf, so that a row without any position is no NaN.
  return where(allowed, softmax(where(allowed, scores, -1e30), -1), 0);
}

}  // namespace detail

namespace op {

void Attention::infer(InferContext& c) const {
  const Shape &q = c.shape(0), &k = c.shape(1), &v = c.shape(2);
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("query", c.dtype(0)));
  for (int i = 1; i < 3; ++i)
    if (c.dtype(i) != c.dtype(0))
      c.fail(
          fmt::format("{} is {} but query is {}; expected equal dtypes; convert one with "
                      "to(dtype)",
                      c.op().inputs.names[i], name_of(c.dtype(i)), name_of(c.dtype(0))));
  const int rank = q.rank();
  bool fits = rank >= 2 && k.rank() == rank && v.rank() == rank;
  for (int d = 0; d < rank - 3 && fits; ++d) fits = k[d] == q[d] && v[d] == q[d];
  if (fits) {
    const std::int64_t heads = heads_of(k);
    fits =
        heads_of(v) == heads && (heads_of(q) == heads || (heads > 0 && heads_of(q) % heads == 0));
    fits = fits && k.back() == q.back() && v[rank - 2] == k[rank - 2];
  }
  if (!fits)
    c.fail(
        fmt::format("query {}, key {}, value {}; expected [.., Hq, L, E], [.., H, S, E] and "
                    "[.., H, S, V] with equal leading sizes, Hq a multiple of H",
                    to_string(q), to_string(k), to_string(v)));
  if (!(dropout >= 0 && dropout <= 1))
    c.fail(fmt::format("dropout is {}; expected a probability in [0, 1]", dropout));
  Shape rows = q;
  rows.erase(rank - 1);
  if (c.num_inputs() > 3) {
    const Shape scores = with_last(q, k[rank - 2]);
    Shape joined;
    if (!broadcast_shapes(c.shape(3), scores, &joined) || joined != scores)
      c.fail(fmt::format("mask is {}; expected a shape that broadcasts to the scores {}",
                         to_string(c.shape(3)), to_string(scores)));
    if (c.dtype(3) != kBool && c.dtype(3) != c.dtype(0))
      c.fail(
          fmt::format("mask is {}; expected bool, true where a position takes part, or {}, which "
                      "is added to the scores",
                      name_of(c.dtype(3)), name_of(c.dtype(0))));
  }
  c.output(with_last(q, v.back()), c.dtype(0));
  c.output(rows, c.dtype(0));
}

void Attention::vjp(VjpContext& c) const {
  detail::differentiate_composed(c, [this](const std::vector<Tensor>& in) {
    Tensor weights =
        detail::attention_weights(*this, in[0], in[1], in.size() > 3 ? in[3] : Tensor());
    if (dropout > 0) {
      // The same counters give the same mask.
      Operand kept(weights);
      weights = detail::call_op(Dropout{dropout, state}, kept);
    }
    return std::vector<Tensor>{matmul(weights, repeat_heads(in[2], heads_of(in[0].shape())))};
  });
}

// Of a call by name, which knows the size of the query only: enough for 4096 positions per feature.
void Attention::draw(std::int64_t numel) {
  state = reserve_random(dropout > 0 ? static_cast<std::uint64_t>(numel) * 4096 : 0);
}

}  // namespace op

Tensor scaled_dot_product_attention(Operand query, Operand key, Operand value,
                                    const AttentionOptions& options) {
  const std::source_location location = query.location();
  const auto shape_of = [](const Operand& x) { return x.impl() ? x.impl()->shape : Shape(); };
  const Shape q = shape_of(query), k = shape_of(key);
  if (!options.enable_gqa && q.rank() > 2 && k.rank() > 2 && heads_of(q) != heads_of(k))
    throw_argument("scaled_dot_product_attention",
                   fmt::format("query {} has {} heads and key {} has {}; expected as many, or "
                               "enable_gqa",
                               to_string(q), heads_of(q), to_string(k), heads_of(k)),
                   location);
  op::Attention op{.causal = options.is_causal,
                   .causal_offset = options.causal_offset,
                   .dropout = options.dropout_p};
  op.scale = options.scale.value_or(
      q.rank() > 0 && q.back() > 0 ? 1 / std::sqrt(static_cast<double>(q.back())) : 1);
  if (op.dropout > 0 && k.rank() > 1 && q.rank() > 1) {
    // A trace records dropout as an op of its own, which sleeps in evaluation.
    if (detail::thread_state.tracer) {
      const CallSite site(location);
      const Tensor weights =
          detail::attention_weights(op, query.tensor(), key.tensor(), options.attn_mask);
      return matmul(dropout(weights, op.dropout), repeat_heads(value.tensor(), heads_of(q)));
    }
    const Shape scores = with_last(q, k[k.rank() - 2]);
    op.state = reserve_random(static_cast<std::uint64_t>(checked_numel(scores)));
  }
  Operand mask(options.attn_mask, location);
  Operand* list[] = {&query, &key, &value, &mask};
  return std::move(detail::dispatch_multi(op_info<op::Attention>(), &op, list,
                                          options.attn_mask.defined() ? 4 : 3, location)
                       .front());
}

}  // namespace catena
