#include "catena/backends/cpu/pointwise.hpp"

#include <algorithm>

#include "catena/backends/cpu/parallel.hpp"

namespace catena::cpu {
namespace {

constexpr int kMaxInputs = kMaxPointwiseInputs + 2;
constexpr std::int64_t kChunk = 16384;  // elements one thread takes at a time

struct Plan {
  PointwiseFn line;
  const void* op;
  char* out;
  std::int64_t out_size;
  int num_inputs;
  const char* in[kMaxInputs];
  std::int64_t in_size[kMaxInputs];
  int rank = 0;
  std::int64_t sizes[kMaxRank];
  std::int64_t strides[kMaxInputs][kMaxRank];
};

// Runs `count` elements from row-major position `begin`, which all lie within whole or partial
// lines of the innermost merged dimension.
void run_range(const Plan& p, std::int64_t begin, std::int64_t end) {
  const int inner = p.rank - 1;
  std::int64_t index[kMaxRank];
  std::int64_t rest = begin;
  for (int d = inner; d >= 0; --d) {
    index[d] = rest % p.sizes[d];
    rest /= p.sizes[d];
  }
  const char* at[kMaxInputs];
  std::int64_t strides[kMaxInputs];
  for (int i = 0; i < p.num_inputs; ++i) {
    std::int64_t offset = 0;
    for (int d = 0; d <= inner; ++d) offset += index[d] * p.strides[i][d];
    at[i] = p.in[i] ? p.in[i] + offset * p.in_size[i] : nullptr;
    strides[i] = p.strides[i][inner];
  }
  while (begin < end) {
    const std::int64_t n = std::min(p.sizes[inner] - index[inner], end - begin);
    p.line(p.op, p.out + begin * p.out_size, reinterpret_cast<const void* const*>(at), strides, n);
    begin += n;
    if (begin == end) return;
    for (int i = 0; i < p.num_inputs; ++i)
      if (at[i]) at[i] -= index[inner] * p.strides[i][inner] * p.in_size[i];
    index[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {
      for (int i = 0; i < p.num_inputs; ++i)
        if (at[i]) at[i] += p.strides[i][d] * p.in_size[i];
      if (++index[d] < p.sizes[d]) break;
      for (int i = 0; i < p.num_inputs; ++i)
        if (at[i]) at[i] -= index[d] * p.strides[i][d] * p.in_size[i];
      index[d] = 0;
    }
  }
}

}  // namespace

void run_lines(PointwiseFn line, const void* op, const TensorView& out, const TensorView* in,
               int num_inputs) {
  if (out.numel == 0) return;
  Plan p;
  p.line = line;
  p.op = op;
  p.out = static_cast<char*>(out.data);
  p.out_size = static_cast<std::int64_t>(size_of(out.dtype));
  p.num_inputs = num_inputs;
  for (int i = 0; i < num_inputs; ++i) {
    p.in[i] = static_cast<const char*>(in[i].data);
    p.in_size[i] = static_cast<std::int64_t>(size_of(in[i].dtype));
  }
  // A dimension merges into the one before it when every input steps through both in one stride.
  for (int d = 0; d < out.shape.rank(); ++d) {
    if (out.shape[d] == 1) continue;
    bool merges = p.rank > 0;
    for (int i = 0; merges && i < num_inputs; ++i)
      if (in[i].data && p.strides[i][p.rank - 1] != in[i].strides[d] * out.shape[d]) merges = false;
    if (merges)
      p.sizes[p.rank - 1] *= out.shape[d];
    else
      p.sizes[p.rank++] = out.shape[d];
    for (int i = 0; i < num_inputs; ++i)
      p.strides[i][p.rank - 1] = in[i].data ? in[i].strides[d] : 0;
  }
  if (p.rank == 0) {
    p.rank = 1;
    p.sizes[0] = 1;
    for (int i = 0; i < num_inputs; ++i) p.strides[i][0] = 1;
  }
  parallel_for(
      out.numel, kChunk,
      [](void* plan, std::int64_t begin, std::int64_t end) {
        run_range(*static_cast<const Plan*>(plan), begin, end);
      },
      &p);
}

}  // namespace catena::cpu
