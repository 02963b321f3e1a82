#include "catena/graph/dtype.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena {
namespace {

constexpr std::string_view kNames[kNumDTypes] = {"float32", "float64", "int32",    "int64", "uint8",
                                                 "bool",    "float16", "bfloat16", "int8",  "int16",
                                                 "uint16",  "uint32",  "uint64"};

std::uint16_t half_bits(float value) {
  const std::uint32_t x = std::bit_cast<std::uint32_t>(value);
  const std::uint16_t sign = static_cast<std::uint16_t>(x >> 16 & 0x8000u);
  const std::uint32_t a = x & 0x7fffffffu;
  if (a > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);   // NaN
  if (a >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // rounds to infinity
  if (a < 0x38800000u) {  // subnormal in binary16: let the adder round at bit 2^-24
    const float shifted = std::bit_cast<float>(a) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  const std::uint32_t odd = a >> 13 & 1u;
  return static_cast<std::uint16_t>(sign | ((a - 0x38000000u + 0xfffu + odd) >> 13));
}

float half_value(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  const std::uint32_t a = h & 0x7fffu;
  if (a >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | (a & 0x3ffu) << 13);
  if (a < 0x400u)  // subnormal: a * 2^-24
    return std::bit_cast<float>(sign |
                                std::bit_cast<std::uint32_t>(static_cast<float>(a) * 0x1p-24f));
  return std::bit_cast<float>(sign | ((a << 13) + 0x38000000u));
}

}  // namespace

Float16::Float16(float value) : bits(half_bits(value)) {}
Float16::operator float() const { return half_value(bits); }

BFloat16::BFloat16(float value) {
  const std::uint32_t x = std::bit_cast<std::uint32_t>(value);
  bits = (x & 0x7fffffffu) > 0x7f800000u
             ? static_cast<std::uint16_t>(x >> 16 | 0x40u)
             : static_cast<std::uint16_t>((x + 0x7fffu + (x >> 16 & 1u)) >> 16);
}
BFloat16::operator float() const {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::string_view name_of(DType dtype) { return kNames[static_cast<int>(dtype)]; }

DType dtype_from_name(std::string_view name) {
  std::string all;
  for (int i = 0; i < kNumDTypes; ++i) {
    if (kNames[i] == name) return static_cast<DType>(i);
    all += fmt::format("{}{}", i ? ", " : "", kNames[i]);
  }
  throw ArgumentError(fmt::format("[dtype] there is no dtype '{}'; expected one of {}", name, all));
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) && is_floating(b)) {
    if (a == kFloat64 || b == kFloat64) return kFloat64;
    return kFloat32;  // also float16 with bfloat16: neither holds the other
  }
  if (is_floating(a)) return a;
  if (is_floating(b)) return b;
  if (a == kBool) return b;
  if (b == kBool) return a;
  const auto is_signed = [](DType t) {
    return t == kInt8 || t == kInt16 || t == kInt32 || t == kInt64;
  };
  if (is_signed(a) == is_signed(b)) return size_of(a) >= size_of(b) ? a : b;
  const DType s = is_signed(a) ? a : b, u = is_signed(a) ? b : a;
  if (size_of(s) > size_of(u)) return s;
  switch (size_of(u)) {  // the next larger signed type holds both
    case 1:
      return kInt16;
    case 2:
      return kInt32;
    case 4:
      return kInt64;
    default:
      return kFloat64;
  }
}

}  // namespace catena
