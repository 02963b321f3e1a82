#include "catena/ops/tile.hpp"

#include <algorithm>
#include <vector>

#include "catena/ops/cast.hpp"
#include "catena/ops/composite.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace op {

Tensor Tile::compose(std::span<const Tensor> in) const {
  const Tensor& x = in[0];
  for (const std::int64_t r : repeats)
    if (r < 0)
      detail::fail(*this, fmt::format("repeats {}; expected 0 or more", to_string(repeats)));
  const int rank = std::max(x.rank(), repeats.rank());
  // [.., size, ..] becomes [.., 1, size, ..], the 1 is expanded, both are joined. A dimension for
  // which there is no room is left to concat.
  Shape apart, wide, joined, left = Shape::filled(rank, 1);
  int room = kMaxRank - rank;
  for (int d = 0; d < rank; ++d) {
    const int from = d - (rank - x.rank()), by = d - (rank - repeats.rank());
    const std::int64_t size = from < 0 ? 1 : x.shape()[from], times = by < 0 ? 1 : repeats[by];
    std::int64_t product;
    if (__builtin_mul_overflow(size, times, &product))
      detail::fail(*this, fmt::format("repeats {} for x {}: too many entries", to_string(repeats),
                                      to_string(x.shape())));
    if (times == 1 || size == 1) {
      apart.push_back(size);
      wide.push_back(product);
    } else if (room > 0) {
      --room;
      apart.push_back(1);
      apart.push_back(size);
      wide.push_back(times);
      wide.push_back(size);
    } else {
      apart.push_back(size);
      wide.push_back(size);
      joined.push_back(size);
      left[d] = times;
      continue;
    }
    joined.push_back(product);
  }
  Tensor y = clone(reshape(expand(reshape(x, apart), wide), joined));
  for (int d = 0; d < rank; ++d)
    if (left[d] != 1)
      y = left[d] == 0 ? slice(y, d, 0, 0)
                       : concat(std::vector<Tensor>(static_cast<std::size_t>(left[d]), y), d);
  return y;
}

}  // namespace op

Tensor tile(Operand x, const Shape& repeats) { return detail::call_op(op::Tile{repeats}, x); }

Tensor repeat(Operand x, const Shape& repeats) {
  if (x.impl() && repeats.rank() < x.impl()->shape.rank())
    throw_argument("repeat",
                   fmt::format("repeats {} for x {}; expected a number for every dimension; "
                               "tile() takes fewer",
                               to_string(repeats), to_string(x.impl()->shape)),
                   x.location());
  return detail::call_op(op::Tile{repeats}, x);
}

}  // namespace catena
