// Element types. All thirteen can be stored, viewed, converted and saved; the six of
// `is_compute_dtype` are the ones kernels calculate with.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace catena {

enum class DType : std::uint8_t {
  kFloat32,
  kFloat64,
  kInt32,
  kInt64,
  kUInt8,
  kBool,
  kFloat16,
  kBFloat16,
  kInt8,
  kInt16,
  kUInt16,
  kUInt32,
  kUInt64,
};
inline constexpr int kNumDTypes = 13;

inline constexpr DType kFloat32 = DType::kFloat32;
inline constexpr DType kFloat64 = DType::kFloat64;
inline constexpr DType kInt32 = DType::kInt32;
inline constexpr DType kInt64 = DType::kInt64;
inline constexpr DType kUInt8 = DType::kUInt8;
inline constexpr DType kBool = DType::kBool;
inline constexpr DType kFloat16 = DType::kFloat16;
inline constexpr DType kBFloat16 = DType::kBFloat16;
inline constexpr DType kInt8 = DType::kInt8;
inline constexpr DType kInt16 = DType::kInt16;
inline constexpr DType kUInt16 = DType::kUInt16;
inline constexpr DType kUInt32 = DType::kUInt32;
inline constexpr DType kUInt64 = DType::kUInt64;

// IEEE 754 binary16, stored as bits; conversions round to nearest, ties to even.
struct Float16 {
  std::uint16_t bits = 0;
  Float16() = default;
  explicit Float16(float value);
  explicit operator float() const;
  friend bool operator==(Float16, Float16) = default;
};

// The upper half of a binary32, stored as bits; conversions round to nearest, ties to even.
struct BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
  friend bool operator==(BFloat16, BFloat16) = default;
};

namespace detail {
inline constexpr std::uint8_t kDTypeSize[kNumDTypes] = {4, 8, 4, 8, 1, 1, 2, 2, 1, 2, 2, 4, 8};
}

// Bytes of one element.
constexpr std::size_t size_of(DType dtype) {
  return detail::kDTypeSize[static_cast<std::size_t>(dtype)];
}

constexpr bool is_floating(DType t) {
  return t == kFloat32 || t == kFloat64 || t == kFloat16 || t == kBFloat16;
}
constexpr bool is_compute_dtype(DType t) { return static_cast<int>(t) <= static_cast<int>(kBool); }
constexpr bool is_differentiable(DType t) { return is_floating(t); }

// "float32", "int64", ...: NumPy's names.
std::string_view name_of(DType dtype);
// The inverse of name_of; throws ArgumentError and lists the names when there is no such dtype.
DType dtype_from_name(std::string_view name);

// The dtype both operands of an arithmetic op are converted to; NumPy's lattice with PyTorch's
// rule that an integer meeting a floating type takes that floating type.
DType promote(DType a, DType b);

// C++ type -> DType.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return kFloat32;
  else if constexpr (std::is_same_v<T, double>)
    return kFloat64;
  else if constexpr (std::is_same_v<T, bool>)
    return kBool;
  else if constexpr (std::is_same_v<T, Float16>)
    return kFloat16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return kBFloat16;
  else {
    static_assert(std::is_integral_v<T>, "catena has no dtype for this C++ type");
    if constexpr (std::is_signed_v<T>) {
      if constexpr (sizeof(T) == 1)
        return kInt8;
      else if constexpr (sizeof(T) == 2)
        return kInt16;
      else if constexpr (sizeof(T) == 4)
        return kInt32;
      else
        return kInt64;
    } else {
      if constexpr (sizeof(T) == 1)
        return kUInt8;
      else if constexpr (sizeof(T) == 2)
        return kUInt16;
      else if constexpr (sizeof(T) == 4)
        return kUInt32;
      else
        return kUInt64;
    }
  }
}

// A set of dtypes; a kernel row states the ones it takes.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  template <class... Ts>
  requires(std::is_same_v<Ts, DType>&&...) constexpr explicit DTypeSet(Ts... ts)
      : bits_(((1u << static_cast<unsigned>(ts)) | ... | 0u)) {}
  constexpr bool contains(DType t) const { return bits_ >> static_cast<unsigned>(t) & 1u; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr DTypeSet operator|(DTypeSet o) const { return from_bits(bits_ | o.bits_); }
  constexpr std::uint32_t bits() const { return bits_; }
  static constexpr DTypeSet from_bits(std::uint32_t bits) {
    DTypeSet s;
    s.bits_ = bits;
    return s;
  }

 private:
  std::uint32_t bits_ = 0;
};

inline constexpr DTypeSet kFloatTypes{kFloat32, kFloat64};
inline constexpr DTypeSet kNumberTypes{kFloat32, kFloat64, kInt32, kInt64, kUInt8};
inline constexpr DTypeSet kComputeTypes{kFloat32, kFloat64, kInt32, kInt64, kUInt8, kBool};
inline constexpr DTypeSet kAllTypes = DTypeSet::from_bits((1u << kNumDTypes) - 1);

// Calls f(T{}) with the C++ type of `dtype`, any of the thirteen.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      return f(double{});
    case DType::kInt32:
      return f(std::int32_t{});
    case DType::kInt64:
      return f(std::int64_t{});
    case DType::kUInt8:
      return f(std::uint8_t{});
    case DType::kBool:
      return f(bool{});
    case DType::kFloat16:
      return f(Float16{});
    case DType::kBFloat16:
      return f(BFloat16{});
    case DType::kInt8:
      return f(std::int8_t{});
    case DType::kInt16:
      return f(std::int16_t{});
    case DType::kUInt16:
      return f(std::uint16_t{});
    case DType::kUInt32:
      return f(std::uint32_t{});
    case DType::kUInt64:
      break;
  }
  return f(std::uint64_t{});
}

}  // namespace catena
