#include "catena/backends/cpu/kernel_error.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/ops/op_list.hpp"

namespace catena::cpu {
namespace {

std::source_location call_location() {
  return detail::thread_state.has_call_site ? detail::thread_state.call_site
                                            : std::source_location{};
}

}  // namespace

void throw_class_index(std::int64_t index, std::int64_t row, std::int64_t classes) {
  throw_argument(OpName<op::CrossEntropy>::value,
                 fmt::format("target of row {} is class {}, but logits have {} classes; expected "
                             "an index from 0 to {}",
                             row, index, classes, classes - 1),
                 call_location());
}

}  // namespace catena::cpu
