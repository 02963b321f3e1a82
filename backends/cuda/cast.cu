// Conversion between any two dtypes, and recorded copies.
#include "catena/ops/cast.hpp"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

// The bits of a `To` of dtype `to`, where all dtypes of one size share the type Bits. Reals to
// 16-bit floats go through float, as on the CPU.
template <class Bits, class Number>
__device__ __forceinline__ Bits encode(Number x, DType to) {
  if constexpr (sizeof(Bits) == 1) {
    switch (to) {
      case DType::kBool:
        return x != Number(0);
      case DType::kInt8:
        return static_cast<Bits>(static_cast<std::int8_t>(x));
      default:
        return static_cast<Bits>(x);
    }
  } else if constexpr (sizeof(Bits) == 2) {
    switch (to) {
      case DType::kFloat16:
        return __half_as_ushort(__float2half_rn(static_cast<float>(x)));
      case DType::kBFloat16:
        return __bfloat16_as_ushort(__float2bfloat16_rn(static_cast<float>(x)));
      case DType::kInt16:
        return static_cast<Bits>(static_cast<std::int16_t>(x));
      default:
        return static_cast<Bits>(x);
    }
  } else if constexpr (sizeof(Bits) == 4) {
    switch (to) {
      case DType::kFloat32:
        return __float_as_uint(static_cast<float>(x));
      case DType::kInt32:
        return static_cast<Bits>(static_cast<std::int32_t>(x));
      default:
        return static_cast<Bits>(x);
    }
  } else {
    switch (to) {
      case DType::kFloat64:
        return static_cast<Bits>(__double_as_longlong(static_cast<double>(x)));
      case DType::kInt64:
        return static_cast<Bits>(static_cast<std::int64_t>(x));
      default:
        return static_cast<Bits>(x);
    }
  }
}

// The value behind `bits`, as double, signed or unsigned integer, whichever holds it exactly.
template <class Bits, class F>
__device__ __forceinline__ auto decode(Bits bits, DType from, const F& f) {
  if constexpr (sizeof(Bits) == 1) {
    return from == DType::kInt8 ? f(std::int64_t{static_cast<std::int8_t>(bits)})
                                : f(std::int64_t{bits});
  } else if constexpr (sizeof(Bits) == 2) {
    switch (from) {
      case DType::kFloat16:
        return f(double{__half2float(__ushort_as_half(bits))});
      case DType::kBFloat16:
        return f(double{__bfloat162float(__ushort_as_bfloat16(bits))});
      case DType::kInt16:
        return f(std::int64_t{static_cast<std::int16_t>(bits)});
      default:
        return f(std::int64_t{bits});
    }
  } else if constexpr (sizeof(Bits) == 4) {
    switch (from) {
      case DType::kFloat32:
        return f(double{__uint_as_float(bits)});
      case DType::kInt32:
        return f(std::int64_t{static_cast<std::int32_t>(bits)});
      default:
        return f(std::int64_t{bits});
    }
  } else {
    switch (from) {
      case DType::kFloat64:
        return f(__longlong_as_double(static_cast<long long>(bits)));
      case DType::kInt64:
        return f(static_cast<std::int64_t>(bits));
      default:
        return f(static_cast<std::uint64_t>(bits));
    }
  }
}

template <class To, class From>
struct Convert {
  DType to, from;
  __device__ __forceinline__ To operator()(From bits) const {
    const DType target = to;
    return decode(bits, from, [target](auto x) { return encode<To>(x, target); });
  }
};

template <class F>
void visit_bits(DType dtype, const F& f) {
  switch (size_of(dtype)) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

void cast(const op::Cast&, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& y = c.output();
  visit_bits(y.dtype, [&](auto to) {
    visit_bits(x.dtype, [&](auto from) {
      using To = decltype(to);
      using From = decltype(from);
      map<To, From>(Convert<To, From>{y.dtype, x.dtype}, {&y, &x}, c.device.index, stream_of(c));
    });
  });
}

void clone(const op::Clone&, const KernelContext& c) {
  copy_strided(c.output(), c.input(0), c.device.index);
}

}  // namespace

KernelRow row_Cast() {
  return {.forward = kernel<op::Cast, cast>(), .dtypes = kAllTypes, .strided_inputs = true};
}
KernelRow row_Clone() {
  return {.forward = kernel<op::Clone, clone>(), .dtypes = kAllTypes, .strided_inputs = true};
}

}  // namespace catena::gpu
