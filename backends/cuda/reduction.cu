// sum, mean, max, argmax.
#include "catena/ops/reduction.hpp"

#include "catena/backends/cuda/reduce.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

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

void sum(const op::Sum& op, const KernelContext& c) {
  visit_compute(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    const SumOf<T> first;
    const SumOf<typename SumOf<T>::Out> next;
    reduce_runs(Runs(c.input(0).shape, op.dims), first, next, next, first, c);
  });
}

void mean(const op::Mean& op, const KernelContext& c) {
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    const Runs runs(c.input(0).shape, op.dims);
    const SumOf<T> step;
    const MeanOf<T> last(runs.reduced_numel);
    reduce_runs(runs, step, step, last, last, c);
  });
}

void max(const op::Max& op, const KernelContext& c) {
  visit_compute(c.input(0).dtype, [&](auto zero) {
    const MaxOf<decltype(zero)> step;
    reduce_runs(Runs(c.input(0).shape, op.dims), step, step, step, step, c);
  });
}

void argmax(const op::Argmax& op, const KernelContext& c) {
  const Shape& shape = c.input(0).shape;
  std::int64_t outer = 1, n = 1, inner = 1;
  if (shape.rank() > 0) {
    const auto dim = static_cast<int>(op.dim < 0 ? op.dim + shape.rank() : op.dim);
    for (int d = 0; d < dim; ++d) outer *= shape[d];
    n = shape[dim];
    for (int d = dim + 1; d < shape.rank(); ++d) inner *= shape[d];
  }
  visit_compute(c.input(0).dtype, [&](auto zero) {
    reduce(ArgmaxOf<decltype(zero)>{}, c.input(0).data, c.output().data, outer, n, inner,
           c.device.index, stream_of(c));
  });
}

}  // namespace

KernelRow row_Sum() { return {.forward = kernel<op::Sum, sum>(), .dtypes = kComputeTypes}; }
KernelRow row_Mean() { return {.forward = kernel<op::Mean, mean>(), .dtypes = kFloatTypes}; }
KernelRow row_Max() { return {.forward = kernel<op::Max, max>(), .dtypes = kComputeTypes}; }
KernelRow row_Argmax() {
  return {.forward = kernel<op::Argmax, argmax>(), .dtypes = kComputeTypes};
}

}  // namespace catena::gpu
