// Fill, strided copies and accumulation: what the backend offers besides the ops' kernels.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstring>

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {
namespace {

template <class T>
struct Copy {
  __device__ T operator()(T x) const { return x; }
};
template <class T>
struct Plus {
  __device__ T operator()(T a, T b) const { return static_cast<T>(a + b); }
};
struct PlusHalf {
  __device__ __half operator()(__half a, __half b) const {
    return __float2half_rn(__half2float(a) + __half2float(b));
  }
};
struct PlusBFloat {
  __device__ __nv_bfloat16 operator()(__nv_bfloat16 a, __nv_bfloat16 b) const {
    return __float2bfloat16_rn(__bfloat162float(a) + __bfloat162float(b));
  }
};

template <class T>
struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};
template <class T>
void fill_as(void* dst, const void* value, std::size_t count, int device) {
  Constant<T> f;
  std::memcpy(&f.value, value, sizeof(T));
  TensorView out;
  out.data = dst;
  out.dtype = dtype_of<T>();
  out.shape = {static_cast<std::int64_t>(count)};
  out.strides = {1};
  out.numel = static_cast<std::int64_t>(count);
  map<T>(f, {&out}, device, stream_of(device));
}

template <class T>
void copy_as(const TensorView& dst, const TensorView& src, int device) {
  map<T, T>(Copy<T>{}, {&dst, &src}, device, stream_of(device));
}
template <class T, class F>
void add_as(const F& f, const TensorView& dst, const TensorView& src, int device) {
  map<T, T, T>(f, {&dst, &dst, &src}, device, stream_of(device));
}

}  // namespace

void fill_elements(void* dst, const void* value, std::size_t element_bytes, std::size_t count,
                   int device) {
  switch (element_bytes) {
    case 1:
      return fill_as<std::uint8_t>(dst, value, count, device);
    case 2:
      return fill_as<std::uint16_t>(dst, value, count, device);
    case 4:
      return fill_as<std::uint32_t>(dst, value, count, device);
    case 8:
      return fill_as<std::uint64_t>(dst, value, count, device);
    default:
      fail(ErrorKind::kInternal, "[cuda] fill of elements of %zu bytes; expected 1, 2, 4 or 8",
           element_bytes);
  }
}

void copy_strided(const TensorView& dst, const TensorView& src, int device) {
  switch (size_of(src.dtype)) {
    case 1:
      return copy_as<std::uint8_t>(dst, src, device);
    case 2:
      return copy_as<std::uint16_t>(dst, src, device);
    case 4:
      return copy_as<std::uint32_t>(dst, src, device);
    default:
      return copy_as<std::uint64_t>(dst, src, device);
  }
}

void add_in_place(const TensorView& dst, const TensorView& src, int device) {
  switch (dst.dtype) {
    case kFloat32:
      return add_as<float>(Plus<float>{}, dst, src, device);
    case kFloat64:
      return add_as<double>(Plus<double>{}, dst, src, device);
    case kInt32:
      return add_as<std::int32_t>(Plus<std::int32_t>{}, dst, src, device);
    case kInt64:
      return add_as<std::int64_t>(Plus<std::int64_t>{}, dst, src, device);
    case kUInt8:
      return add_as<std::uint8_t>(Plus<std::uint8_t>{}, dst, src, device);
    case kFloat16:
      return add_as<__half>(PlusHalf{}, dst, src, device);
    case kBFloat16:
      return add_as<__nv_bfloat16>(PlusBFloat{}, dst, src, device);
    default:
      fail(ErrorKind::kUnsupported,
           "[cuda] no in-place addition for dtype number %d; expected float32, float64, float16, "
           "bfloat16, int32, int64 or uint8; convert with to(dtype)",
           static_cast<int>(dst.dtype));
  }
}

}  // namespace catena::gpu
