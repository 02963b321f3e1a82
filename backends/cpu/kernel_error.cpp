#include "catena/backends/cpu/kernel_error.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena::cpu {
namespace {

std::source_location location_of(const KernelContext& context) {
  return context.location ? *context.location : std::source_location();
}

}  // namespace

void throw_class_index(const char* op, const char* scores, std::int64_t index, std::int64_t row,
                       std::int64_t classes, const KernelContext& context) {
  throw_argument(op,
                 fmt::format("target of row {} is class {}, but {} have {} classes; expected an "
                             "index from 0 to {}",
                             row, index, scores, classes, classes - 1),
                 location_of(context));
}

void throw_index_out_of_range(const char* op, std::int64_t index, std::int64_t position,
                              const Shape& index_shape, std::int64_t dim, std::int64_t size,
                              std::int64_t lowest, const KernelContext& context) {
  // "1" in a vector, "[0, 1]" in a tensor of more dimensions.
  std::string place = fmt::format("{}", position);
  if (index_shape.rank() != 1) {
    Shape at = index_shape;
    for (int d = at.rank() - 1; d >= 0; --d) {
      at[d] = position % index_shape[d];
      position /= index_shape[d];
    }
    place = to_string(at);
  }
  const std::string range = size == 0 ? std::string("a dimension with entries")
                                      : fmt::format("{} to {}", lowest, size - 1);
  throw_argument(
      op,
      fmt::format("index {} at position {} is out of range for dimension {} of size {}; expected "
                  "{}",
                  index, place, dim, size, range),
      location_of(context));
}

void throw_sequence_length(const char* op, std::int64_t length, std::int64_t n, std::int64_t steps,
                           const KernelContext& context) {
  throw_argument(
      op, fmt::format("lengths[{}] is {}; expected 1 to {}, the steps of x", n, length, steps),
      location_of(context));
}

}  // namespace catena::cpu
