// Errors that only a kernel can find, because they depend on values. Built once, for the baseline:
// kernel sources must not build strings or throw by themselves.
#pragma once

#include <cstdint>

namespace catena::cpu {

// ArgumentError: target[row] is not one of the classes 0 to classes - 1.
[[noreturn]] void throw_class_index(std::int64_t index, std::int64_t row, std::int64_t classes);

}  // namespace catena::cpu
