// sum, mean, prod, max, min, argmax, argmin, any, all.
#include "catena/ops/reduction.hpp"

#include "catena/backends/cuda/reduce_runs.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

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

void prod(const op::Prod& op, const KernelContext& c) {
  visit_compute(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    const ProductOf<T> first;
    const ProductOf<typename ProductOf<T>::Out> next;
    reduce_runs(Runs(c.input(0).shape, op.dims), first, next, next, first, c);
  });
}

template <class Op, bool kLargest>
void extreme(const Op& op, const KernelContext& c) {
  visit_compute(c.input(0).dtype, [&](auto zero) {
    const ExtremeOf<decltype(zero), kLargest> step;
    reduce_runs(Runs(c.input(0).shape, op.dims), step, step, step, step, c);
  });
}

template <class Op, bool kAll>
void truth(const Op& op, const KernelContext& c) {
  visit_compute(c.input(0).dtype, [&](auto zero) {
    const TruthOf<decltype(zero), kAll> first;
    const TruthOf<bool, kAll> next;
    reduce_runs(Runs(c.input(0).shape, op.dims), first, next, next, first, c);
  });
}

template <class Op, bool kLargest>
void find(const Op& op, const KernelContext& c) {
  const Shape& shape = c.input(0).shape;
  std::int64_t outer = 1, n = 1, inner = 1;
  if (shape.rank() > 0) {
    const auto dim = static_cast<int>(op.dim < 0 ? op.dim + shape.rank() : op.dim);
    for (int d = 0; d < dim; ++d) outer *= shape[d];
    n = shape[dim];
    for (int d = dim + 1; d < shape.rank(); ++d) inner *= shape[d];
  }
  visit_compute(c.input(0).dtype, [&](auto zero) {
    reduce(PlaceOf<decltype(zero), kLargest>{}, c.input(0).data, c.output().data, outer, n, inner,
           c.device.index, stream_of(c));
  });
}

template <class Op, void (*Fn)(const Op&, const KernelContext&)>
KernelRow any_dtype() {
  return {.forward = kernel<Op, Fn>(), .dtypes = kComputeTypes};
}

}  // namespace

KernelRow row_Sum() { return any_dtype<op::Sum, sum>(); }
KernelRow row_Mean() { return {.forward = kernel<op::Mean, mean>(), .dtypes = kFloatTypes}; }
KernelRow row_Prod() { return any_dtype<op::Prod, prod>(); }
KernelRow row_Max() { return any_dtype<op::Max, extreme<op::Max, true>>(); }
KernelRow row_Min() { return any_dtype<op::Min, extreme<op::Min, false>>(); }
KernelRow row_Argmax() { return any_dtype<op::Argmax, find<op::Argmax, true>>(); }
KernelRow row_Argmin() { return any_dtype<op::Argmin, find<op::Argmin, false>>(); }
KernelRow row_Any() { return any_dtype<op::Any, truth<op::Any, false>>(); }
KernelRow row_All() { return any_dtype<op::All, truth<op::All, true>>(); }

}  // namespace catena::gpu
