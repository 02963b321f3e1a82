// Strided operands over one shape, reduced to as few dimensions as they allow.
#pragma once

#include <cstdint>

#include "catena/backends/cuda/divider.hpp"
#include "catena/graph/backend.hpp"

namespace catena::gpu {

// What a kernel gets: N operands over sizes[0] x ... x sizes[rank-1], at most 2^31 - 1 elements.
// Operand 0 is the one written.
template <int N>
struct Nest {
  char* data[N];
  std::int64_t stride[N][kMaxRank];  // in elements
  Divider sizes[kMaxRank];
  int rank;
  std::uint32_t numel;

  // Offsets of element `i` in row-major order, in elements.
  CATENA_DEVICE_FN void offsets(std::uint32_t i, std::int64_t (&at)[N]) const {
    for (int k = 0; k < N; ++k) at[k] = 0;
    for (int d = rank - 1; d > 0; --d) {
      const std::uint32_t q = sizes[d].divide(i);
      const std::uint32_t r = i - q * sizes[d].divisor;
      for (int k = 0; k < N; ++k) at[k] += r * stride[k][d];
      i = q;
    }
    if (rank > 0)
      for (int k = 0; k < N; ++k) at[k] += i * stride[k][0];
  }
};

// The same on the host, before the elements are known to be few enough for 32-bit indices.
template <int N>
struct WideNest {
  char* data[N];
  std::int64_t element_bytes[N];
  std::int64_t stride[N][kMaxRank];
  std::int64_t sizes[kMaxRank];
  int rank = 0;

  std::int64_t numel() const {
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= sizes[d];
    return n;
  }
  // One dimension in which every operand is contiguous or constant, and the written one contiguous.
  bool flat() const {
    if (rank == 0) return true;
    if (rank > 1 || stride[0][0] != 1) return false;
    for (int k = 1; k < N; ++k)
      if (stride[k][0] != 0 && stride[k][0] != 1) return false;
    return true;
  }
};

// Drops dimensions of size 1 and joins neighbours that every operand runs through in one stride.
// All views have the shape of views[0], or null data (then their strides count as 0).
template <int N>
WideNest<N> merge(const TensorView* const (&views)[N]) {
  WideNest<N> nest;
  const Shape& shape = views[0]->shape;
  for (int k = 0; k < N; ++k) {
    nest.data[k] = static_cast<char*>(views[k]->data);
    nest.element_bytes[k] = static_cast<std::int64_t>(size_of(views[k]->dtype));
  }
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    std::int64_t stride[N];
    for (int k = 0; k < N; ++k) stride[k] = views[k]->data ? views[k]->strides[d] : 0;
    bool joins = nest.rank > 0;
    for (int k = 0; k < N && joins; ++k)
      joins = nest.stride[k][nest.rank - 1] == stride[k] * shape[d];
    if (joins) {
      nest.sizes[nest.rank - 1] *= shape[d];
    } else {
      nest.sizes[nest.rank++] = shape[d];
    }
    for (int k = 0; k < N; ++k) nest.stride[k][nest.rank - 1] = stride[k];
  }
  return nest;
}

// Calls f(Nest<N>) for pieces of at most 2^31 - 1 elements that cover the nest.
template <int N, class F>
void for_each_piece(const WideNest<N>& nest, const F& f) {
  constexpr std::int64_t kMost = INT32_MAX;
  const std::int64_t numel = nest.numel();
  if (numel == 0) return;
  if (numel > kMost) {
    int longest = 0;
    for (int d = 1; d < nest.rank; ++d)
      if (nest.sizes[d] > nest.sizes[longest]) longest = d;
    WideNest<N> low = nest, high = nest;
    low.sizes[longest] = nest.sizes[longest] / 2;
    high.sizes[longest] = nest.sizes[longest] - low.sizes[longest];
    for (int k = 0; k < N; ++k)
      if (high.data[k])
        high.data[k] += low.sizes[longest] * nest.stride[k][longest] * nest.element_bytes[k];
    for_each_piece(low, f);
    for_each_piece(high, f);
    return;
  }
  Nest<N> piece{};
  piece.rank = nest.rank;
  piece.numel = static_cast<std::uint32_t>(numel);
  for (int k = 0; k < N; ++k) piece.data[k] = nest.data[k];
  for (int d = 0; d < nest.rank; ++d) {
    piece.sizes[d] = Divider(static_cast<std::uint32_t>(nest.sizes[d]));
    for (int k = 0; k < N; ++k) piece.stride[k][d] = nest.stride[k][d];
  }
  f(piece);
}

}  // namespace catena::gpu
