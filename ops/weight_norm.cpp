#include "catena/ops/weight_norm.hpp"

#include "catena/ops/composite.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/statistics.hpp"

namespace catena {
namespace op {

void WeightNorm::infer(InferContext& c) const {
  const Shape &v = c.shape(0), &g = c.shape(1);
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("v", c.dtype(0)));
  if (c.dtype(1) != c.dtype(0))
    c.fail(fmt::format("g is {} but v is {}; expected equal dtypes; convert one with to(dtype)",
                       name_of(c.dtype(1)), name_of(c.dtype(0))));
  bool fits = g.rank() == 0 || g.rank() == v.rank();
  int kept = 0;
  for (int d = 0; fits && d < g.rank(); ++d) fits = g[d] == 1 || (g[d] == v[d] && ++kept == 1);
  if (!fits)
    c.fail(
        fmt::format("g has shape {} and v {}; expected g of rank 0, or of the rank of v with "
                    "sizes of 1 but for one, which is that of v",
                    to_string(g), to_string(v)));
  c.output(v, c.dtype(0));
}

// With n = |v|: dv = g / n (dw - v (dw . v) / n^2), dg = (dw . v) / n.
void WeightNorm::vjp(VjpContext& c) const {
  const Tensor dw = c.grad(), v = c.input(0), g = c.input(1);
  const Shape shape = g.shape();
  const auto along = [&](const Tensor& t) { return sum_to(t, shape); };
  const Tensor squares = along(v * v), length = sqrt(squares), dot = along(dw * v);
  if (c.needs(0)) c.accumulate(0, (dw - v * (dot / squares)) * (g / length));
  if (c.needs(1)) c.accumulate(1, dot / length);
}

}  // namespace op

Tensor weight_norm(Operand v, Operand g) { return detail::call_op(op::WeightNorm{}, v, g); }

Tensor norm_except_dim(Operand v, std::optional<int> dim) {
  if (!dim) return detail::call_op(op::Norm{2, {}, false}, v);
  const int rank = v.impl() ? v.impl()->shape.rank() : 0;
  if (*dim < -rank || *dim >= rank)
    throw_argument(
        "norm_except_dim",
        fmt::format("dim is {} but v has {} dimensions; expected one of them", *dim, rank),
        v.location());
  Shape over;
  for (int d = 0; d < rank; ++d)
    if (d != (*dim < 0 ? *dim + rank : *dim)) over.push_back(d);
  return over.rank() > 0 ? detail::call_op(op::Norm{2, over, true}, v)
                         : detail::call_op(op::Abs{}, v);
}

}  // namespace catena
