#include "catena/ops/reduced_shape.hpp"

#include "catena/ops/shape.hpp"

namespace catena::detail {
namespace {

bool contains(const Shape& dims, int d) {
  for (std::int64_t i : dims)
    if (i == d) return true;
  return false;
}

}  // namespace

Shape reduced_shape(const Shape& in, const Shape& over, bool keepdim) {
  Shape out;
  for (int d = 0; d < in.rank(); ++d) {
    if (!contains(over, d))
      out.push_back(in[d]);
    else if (keepdim)
      out.push_back(1);
  }
  return out;
}

Shape resolved_dims(const Shape& dims, int rank) {
  Shape out;
  for (int d = 0; d < rank; ++d)
    if (dims.empty() || contains(dims, d) || contains(dims, d - rank)) out.push_back(d);
  return out;
}

std::int64_t reduced_count(const Shape& in, const Shape& over) {
  std::int64_t n = 1;
  for (std::int64_t d : over) n *= in[static_cast<int>(d)];
  return n;
}

Shape reduced_last(const Shape& over, int rank) {
  Shape order;
  for (int d = 0; d < rank; ++d)
    if (!contains(over, d)) order.push_back(d);
  for (std::int64_t d : over) order.push_back(d);
  return order;
}

Tensor aligned(const Tensor& value, const Shape& in, const Shape& over, bool keepdim) {
  if (keepdim) return value;
  bool leading = true;
  for (int i = 0; i < over.rank(); ++i) leading = leading && over[i] == i;
  return leading ? value : reshape(value, reduced_shape(in, over, true));
}

}  // namespace catena::detail
