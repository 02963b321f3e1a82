#include "catena/graph/scalar_range.hpp"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena::detail {
namespace {

template <class T>
constexpr bool kBounded = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// An unsigned number of 64 bits that int64 does not have.
bool is_above_int64(Scalar value) { return value.integer() < 0 && value.real() > 0; }

}  // namespace

std::string text_of(Scalar value) {
  if (value.is_real()) return fmt::format("{}", value.real());
  return is_above_int64(value) ? fmt::format("{}", static_cast<std::uint64_t>(value.integer()))
                               : fmt::format("{}", value.integer());
}

bool holds(DType dtype, Scalar value) {
  return visit_dtype(dtype, [&]<class T>(T) {
    if constexpr (kBounded<T>) {
      using Limits = std::numeric_limits<T>;
      if (!value.is_real())
        return is_above_int64(value) ? Limits::digits == 64 : std::in_range<T>(value.integer());
      // The number behind the largest is a power of two, which float64 has. False for NaN.
      const double whole = std::trunc(value.real());
      return whole >= static_cast<double>(Limits::min()) && whole < std::ldexp(1, Limits::digits);
    } else {
      return true;
    }
  });
}

void check_holds(std::string_view op, DType dtype, Scalar value, const std::source_location& loc) {
  if (holds(dtype, value)) return;
  visit_dtype(dtype, [&]<class T>(T) {
    if constexpr (kBounded<T>)
      throw_argument(
          op,
          fmt::format("value {} for dtype {}; expected {} to {}; use a wider dtype", text_of(value),
                      name_of(dtype), std::numeric_limits<T>::min(), std::numeric_limits<T>::max()),
          loc);
  });
}

bool is_exact_real(Scalar value) {
  return value.is_real() ||
         (value.real() < 0x1p63 && static_cast<std::int64_t>(value.real()) == value.integer());
}

}  // namespace catena::detail
