// Conversions between all dtypes, and plain copies.
//
// Reals to integers go towards zero and stop at the ends of the range; NaN gives 0. Integers to
// narrower integers keep the low bits. To bool: x != 0. To float16 and bfloat16: rounded once, to
// nearest, ties to even, whatever the source.
#include "catena/ops/cast.hpp"

#include "catena/backends/cpu/copy.hpp"
#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Storage of the dtypes that are no arithmetic type of C++ here.
struct Bool {
  std::uint8_t byte;
};
struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};

template <class A, class B>
inline constexpr bool kSame = __is_same(A, B);
template <class T>
inline constexpr bool kIsSmallFloat = kSame<T, Half> || kSame<T, Brain>;
template <class T>
inline constexpr bool kIsReal = kSame<T, float> || kSame<T, double> || kIsSmallFloat<T>;

CATENA_INLINE std::uint32_t bits_of(float x) { return __builtin_bit_cast(std::uint32_t, x); }
CATENA_INLINE float float_of(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }

// --- Between float and the 16-bit floats ---

CATENA_INLINE float widen(Brain x) { return float_of(std::uint32_t{x.bits} << 16); }
CATENA_INLINE Brain narrow(float x, Brain) {
  const std::uint32_t b = bits_of(x);
  const std::uint32_t rounded = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
  return {static_cast<std::uint16_t>(x != x ? (b >> 16 | 0x40u) : rounded)};
}

