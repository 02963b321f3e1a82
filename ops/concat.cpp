#include "catena/ops/concat.hpp"

#include <vector>

#include <fmt/format.h>

#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace op {

void Concat::infer(InferContext& c) const {
  if (c.rank(0) == 0) c.fail("x0 is 0-d; expected at least one dimension; use stack instead");
  const int d = c.dim(dim, c.rank(0));
  Shape shape = c.shape(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    if (c.dtype(i) != c.dtype(0))
      c.fail(fmt::format("dtypes differ: x0 {}, x{} {}; expected equal; convert one with to(dtype)",
                         name_of(c.dtype(0)), i, name_of(c.dtype(i))));
    const Shape& other = c.shape(i);
    if (other.rank() != shape.rank())
      c.fail(
          fmt::format("numbers of dimensions differ: x0 {} has {}, x{} {} has {}; expected equal",
                      to_string(c.shape(0)), shape.rank(), i, to_string(other), other.rank()));
    for (int k = 0; k < shape.rank(); ++k)
      if (k != d && other[k] != shape[k])
        c.fail(
            fmt::format("sizes differ in dimension {}: x0 {} has {}, x{} {} has {}; expected equal "
                        "in all dimensions but {}",
                        k, to_string(c.shape(0)), shape[k], i, to_string(other), other[k], d));
    shape[d] += other[d];
  }
  c.output(shape, c.dtype(0));
}

void Concat::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  const int d = static_cast<int>(dim < 0 ? dim + g.rank() : dim);
  // The sizes of inputs that want no gradient still count for the positions of the others.
  std::int64_t begin = 0;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const std::int64_t size = c.input_shape(i)[d];
    if (c.needs(i)) c.accumulate(i, slice(g, d, begin, begin + size));
    begin += size;
  }
}

}  // namespace op

Tensor concat(std::span<const Tensor> tensors, int dim, std::source_location loc) {
  return call(op::Concat{dim}, tensors, loc);
}
Tensor concat(std::initializer_list<Tensor> tensors, int dim, std::source_location loc) {
  return concat(std::span<const Tensor>(tensors.begin(), tensors.size()), dim, loc);
}

Tensor stack(std::span<const Tensor> tensors, int dim, std::source_location loc) {
  std::vector<Tensor> raised;
  raised.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    if (t.defined() && t.shape() != tensors[0].shape())
      throw_argument(
          "stack",
          fmt::format("shapes differ: x0 {}, x{} {}; expected equal", to_string(tensors[0].shape()),
                      raised.size(), to_string(t.shape())),
          loc);
    raised.push_back(unsqueeze(Operand(t, loc), dim));
  }
  return concat(raised, dim, loc);
}
Tensor stack(std::initializer_list<Tensor> tensors, int dim, std::source_location loc) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), dim, loc);
}

}  // namespace catena
