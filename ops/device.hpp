// Copies between devices.
#pragma once

#include <source_location>
#include <string>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// y = x in row-major memory of another device. The gradient is copied back. A trace leaves it out:
// a graph runs where its inputs are.
struct ToDevice {
  std::string device = "cpu";
  static constexpr const char* kFormula = "y = x on device";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"device", &ToDevice::device, "\"cpu\", \"cuda:0\", .."}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Identity");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// x itself when it is on `device` already. Errors: SystemError when the device cannot be used.
Tensor to_device(Operand x, Device device);

namespace detail {
// The kernel of ToDevice, for every device: outputs[0] = inputs[0], from input_device to device.
void transfer(const void* op, const KernelContext& context);
}  // namespace detail

}  // namespace catena
