// What dispatch tells an active trace; implemented in graph/trace.cpp.
#pragma once

#include <source_location>

#include "catena/graph/op.hpp"

namespace catena {

class Tracer {
 public:
  virtual ~Tracer() = default;
  // One executed call (composite ops report what they expand into). The attributes are copied.
  virtual void record(const OpInfo& op, const void* attrs, detail::TensorImpl* const* inputs,
                      int num_inputs, detail::TensorImpl* const* outputs, int num_outputs,
                      const std::source_location& location) = 0;
  // A value was read on the host (item, data, to_vector): the graph would freeze it.
  virtual void value_read(detail::TensorImpl* tensor, const std::source_location& location) = 0;
  // `to` is another object for the value of `from`, made outside of dispatch: detach(), or a copy
  // on another device.
  virtual void alias(detail::TensorImpl* from, detail::TensorImpl* to) = 0;
  // Memory was written in place.
  virtual void written(detail::TensorImpl* tensor, const std::source_location& location) = 0;
};

}  // namespace catena
