// The seam between the core and a backend: plain views of memory, rows of kernels, and about a
// dozen functions for memory, copies and streams. It does not grow with the ops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>

#include "catena/graph/device.hpp"
#include "catena/graph/dtype.hpp"
#include "catena/graph/memory.hpp"
#include "catena/graph/shape.hpp"

namespace catena {

struct OpInfo;
struct PointwiseProgram;

// What a kernel sees of a tensor. `data` points at the first element; strides are in elements.
struct TensorView {
  void* data = nullptr;  // null: this value was not saved, or this gradient is not wanted
  DType dtype = kFloat32;
  bool contiguous = true;
  std::int64_t numel = 0;
  Shape shape;
  Shape strides;
  // Set, and data null: the value is computed as it is read (compute_range). Only for rows with
  // reads_programs.
  const PointwiseProgram* program = nullptr;

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  int rank() const { return shape.rank(); }
  std::int64_t size(int dim) const { return shape[dim < 0 ? dim + shape.rank() : dim]; }
};

// Arguments of one kernel call.
//   forward:  inputs = the op's inputs; outputs = its outputs, allocated, contiguous, not filled.
//   backward: inputs = gradients of the outputs, then the op's inputs, then its outputs (only what
//             the op saves, the others have null data); outputs = gradients of the inputs.
struct KernelContext {
  const TensorView* inputs = nullptr;
  TensorView* outputs = nullptr;
  int num_inputs = 0;
  int num_outputs = 0;
  Device device;        // where the kernel runs and the outputs are
  Device input_device;  // where the inputs are: elsewhere only in a copy between devices
  void* stream = nullptr;
  const std::source_location* location = nullptr;  // of the call, for errors about values

  const TensorView& input(int i) const { return inputs[i]; }
  const TensorView& output(int i = 0) const { return outputs[i]; }
  // In a backward kernel of an op with `num_op_inputs` inputs and one output.
  const TensorView& grad_output() const { return inputs[0]; }
};

using KernelFn = void (*)(const void* op, const KernelContext& context);

// One line of elements of a pointwise op: out[i] = f(in0[i * s0], in1[i * s1], ...) for i < n.
// `out` is contiguous. In a gradient line the inputs are: grad, the op's inputs, its output.
using PointwiseFn = void (*)(const void* op, void* out, const void* const* in,
                             const std::int64_t* strides, std::int64_t n);

inline constexpr int kMaxPointwiseInputs = 3;

// The same for an op of one input that is no formula, such as a cast, or whose result depends on
// where an element is, such as a dropout: n elements from row-major position `position`.
using EntriesFn = void (*)(const void* op, std::int64_t position, const void* in,
                           std::int64_t stride, DType in_dtype, void* out, std::int64_t n);

// The inner loops of a pointwise op, by dtype of its compute type; null where there is none. The
// core calls them for contiguous tensors and to run deferred chains block by block.
struct PointwiseLoops {
  PointwiseFn value[kNumDTypes] = {};
  PointwiseFn grad[kMaxPointwiseInputs][kNumDTypes] = {};
  std::uint32_t identity_grads = 0;  // bit i: the gradient of input i is the incoming one itself
};

// What a backend offers for one op.
struct KernelRow {
  KernelFn forward = nullptr;
  KernelFn backward = nullptr;  // optional: the whole gradient in one pass
  const PointwiseLoops* loops = nullptr;
  EntriesFn entries = nullptr;  // optional: what calls may be deferred by; `in` is input 0
  DTypeSet dtypes;              // of the compute dtype (of input 0, or of output 0 without inputs)
  bool strided_inputs = false;  // the kernel reads strides; otherwise inputs are made contiguous
  bool reads_programs = false;  // the kernel reads input 0 once, by row-major ranges
  bool present() const { return forward != nullptr || loops != nullptr; }
};

// A device's memory and streams. One object per backend, never unloaded.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceType type() const = 0;
  virtual const char* name() const = 0;
  virtual int device_count() = 0;
  // 64-byte aligned at least. Throws SystemError when memory is short.
  virtual void* allocate(std::size_t bytes, int device) = 0;
  virtual void free(void* block, std::size_t bytes, int device) noexcept = 0;
  // Copies between host and device, or within the device, ordered on the current stream; a copy to
  // or from the host has finished when the call returns.
  virtual void copy_from_host(void* dst, const void* src, std::size_t bytes, int device) = 0;
  virtual void copy_to_host(void* dst, const void* src, std::size_t bytes, int device) = 0;
  virtual void copy_within(void* dst, const void* src, std::size_t bytes, int device) = 0;
  // `count` elements of `element_bytes` (1, 2, 4 or 8), each a copy of `*value` (on the host).
  virtual void fill(void* dst, const void* value, std::size_t element_bytes, std::size_t count,
                    int device) = 0;
  // dst[...] = src[...] elementwise over equal shapes and dtypes, any strides.
  virtual void copy_strided(const TensorView& dst, const TensorView& src, int device) = 0;
  // dst += src over equal shapes and dtypes, any strides; dst has no overlapping elements.
  virtual void add_in_place(const TensorView& dst, const TensorView& src, int device) = 0;
  // Runs a chain of pointwise calls (graph/pointwise_program.hpp). False where there is no such way;
  // only the CPU is given any.
  virtual bool run(const PointwiseProgram&) { return false; }
  virtual void* current_stream(int device) = 0;
  virtual void synchronize(int device) = 0;
  virtual MemoryStats memory_stats(int device) = 0;
  virtual void release_cached_memory(int device) = 0;
};

// The backend of a device; throws SystemError that says what is missing when there is none.
Backend& backend_of(Device device);
// True when `device` can be used in this process.
bool is_available(Device device);

}  // namespace catena
