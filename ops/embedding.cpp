#include "catena/ops/embedding.hpp"

#include <fmt/format.h>

#include "catena/ops/elementwise.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace op {

void Embedding::infer(InferContext& c) const {
  const Shape& table = c.shape(0);
  if (table.rank() != 2)
    c.fail(fmt::format("table has shape {}; expected [rows, width]", to_string(table)));
  c.expect_dtype(1, DTypeSet(kInt32, kInt64), "int32 or int64");
  if (padding_idx < -1 || padding_idx >= table[0])
    c.fail(fmt::format("padding_idx {} for table {}; expected a row from 0 to {}, or -1 for none",
                       padding_idx, to_string(table), table[0] - 1));
  Shape shape = c.shape(1);
  if (shape.rank() == kMaxRank)
    c.fail(
        fmt::format("index {} has {} dimensions already; expected at most {}; merge some with "
                    "reshape",
                    to_string(shape), kMaxRank, kMaxRank - 1));
  shape.push_back(table[1]);
  c.output(shape, c.dtype(0));
}

void Embedding::vjp(VjpContext& c) const {
  const Shape& table = c.input_shape(0);
  const Tensor given = c.input(1);
  const Tensor index = reshape(given, {given.numel()});
  Tensor rows = reshape(c.grad(), {index.numel(), table[1]});
  if (padding_idx >= 0)
    rows = masked_fill(rows, reshape(index, {index.numel(), 1}) == padding_idx, 0);
  c.accumulate(0, index_add(rows, index, table[0]));
}

}  // namespace op

Tensor embedding(Operand table, Operand index, std::optional<std::int64_t> padding_idx) {
  op::Embedding op;
  if (padding_idx && table.impl() && table.impl()->shape.rank() == 2) {
    const std::int64_t rows = table.impl()->shape[0];
    if (*padding_idx < -rows || *padding_idx >= rows)
      throw_argument(OpName<op::Embedding>::value,
                     fmt::format("padding_idx {} for table {}; expected a row, {} to {}",
                                 *padding_idx, to_string(table.impl()->shape), -rows, rows - 1),
                     table.location());
    op.padding_idx = *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
  }
  return detail::call_op(op, table, index);
}

}  // namespace catena
