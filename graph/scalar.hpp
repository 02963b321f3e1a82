// A number given where a tensor operand is expected. Scalars are weak: `x * 2` keeps x's dtype.
#pragma once

#include <cstdint>
#include <type_traits>

#include "catena/graph/dtype.hpp"

namespace catena {

class Scalar {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Scalar(T v)  // NOLINT: implicit on purpose, so that `x * 2` works
      : kind_(std::is_floating_point_v<T> ? Kind::kReal
              : std::is_same_v<T, bool>   ? Kind::kBool
                                          : Kind::kInteger),
        real_(static_cast<double>(v)),
        integer_(to_integer(v)) {}

  constexpr bool is_real() const { return kind_ == Kind::kReal; }
  constexpr bool is_bool() const { return kind_ == Kind::kBool; }
  constexpr double real() const { return real_; }
  constexpr std::int64_t integer() const { return integer_; }
  // The value as T; an integer goes through integers, so that no digit above 2^53 is lost.
  template <class T>
  constexpr T as() const {
    if constexpr (std::is_same_v<T, bool>)
      return is_real() ? real_ != 0 : integer_ != 0;
    else if constexpr (std::is_integral_v<T>)
      return is_real() ? static_cast<T>(real_) : static_cast<T>(integer_);
    else if constexpr (std::is_floating_point_v<T>)
      return is_real() ? static_cast<T>(real_) : static_cast<T>(integer_);
    else
      return T(static_cast<float>(real_));
  }

 private:
  enum class Kind : std::uint8_t { kReal, kInteger, kBool };
  template <class T>
  static constexpr std::int64_t to_integer(T v) {
    if constexpr (std::is_floating_point_v<T>)
      return 0;
    else
      return static_cast<std::int64_t>(v);
  }
  Kind kind_;
  double real_;
  std::int64_t integer_;
};

}  // namespace catena
