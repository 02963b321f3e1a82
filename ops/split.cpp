#include "catena/ops/split.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/ops/slice.hpp"

namespace catena {
namespace {

// The dimension of x that `dim` names, counted from the front.
int checked_dim(const char* op, const Operand& x, int dim) {
  if (!x.impl())
    throw_argument(op, "x is an undefined tensor; give it a value first", x.location());
  const int rank = x.impl()->shape.rank();
  if (rank == 0) throw_argument(op, "x is 0-d; expected at least one dimension", x.location());
  if (dim < -rank || dim >= rank)
    throw_argument(op,
                   fmt::format("dim {} is out of range for x {}; expected {} to {}", dim,
                               to_string(x.impl()->shape), -rank, rank - 1),
                   x.location());
  return dim < 0 ? dim + rank : dim;
}

// Parts of `size` entries; an empty dimension is one empty part.
std::vector<Tensor> parts_of(const Operand& x, std::int64_t size, int d) {
  const Tensor whole = x.tensor();
  const std::int64_t entries = whole.shape()[d];
  std::vector<Tensor> parts;
  for (std::int64_t begin = 0; begin < entries || begin == 0;
       begin += std::max<std::int64_t>(size, 1))
    parts.push_back(slice(Operand(whole, x.location()), d, begin, std::min(entries, begin + size)));
  return parts;
}

std::vector<Tensor> split_operand(const Operand& x, std::span<const std::int64_t> sizes, int dim) {
  const int d = checked_dim("split", x, dim);
  const Tensor whole = x.tensor();
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0 || __builtin_add_overflow(sum, size, &sum)) sum = -1;
    if (sum < 0) break;
  }
  if (sum != whole.shape()[d])
    throw_argument(
        "split",
        fmt::format("sizes [{}] for dimension {} of x {}; expected sizes from 0 that "
                    "add up to {}",
                    fmt::join(sizes, ", "), d, to_string(whole.shape()), whole.shape()[d]),
        x.location());
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    parts.push_back(slice(Operand(whole, x.location()), d, begin, begin + size));
    begin += size;
  }
  return parts;
}

}  // namespace

std::vector<Tensor> split(Operand x, std::int64_t size, int dim) {
  const int d = checked_dim("split", x, dim);
  if (size < 1)
    throw_argument("split", fmt::format("parts of {} entries; expected 1 or more", size),
                   x.location());
  return parts_of(x, size, d);
}
std::vector<Tensor> split(Operand x, std::span<const std::int64_t> sizes, int dim) {
  return split_operand(x, sizes, dim);
}
std::vector<Tensor> split(Operand x, std::initializer_list<std::int64_t> sizes, int dim) {
  return split_operand(x, {sizes.begin(), sizes.size()}, dim);
}

std::vector<Tensor> chunk(Operand x, std::int64_t chunks, int dim) {
  const int d = checked_dim("chunk", x, dim);
  if (chunks < 1)
    throw_argument("chunk", fmt::format("{} chunks; expected 1 or more", chunks), x.location());
  const std::int64_t entries = x.impl()->shape[d];
  if (entries == 0) return std::vector<Tensor>(static_cast<std::size_t>(chunks), x.tensor());
  return parts_of(x, entries / chunks + (entries % chunks != 0), d);
}

std::vector<Tensor> unbind(Operand x, int dim) {
  const int d = checked_dim("unbind", x, dim);
  const Tensor whole = x.tensor();
  std::vector<Tensor> entries;
  for (std::int64_t i = 0; i < whole.shape()[d]; ++i)
    entries.push_back(select(Operand(whole, x.location()), d, i));
  return entries;
}

}  // namespace catena
