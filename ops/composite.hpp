// What ops that are made of others say and do alike; some of it is for shape rules too.
// Not a public header.
#pragma once

#include <fmt/format.h>

#include "catena/graph/thread_state.hpp"
#include "catena/ops/loss_reduction.hpp"
#include "catena/ops/reduction.hpp"

namespace catena::detail {

// What is wrong with the dtype of an input that should be floating.
inline std::string not_floating(std::string_view input, DType dtype) {
  return fmt::format(
      "{} is {}; expected float32 or float64; convert it first, e.g. with x.to(kFloat32)", input,
      name_of(dtype));
}

// An error of a composite op at the line of the call, which dispatch has put in force.
template <class Op>
[[noreturn]] void fail(const Op&, const std::string& what) {
  throw_argument(OpName<Op>::value, what, thread_state.call_site);
}

template <class Op>
Reduction checked_reduction(const Op& op) {
  Reduction reduction = Reduction::kMean;
  if (!find_reduction(op.reduction, &reduction)) fail(op, unknown_reduction(op.reduction));
  return reduction;
}

// Takes the handle: a loss that is not computed yet is then summed as it is computed, without
// memory of its own. That holds for what it is made of, too, if no handle is left.
inline Tensor reduced(Tensor losses, Reduction reduction) {
  if (reduction == Reduction::kNone) return losses;
  return reduction == Reduction::kSum ? sum(std::move(losses)) : mean(std::move(losses));
}

}  // namespace catena::detail
