// Sizes that depend on axes named by the user, such as "batch".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catena/graph/shape.hpp"

namespace catena {

// A size or an integer attribute of a graph: coefficient * (product of axes) + offset. Without axes
// it is the number `offset`. An unknown size follows from the others when the graph runs.
class SymbolicInt {
 public:
  static constexpr int kMaxFactors = 4;
  constexpr SymbolicInt() = default;
  constexpr SymbolicInt(std::int64_t value) : offset_(value) {}  // NOLINT: a number is one
  // coefficient * axes[0] * axes[1] * ... + offset; axes are numbers of the graph's axes.
  SymbolicInt(std::int64_t coefficient, std::span<const int> axes, std::int64_t offset);
  static SymbolicInt axis(int number) {
    return SymbolicInt(1, std::span<const int>(&number, 1), 0);
  }
  static constexpr SymbolicInt unknown() {
    SymbolicInt s;
    s.known_ = false;
    return s;
  }

  constexpr bool is_known() const { return known_; }
  constexpr bool is_constant() const { return known_ && num_axes_ == 0; }
  constexpr std::int64_t offset() const { return offset_; }
  constexpr std::int64_t coefficient() const { return coefficient_; }
  constexpr int num_axes() const { return num_axes_; }
  constexpr int axis_at(int i) const { return axes_[i]; }

  // The value for these sizes of the axes; nothing when it is unknown or beyond 64 bits.
  std::optional<std::int64_t> evaluate(std::span<const std::int64_t> axis_sizes) const;
  friend bool operator==(const SymbolicInt&, const SymbolicInt&) = default;

 private:
  std::int64_t coefficient_ = 0;
  std::int64_t offset_ = 0;
  std::uint16_t axes_[kMaxFactors] = {};  // ascending
  std::uint8_t num_axes_ = 0;
  bool known_ = true;
};

using SymbolicShape = std::vector<SymbolicInt>;

SymbolicShape to_symbolic(const Shape& shape);

// "batch", "2*batch", "batch+1", "16", "?".
std::string to_string(const SymbolicInt& value, std::span<const std::string> axis_names);
std::string to_string(const SymbolicShape& shape, std::span<const std::string> axis_names);

// The expression of the axes that is `first` at `sizes_first` and `second` at `sizes_second`: a
// number, a number times a product of axes, or an axis plus a number. Nothing when none or several
// are.
std::optional<SymbolicInt> fit_symbolic(std::int64_t first, std::int64_t second,
                                        std::span<const std::int64_t> sizes_first,
                                        std::span<const std::int64_t> sizes_second);

// Other sizes (distinct primes above all of `sizes`) at which no two expressions that agree at
// `sizes` agree again.
std::vector<std::int64_t> distinguishing_sizes(std::span<const std::int64_t> sizes);

}  // namespace catena
