#include "catena/backends/cpu/kernel_error.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/op_list.hpp"

namespace catena::cpu {
namespace {

std::source_location location_of(const KernelContext& context) {
  return context.location ? *context.location : std::source_location();
}

}  // namespace

void throw_class_index(std::int64_t index, std::int64_t row, std::int64_t classes,
                       const KernelContext& context) {
  throw_argument(OpName<op::CrossEntropy>::value,
                 fmt::format("target of row {} is class {}, but logits have {} classes; expected "
                             "an index from 0 to {}",
                             row, index, classes, classes - 1),
                 location_of(context));
}

void throw_index_out_of_range(const char* op, std::int64_t index, std::int64_t position,
                              std::int64_t dim, std::int64_t size, const KernelContext& context) {
  const std::string range =
      size == 0 ? std::string("a dimension with entries") : fmt::format("0 to {}", size - 1);
  throw_argument(
      op,
      fmt::format("index {} at position {} is out of range for dimension {} of size {}; expected "
                  "{}",
                  index, position, dim, size, range),
      location_of(context));
}

}  // namespace catena::cpu
