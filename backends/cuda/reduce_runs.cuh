// Reduction over any dimensions, run after run.
#pragma once

#include "catena/backends/cuda/reduce.cuh"

namespace catena::gpu {

// The shape as runs of dimensions that are all reduced or all kept.
struct Run {
  std::int64_t size;
  bool reduced;
};
struct Runs {
  Run run[kMaxRank];
  int count = 0;
  std::int64_t reduced_numel = 1;

  Runs(const Shape& shape, const Shape& dims) {
    bool reduced[kMaxRank] = {};
    for (std::int64_t d : dims) reduced[d < 0 ? d + shape.rank() : d] = true;
    for (int d = 0; d < shape.rank(); ++d) {
      const bool is_reduced = dims.empty() || reduced[d];
      if (is_reduced) reduced_numel *= shape[d];
      if (count > 0 && run[count - 1].reduced == is_reduced)
        run[count - 1].size *= shape[d];
      else
        run[count++] = {shape[d], is_reduced};
    }
  }
  // The last run that is still to be reduced, or -1.
  int last_reduced() const {
    for (int i = count - 1; i >= 0; --i)
      if (run[i].reduced) return i;
    return -1;
  }
  int reduced_left() const {
    int n = 0;
    for (int i = 0; i < count; ++i) n += run[i].reduced;
    return n;
  }
  std::int64_t product(int from, int to) const {
    std::int64_t n = 1;
    for (int i = from; i < to; ++i) n *= run[i].size;
    return n;
  }
};

// Reduces the runs one after the other, the innermost first: `first` reads the elements, `next` the
// results of a run before, and `last` or `only` makes the result.
template <class First, class Next, class Last, class Only>
void reduce_runs(Runs runs, const First& first, const Next& next, const Last& last,
                 const Only& only, const KernelContext& c) {
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  const void* in = c.input(0).data;
  if (runs.last_reduced() < 0) runs.run[runs.count++] = {1, true};
  std::unique_ptr<Scratch> held;
  bool is_first = true;
  while (true) {
    const int k = runs.last_reduced();
    const bool is_last = runs.reduced_left() == 1;
    const std::int64_t outer = runs.product(0, k), n = runs.run[k].size,
                       inner = runs.product(k + 1, runs.count);
    std::unique_ptr<Scratch> result;
    void* out = c.output().data;
    if (!is_last) {
      const auto bytes = static_cast<std::size_t>(outer * inner) * sizeof(typename First::Out);
      result = std::make_unique<Scratch>(bytes, device);
      out = result->data();
    }
    if (is_first && is_last)
      reduce(only, in, out, outer, n, inner, device, stream);
    else if (is_first)
      reduce(first, in, out, outer, n, inner, device, stream);
    else if (is_last)
      reduce(last, in, out, outer, n, inner, device, stream);
    else
      reduce(next, in, out, outer, n, inner, device, stream);
    if (is_last) return;
    held = std::move(result);
    in = held->data();
    runs.run[k] = {1, false};
    is_first = false;
  }
}

}  // namespace catena::gpu
