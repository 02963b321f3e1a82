// A chain of pointwise calls as a backend runs it: a straight-line program over one shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "catena/graph/backend.hpp"

namespace catena {

struct OpInfo;

// Step k computes one value for all elements from earlier steps and from memory. A backend runs
// blocks of elements through all steps, so that what lies between them never leaves the cache.
struct PointwiseProgram {
  static constexpr int kMaxInputs = kMaxPointwiseInputs + 2;  // of a gradient line
  static constexpr int kMaxSteps = 256;
  static constexpr int kMaxMemory = 256;

  // An input in memory, broadcast to the shape of the program.
  struct Memory {
    const void* data = nullptr;
    std::int64_t element_bytes = 0;
    bool contiguous = false;              // row-major without holes
    bool repeated = false;                // one value for all elements
    std::int64_t strides[kMaxRank] = {};  // along `sizes`, in elements
  };
  struct Source {
    enum Kind : std::uint8_t { kNothing, kStep, kMemory };  // kNothing: the line gets null
    Kind kind = kNothing;
    int index = 0;
  };
  struct Step {
    PointwiseFn line = nullptr;    // or
    EntriesFn entries = nullptr;   // of one input
    DType input_dtype = kFloat32;  // of `entries`
    const OpInfo* info = nullptr;
    const void* op = nullptr;  // the attributes
    DType dtype = kFloat32;    // of the value
    int num_inputs = 0;
    Source inputs[kMaxInputs];
    void* result = nullptr;  // row-major memory for the value, or null
    int slot = -1;  // without memory: the block buffer its value stands in; -1: the reader's own
  };

  std::int64_t numel = 0;
  // The shape, its dimensions merged where all of `memory` step through them in one stride.
  int rank = 0;
  std::int64_t sizes[kMaxRank] = {};
  std::vector<Memory> memory;
  std::vector<Step> steps;
  int slots = 0;

  // Steps [first, end) that a backend computes with one function, values between them in registers.
  struct Joined {
    int first = 0, end = 0;
    void (*code)(const void* const* inputs, void* const* outputs, std::int64_t n) = nullptr;
    std::vector<Source> inputs;
    std::vector<int> outputs;  // steps whose values others read
  };
  // In order; the backend finds them when it first runs the program.
  mutable std::vector<Joined> joined;
  mutable std::once_flag joined_once;
};

}  // namespace catena
