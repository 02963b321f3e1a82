#include "catena/graph/symbolic.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena {

SymbolicInt::SymbolicInt(std::int64_t coefficient, std::span<const int> axes, std::int64_t offset)
    : coefficient_(coefficient), offset_(offset) {
  if (axes.size() > kMaxFactors)
    throw ArgumentError(fmt::format("[symbolic] a product of {} axes; expected at most {}",
                                    axes.size(), int{kMaxFactors}));
  for (int axis : axes) {
    if (axis < 0 || axis > 0xffff)
      throw ArgumentError(fmt::format("[symbolic] axis number {}; expected 0 to 65535", axis));
    axes_[num_axes_++] = static_cast<std::uint16_t>(axis);
  }
  std::sort(axes_, axes_ + num_axes_);
  if (num_axes_ == 0) {
    offset_ += coefficient_;
    coefficient_ = 0;
  }
}

std::optional<std::int64_t> SymbolicInt::evaluate(std::span<const std::int64_t> axis_sizes) const {
  if (!known_) return std::nullopt;
  std::int64_t value = coefficient_;
  for (int i = 0; i < num_axes_; ++i) {
    if (axes_[i] >= axis_sizes.size()) return std::nullopt;
    if (__builtin_mul_overflow(value, axis_sizes[axes_[i]], &value)) return std::nullopt;
  }
  if (num_axes_ == 0) value = 0;
  if (__builtin_add_overflow(value, offset_, &value)) return std::nullopt;
  return value;
}

SymbolicShape to_symbolic(const Shape& shape) { return {shape.begin(), shape.end()}; }

std::string to_string(const SymbolicInt& value, std::span<const std::string> axis_names) {
  if (!value.is_known()) return "?";
  if (value.is_constant()) return std::to_string(value.offset());
  std::string s = value.coefficient() == 1 ? "" : fmt::format("{}*", value.coefficient());
  for (int i = 0; i < value.num_axes(); ++i) {
    const auto number = static_cast<std::size_t>(value.axis_at(i));
    if (i) s += '*';
    s += number < axis_names.size() ? axis_names[number] : fmt::format("axis_{}", number);
  }
  if (value.offset() != 0) s += fmt::format("{:+}", value.offset());
  return s;
}

std::string to_string(const SymbolicShape& shape, std::span<const std::string> axis_names) {
  std::string s = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i) s += ", ";
    s += to_string(shape[i], axis_names);
  }
  return s + "]";
}

std::optional<SymbolicInt> fit_symbolic(std::int64_t first, std::int64_t second,
                                        std::span<const std::int64_t> sizes_first,
                                        std::span<const std::int64_t> sizes_second) {
  if (first == second) return SymbolicInt(first);
  const int n = static_cast<int>(sizes_first.size());
  std::optional<SymbolicInt> found;
  int matches = 0;
  // Products of up to kMaxFactors axes, counted in ascending order of axes.
  std::vector<int> axes;
  const auto try_product = [&] {
    std::int64_t a = 1, b = 1;
    for (int k : axes) {
      if (__builtin_mul_overflow(a, sizes_first[static_cast<std::size_t>(k)], &a)) return;
      if (__builtin_mul_overflow(b, sizes_second[static_cast<std::size_t>(k)], &b)) return;
    }
    if (a == 0 || b == 0 || first % a != 0 || second % b != 0 || first / a != second / b) return;
    found = SymbolicInt(first / a, axes, 0);
    ++matches;
  };
  for (int degree = 1; degree <= SymbolicInt::kMaxFactors; ++degree) {
    axes.assign(static_cast<std::size_t>(degree), 0);
    for (bool more = n > 0; more;) {
      try_product();
      int at = degree - 1;
      while (at >= 0 && axes[static_cast<std::size_t>(at)] == n - 1) --at;
      more = at >= 0;
      if (!more) break;
      const int next = axes[static_cast<std::size_t>(at)] + 1;
      std::fill(axes.begin() + at, axes.end(), next);
    }
  }
  for (int k = 0; k < n; ++k) {
    const auto i = static_cast<std::size_t>(k);
    const std::int64_t offset = first - sizes_first[i];
    if (offset == 0 || offset != second - sizes_second[i]) continue;  // 0: found as a product
    found = SymbolicInt(1, std::span<const int>(&k, 1), offset);
    ++matches;
  }
  if (matches != 1) return std::nullopt;
  return found;
}

std::vector<std::int64_t> distinguishing_sizes(std::span<const std::int64_t> sizes) {
  const auto is_prime = [](std::int64_t p) {
    for (std::int64_t d = 2; d * d <= p; ++d)
      if (p % d == 0) return false;
    return p >= 2;
  };
  // Primes above every size make ratios of products unlike; growths that do not divide one another
  // tell "axis + number" from a multiple of another axis.
  std::int64_t candidate = 2;
  for (std::int64_t s : sizes) candidate = std::max(candidate, s + 1);
  std::vector<std::int64_t> result, growths;
  for (std::int64_t size : sizes) {
    for (;; ++candidate) {
      const std::int64_t growth = candidate - size;
      const bool unlike = std::none_of(growths.begin(), growths.end(), [&](std::int64_t g) {
        return growth % g == 0 || g % growth == 0;
      });
      if (growth >= 3 && unlike && is_prime(candidate)) break;
    }
    growths.push_back(candidate - size);
    result.push_back(candidate++);
  }
  return result;
}

}  // namespace catena
