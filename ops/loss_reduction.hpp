// How the losses of the entries become one number.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

namespace catena {

enum class Reduction : int { kMean = 0, kSum = 1, kNone = 2 };
// "mean", "sum", "none"; any other name is an ArgumentError that suggests the nearest.
Reduction reduction_from_name(std::string_view name,
                              std::source_location loc = std::source_location::current());
const char* name_of(Reduction reduction);

// What the attribute of that name means.
inline constexpr const char* kReductionDoc = "\"mean\", \"sum\" or \"none\"";

namespace detail {
// False when there is none of this name; then what is wrong, as a message.
bool find_reduction(std::string_view name, Reduction* found);
std::string unknown_reduction(std::string_view name);
}  // namespace detail

}  // namespace catena
