// One walk over the state of optimizers serves saving, checking and loading; access to the memory
// of dense CPU tensors for the fused updates. Not a public header.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::optim::detail {

class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void value(std::string_view name, double& v) = 0;
  virtual void value(std::string_view name, std::int64_t& v) = 0;
  virtual void value(std::string_view name, bool& v) = 0;
  // A tensor of the shape of the parameter under way; undefined until first needed.
  virtual void tensor(std::string_view name, Tensor& t) = 0;

  std::string prefix;             // of the names that follow, e.g. "params.3."
  const Tensor* param = nullptr;  // the parameter under way
};

// True when `param` and everything that goes with it is contiguous float32 or float64 CPU memory,
// so that one pass over plain arrays updates it.
bool is_dense_cpu(const Tensor& param);
// `grad` in the layout and dtype the fused update reads.
Tensor dense_like(const Tensor& grad, const Tensor& param);

// Makes a state tensor one of the parameter's shape, dtype and device: zeros at first, converted
// when the model was moved since.
void follow(Tensor& state, const Tensor& param);

// The memory behind a tensor, computed if it was pending. write_pointer counts as an in-place
// write: pending readers run first, and a tape that saved the old value will say so.
const void* read_pointer(const Tensor& t);
void* write_pointer(const Tensor& t, const std::source_location& loc);

}  // namespace catena::optim::detail