// The bit code gives what the F16C instructions give, NaN included.
CATENA_INLINE float widen(Half x) {
  const std::uint32_t sign = (x.bits & 0x8000u) << 16, magnitude = (x.bits & 0x7fffu) << 13;
  const std::uint32_t normal = magnitude + (112u << 23);
  const float subnormal = float_of(magnitude + (113u << 23)) - float_of(113u << 23);
  const std::uint32_t special =
      magnitude + (224u << 23) + (magnitude > 0x0f800000u ? 0x400000u & ~magnitude : 0u);
  const std::uint32_t b = magnitude >= 0x0f800000u  ? special
                          : magnitude < 0x00800000u ? bits_of(subnormal)
                                                    : normal;
  return float_of(b | sign);
}
CATENA_INLINE Half narrow(float x, Half) {
  const std::uint32_t b = bits_of(x), sign = b >> 16 & 0x8000u, a = b & 0x7fffffffu;
  const std::uint32_t normal = (a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13;
  // Adding 0.5 rounds at the place of the last bit of a subnormal.
  const std::uint32_t subnormal = bits_of(float_of(a) + 0.5f) - 0x3f000000u;
  const std::uint32_t nan = 0x7e00u | (a >> 13 & 0x1ffu);
  const std::uint32_t r = a > 0x7f800000u    ? nan
                          : a >= 0x47800000u ? 0x7c00u
                          : a < 0x38800000u  ? subnormal
                                             : normal;
  return {static_cast<std::uint16_t>(r | sign)};
}

// To float so that rounding once more to 16 bits gives the nearest 16-bit value of the original:
// where digits are lost, the last kept one is made odd.
CATENA_INLINE float to_odd_float(double x) {
  const float f = static_cast<float>(x);
  const double back = f;
  std::uint32_t b = bits_of(f);
  const double ax = x < 0 ? -x : x, aback = back < 0 ? -back : back;
  b -= aback > ax ? 1u : 0u;
  return float_of(b | (back != x && x == x ? 1u : 0u));
}
CATENA_INLINE float to_odd_float(std::int64_t x) {
  const bool lossy = (x & 0x7ff) != 0 && (x >> 53 != 0 && x >> 53 != -1);
  return to_odd_float(static_cast<double>(lossy ? ((x >> 11 | 1) << 11) : x));
}
CATENA_INLINE float to_odd_float(std::uint64_t x) {
  const bool lossy = (x & 0x7ff) != 0 && x >> 53 != 0;
  return to_odd_float(static_cast<double>(lossy ? ((x >> 11 | 1) << 11) : x));
}

// --- One value ---

template <class To, class From>
CATENA_INLINE To real_to_integer(From x) {
  constexpr To kLow = std::numeric_limits<To>::min(), kHigh = std::numeric_limits<To>::max();
  constexpr From kEnd = From{2} * static_cast<From>(To{1} << (std::numeric_limits<To>::digits - 1));
  From y = x == x ? x : From{0};
  y = y < static_cast<From>(kLow) ? static_cast<From>(kLow) : y;
  const bool over = y >= kEnd;
  y = over ? From{0} : y;
  if constexpr (sizeof(To) < 4)
    return over ? kHigh : static_cast<To>(static_cast<std::int32_t>(y));
  else
    return over ? kHigh : static_cast<To>(y);
}

template <class To, class From>
CATENA_INLINE To convert(From x) {
  if constexpr (kSame<From, Bool>) {
    return convert<To>(static_cast<std::uint8_t>(x.byte != 0));
  } else if constexpr (kIsSmallFloat<From>) {
    return convert<To>(widen(x));
  } else if constexpr (kSame<To, Bool>) {
    return Bool{static_cast<std::uint8_t>(x != 0)};
  } else if constexpr (kIsSmallFloat<To>) {
    if constexpr (kSame<From, float> || sizeof(From) < 4)
      return narrow(static_cast<float>(x), To{});
    else if constexpr (kSame<From, double>)
      return narrow(to_odd_float(x), To{});
    else if constexpr (From(-1) < From(0))
      return narrow(to_odd_float(static_cast<std::int64_t>(x)), To{});
    else
      return narrow(to_odd_float(static_cast<std::uint64_t>(x)), To{});
  } else if constexpr (kIsReal<From> && !kIsReal<To>) {
    return real_to_integer<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

// --- One line ---

#if defined(__F16C__)
// Sixteen at a time; a shorter rest goes through buffers.
CATENA_INLINE void widen_16(const Half* in, float* out) {
  for (int k = 0; k < 16; k += 8)
    _mm256_storeu_ps(out + k,
                     _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + k))));
}
CATENA_INLINE void narrow_16(const float* in, Half* out) {
  for (int k = 0; k < 16; k += 8)
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(out + k),
        _mm256_cvtps_ph(_mm256_loadu_ps(in + k), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
template <class From, class To, void (*Step)(const From*, To*)>
CATENA_INLINE void by_sixteen(const From* in, To* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) Step(in + i, out + i);
  if (i == n) return;
  From rest_in[16] = {};
  To rest_out[16];
  for (std::int64_t k = i; k < n; ++k) rest_in[k - i] = in[k];
  Step(rest_in, rest_out);
  for (std::int64_t k = i; k < n; ++k) out[k] = rest_out[k - i];
}
#endif

template <class From, class To>
void convert_line(const void* source, std::int64_t stride, void* target, std::int64_t n) {
  const From* in = static_cast<const From*>(source);
  To* out = static_cast<To*>(target);
#if defined(__F16C__)
  if constexpr (kSame<From, Half> && kSame<To, float>) {
    if (stride == 1) return by_sixteen<Half, float, widen_16>(in, out, n);
  } else if constexpr (kSame<From, float> && kSame<To, Half>) {
    if (stride == 1) return by_sixteen<float, Half, narrow_16>(in, out, n);
  }
#endif
  if (stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = convert<To>(in[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = convert<To>(in[i * stride]);
  }
}

using Line = void (*)(const void*, std::int64_t, void*, std::int64_t);

struct Lines {
  Line to[kNumDTypes];
};
// In the order of DType.
template <class From>
constexpr Lines kLinesFrom = {
    {convert_line<From, float>, convert_line<From, double>, convert_line<From, std::int32_t>,
     convert_line<From, std::int64_t>, convert_line<From, std::uint8_t>, convert_line<From, Bool>,
     convert_line<From, Half>, convert_line<From, Brain>, convert_line<From, std::int8_t>,
     convert_line<From, std::int16_t>, convert_line<From, std::uint16_t>,
     convert_line<From, std::uint32_t>, convert_line<From, std::uint64_t>}};
constexpr Lines kLines[kNumDTypes] = {
    kLinesFrom<float>,        kLinesFrom<double>,        kLinesFrom<std::int32_t>,
    kLinesFrom<std::int64_t>, kLinesFrom<std::uint8_t>,  kLinesFrom<Bool>,
    kLinesFrom<Half>,         kLinesFrom<Brain>,         kLinesFrom<std::int8_t>,
    kLinesFrom<std::int16_t>, kLinesFrom<std::uint16_t>, kLinesFrom<std::uint32_t>,
    kLinesFrom<std::uint64_t>};

constexpr std::int64_t kGrain = 65536;  // elements

void cast_kernel(const void*, const KernelContext& c) {
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  const Line line = kLines[static_cast<int>(x.dtype)].to[static_cast<int>(y.dtype)];
  const std::int64_t in_bytes = element_bytes(x.dtype);
  const std::int64_t out_bytes = element_bytes(y.dtype);
  const char* in = static_cast<const char*>(x.data);
  char* out = static_cast<char*>(y.data);
  if (x.numel == 0) return;
  if (x.contiguous) {
    parallel(x.numel, kGrain, [&](std::int64_t begin, std::int64_t end) {
      line(in + begin * in_bytes, 1, out + begin * out_bytes, end - begin);
    });
    return;
  }
  const std::int64_t length = x.shape.data()[x.shape.rank() - 1];
  const std::int64_t stride = x.strides.data()[x.shape.rank() - 1];
  parallel(x.numel / length, max_of<std::int64_t>(1, kGrain / length),
           [&](std::int64_t begin, std::int64_t end) {
             LineIterator lines(x);
             lines.seek(begin);
             for (std::int64_t i = begin; i < end; ++i, lines.next())
               line(in + lines.offset * in_bytes, stride, out + i * length * out_bytes, length);
           });
}

void cast_entries(const void* op, std::int64_t, const void* in, std::int64_t stride,
                  DType in_dtype, void* out, std::int64_t n) {
  const DType to = static_cast<const op::Cast*>(op)->dtype;
  kLines[static_cast<int>(in_dtype)].to[static_cast<int>(to)](in, stride, out, n);
}

void clone_kernel(const void*, const KernelContext& c) { copy_strided(c.outputs[0], c.inputs[0]); }

}  // namespace

KernelRow row_Cast() {
  return {.forward = cast_kernel,
          .entries = cast_entries,
          .dtypes = kAllTypes,
          .strided_inputs = true};
}

KernelRow row_Clone() {
  return {.forward = clone_kernel, .dtypes = kAllTypes, .strided_inputs = true};
}

}  // namespace catena::cpu::CATENA_ISA
