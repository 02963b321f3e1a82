#include "catena/ops/matmul.hpp"

#include <fmt/format.h>

#include "catena/ops/elementwise.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

// The sizes before the last two.
Shape batch_of(const Shape& shape) { return Shape(shape.data(), shape.rank() - 2); }

Tensor swap_last(const Tensor& t) { return transpose(t, -2, -1); }

// [.., n] as [rows, n]; a vector is one row.
Tensor rows_of(const Tensor& t) {
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < t.rank(); ++i) rows *= t.shape()[i];
  return t.rank() == 2 ? t : reshape(t, {rows, t.shape().back()});
}

}  // namespace

namespace op {

void Matmul::infer(InferContext& c) const {
  for (int i = 0; i < 2; ++i)
    if (c.rank(i) == 0)
      c.fail(fmt::format("{} is 0-d; expected at least one dimension; multiply by a scalar with *",
                         i == 0 ? "a" : "b"));
  if (c.dtype(0) != c.dtype(1))
    c.fail(
        fmt::format("dtypes differ: a is {}, b is {}; expected equal; convert one with to(dtype)",
                    name_of(c.dtype(0)), name_of(c.dtype(1))));
  const Shape &a = c.shape(0), &b = c.shape(1);
  const bool vector_a = a.rank() == 1, vector_b = b.rank() == 1;
  const std::int64_t inner_a = a.back(), inner_b = vector_b ? b[0] : b[b.rank() - 2];
  if (inner_a != inner_b)
    c.fail(fmt::format(
        "inner sizes differ: a {} has {} {}, b {} has {} {}; expected equal; check the order of "
        "the arguments or transpose one",
        to_string(a), inner_a, vector_a ? "entries" : "columns", to_string(b), inner_b,
        vector_b ? "entries" : "rows"));
  Shape out;
  const Shape batch_a = vector_a ? Shape() : batch_of(a),
              batch_b = vector_b ? Shape() : batch_of(b);
  if (!broadcast_shapes(batch_a, batch_b, &out))
    c.fail(
        fmt::format("batch sizes do not broadcast: a {} has {}, b {} has {}; expected sizes that "
                    "are equal or 1, counted from the right",
                    to_string(a), to_string(batch_a), to_string(b), to_string(batch_b)));
  if (!vector_a) out.push_back(a[a.rank() - 2]);
  if (!vector_b) out.push_back(b.back());
  c.output(out, c.dtype(0));
}

// da = g b^T and db = a^T g, with vectors seen as one row or one column. The engine sums what was
// broadcast over batches.
void Matmul::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  if (c.needs(0)) {
    const Tensor b = c.input(1);
    const int rank_a = c.input_shape(0).rank();
    if (rank_a == 1 && b.rank() == 1) {
      c.accumulate(0, g * b);
    } else if (b.rank() == 1) {
      c.accumulate(0, unsqueeze(g, -1) * b);
    } else if (rank_a == 1) {
      c.accumulate(0, squeeze(matmul(unsqueeze(g, -2), swap_last(b)), -2));
    } else if (b.rank() == 2) {
      c.accumulate_rows(0, g, swap_last(b));
    } else {
      c.accumulate(0, matmul(g, swap_last(b)));
    }
  }
  if (c.needs(1)) {
    const Tensor a = c.input(0);
    const int rank_b = c.input_shape(1).rank();
    if (rank_b == 1) {
      if (a.rank() == 1)
        c.accumulate(1, g * a);
      else
        c.accumulate(1, matmul(reshape(g, {g.numel()}), rows_of(a)));
    } else if (rank_b == 2) {
      // One product over all rows of all batches, gathered with others of the same parameter.
      c.accumulate_product(1, rows_of(a), rows_of(g));
    } else if (a.rank() == 1) {
      c.accumulate(1, unsqueeze(a, -1) * unsqueeze(g, -2));
    } else {
      c.accumulate(1, matmul(swap_last(a), g));
    }
  }
}

void Linear::infer(InferContext& c) const {
  const Shape &x = c.shape(0), &weight = c.shape(1);
  const bool has_bias = c.num_inputs() > 2;
  for (int i = 1; i < c.num_inputs(); ++i)
    if (c.dtype(i) != c.dtype(0))
      c.fail(
          fmt::format("dtypes differ: x is {}, {} is {}; expected equal; convert one with "
                      "to(dtype)",
                      name_of(c.dtype(0)), i == 1 ? "weight" : "bias", name_of(c.dtype(i))));
  if (x.rank() == 0 || weight.rank() != 2 || x.back() != weight.back())
    c.fail(
        fmt::format("x is {} and weight {}; expected x [.., k] and weight [n, k]; check the "
                    "order of the arguments or transpose one",
                    to_string(x), to_string(weight)));
  if (has_bias && c.shape(2) != Shape{weight[0]})
    c.fail(fmt::format("bias is {}; expected [{}], an entry for each row of weight {}",
                       to_string(c.shape(2)), weight[0], to_string(weight)));
  Shape out = x;
  out[x.rank() - 1] = weight[0];
  c.output(out, c.dtype(0));
}

// dx = g weight, dweight = g^T x over all rows, dbias = their sum.
void Linear::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  if (c.needs(0)) c.accumulate_rows(0, g, c.input(1));
  if (!c.needs(1) && !(c.num_inputs() > 2 && c.needs(2))) return;
  const Tensor rows = rows_of(g);
  if (c.needs(1)) c.accumulate_product(1, rows, rows_of(c.input(0)));
  if (c.num_inputs() > 2 && c.needs(2))
    c.accumulate(2, rows.shape()[0] == 1 ? reshape(rows, {rows.numel()}) : sum(rows, {0}));
}

}  // namespace op

Tensor matmul(Operand a, Operand b) { return detail::call_op(op::Matmul{}, a, b); }
Tensor linear(Operand x, Operand weight) { return detail::call_op(op::Linear{}, x, weight); }
Tensor linear(Operand x, Operand weight, Operand bias) {
  return detail::call_op(op::Linear{}, x, weight, bias);
}

Tensor Tensor::matmul(const Tensor& other, Location loc) const {
  return catena::matmul(Operand(*this, loc), Operand(other, loc));
}

}  // namespace catena
