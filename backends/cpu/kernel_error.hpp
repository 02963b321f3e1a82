// Errors that only a kernel can find, because they depend on values. Built once, for the baseline:
// kernel sources must not build strings or throw by themselves.
#pragma once

#include <cstdint>

#include "catena/graph/backend.hpp"

namespace catena::cpu {

// ArgumentError of `op`: target[row] is not one of the classes 0 to classes - 1 of its `scores`.
[[noreturn]] void throw_class_index(const char* op, const char* scores, std::int64_t index,
                                    std::int64_t row, std::int64_t classes,
                                    const KernelContext& context);

// ArgumentError of `op`: the entry `index` at row-major `position` of an index tensor of shape
// `index_shape` does not fit dimension `dim` of `size` entries, counted from `lowest` (0, or -size
// where negative ones count from the end).
[[noreturn]] void throw_index_out_of_range(const char* op, std::int64_t index,
                                           std::int64_t position, const Shape& index_shape,
                                           std::int64_t dim, std::int64_t size, std::int64_t lowest,
                                           const KernelContext& context);

// ArgumentError of `op`: sequence n is `length` steps long, which is not in 1..steps.
[[noreturn]] void throw_sequence_length(const char* op, std::int64_t length, std::int64_t n,
                                        std::int64_t steps, const KernelContext& context);

}  // namespace catena::cpu
