#include "catena/ops/linear_packed.hpp"

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/pad.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace op {

void LinearPacked::infer(InferContext& c) const {
  const Shape &x = c.shape(0), &packed = c.shape(1);
  for (int i = 1; i < c.num_inputs(); ++i)
    if (c.dtype(i) != c.dtype(0))
      c.fail(
          fmt::format("dtypes differ: x is {}, {} is {}; expected equal; convert one with "
                      "to(dtype)",
                      name_of(c.dtype(0)), i == 1 ? "packed" : "bias", name_of(c.dtype(i))));
  const std::int64_t panels = (out_features + kPackedRows - 1) / kPackedRows;
  if (out_features < 0 || x.rank() == 0 || packed != Shape{panels, x.back(), kPackedRows})
    c.fail(
        fmt::format("x is {}, packed {} and out_features {}; expected x [.., k] and packed [{}, k, "
                    "{}]; make it with pack_weight",
                    to_string(x), to_string(packed), out_features, panels, kPackedRows));
  if (c.num_inputs() > 2 && c.shape(2) != Shape{out_features})
    c.fail(fmt::format("bias is {}; expected [{}], an entry for each row of the weight",
                       to_string(c.shape(2)), out_features));
  Shape out = x;
  out[x.rank() - 1] = out_features;
  c.output(out, c.dtype(0));
}

}  // namespace op

Tensor pack_weight(const Tensor& weight, std::source_location loc) {
  if (!weight.defined() || weight.rank() != 2)
    throw_argument(OpName<op::LinearPacked>::value,
                   fmt::format("weight is {}; expected [n, k]",
                               weight.defined() ? to_string(weight.shape()) : "undefined"),
                   loc);
  const CallSite site(loc);
  const std::int64_t n = weight.shape()[0], k = weight.shape()[1];
  const std::int64_t panels = (n + kPackedRows - 1) / kPackedRows;
  const Tensor whole = pad(weight, {{0, panels * kPackedRows - n}, {0, 0}});
  return whole.reshape({panels, kPackedRows, k}).transpose(1, 2).contiguous();
}

Tensor linear_packed(Operand x, const Tensor& packed, std::int64_t out_features,
                     const Tensor& bias) {
  const op::LinearPacked op{out_features};
  Operand weight(packed, x.location());
  if (!bias.defined()) return detail::call_op(op, x, weight);
  Operand b(bias, x.location());
  return detail::call_op(op, x, weight, b);
}

}  // namespace catena
