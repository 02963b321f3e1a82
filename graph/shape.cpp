#include "catena/graph/shape.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena {

void detail::throw_rank(std::size_t rank) {
  throw ArgumentError(fmt::format(
      "[shape] {} dimensions; expected at most {}; merge some with reshape", rank, kMaxRank));
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Shape contiguous_strides(const Shape& shape) {
  Shape strides;
  set_contiguous_strides(shape, &strides);
  return strides;
}

bool broadcast_shapes(const Shape& a, const Shape& b, Shape* out) {
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  Shape result;
  result.resize(rank);
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x != y && x != 1 && y != 1) return false;
    result[rank - i] = x == 1 ? y : x;
  }
  *out = result;
  return true;
}

std::int64_t checked_numel(const Shape& shape) {
  // 2^59 entries of the widest dtype are 2^62 bytes: no count of bytes or of entries overflows.
  constexpr std::int64_t kMost = std::int64_t{1} << 59;
  std::int64_t n = 1;
  bool zero = false, overflow = false;
  for (const std::int64_t d : shape) {
    if (d < 0)
      throw ArgumentError(
          fmt::format("[shape] size {} in {}; expected sizes of 0 or more", d, to_string(shape)));
    if (d == 0)
      zero = true;
    else if (n > kMost / d)
      overflow = true;
    else
      n *= d;
  }
  if (zero) return 0;
  if (overflow)
    throw ArgumentError(
        fmt::format("[shape] {} has more than 2^59 elements; expected fewer", to_string(shape)));
  return n;
}

}  // namespace catena
