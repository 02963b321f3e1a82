#include "catena/ops/device.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/thread_state.hpp"
#include "catena/graph/trace_hook.hpp"

namespace catena {
namespace {

// No trace sees what is called while one lives.
class Untraced {
 public:
  Untraced() : tracer_(std::exchange(detail::thread_state.tracer, nullptr)) {}
  ~Untraced() { detail::thread_state.tracer = tracer_; }
  Untraced(const Untraced&) = delete;
  Untraced& operator=(const Untraced&) = delete;
  Tracer* tracer() const { return tracer_; }

 private:
  Tracer* tracer_;
};

}  // namespace

namespace op {

void ToDevice::infer(InferContext& c) const {
  Device target;
  try {
    target = device_from_name(device);
  } catch (const ArgumentError&) {
    c.fail(fmt::format("there is no device '{}'; expected cpu, cuda or cuda:N", device));
  }
  c.output(c.shape(0), c.dtype(0), target);
}
void ToDevice::vjp(VjpContext& c) const { c.accumulate(0, to_device(c.grad(), c.input_device(0))); }

}  // namespace op

Tensor to_device(Operand x, Device device) {
  if (!x.impl())
    throw_argument("to", "x is an undefined tensor; give it a value first", x.location());
  if (x.impl()->device == device) return x.tensor();
  const Tensor source = x.tensor();
  const Untraced untraced;
  Tensor copy = detail::call_op(op::ToDevice{to_string(device)}, x);
  if (untraced.tracer()) untraced.tracer()->alias(source.impl(), copy.impl());
  return copy;
}

Tensor Tensor::to(Device device, Location loc) const {
  return catena::to_device(Operand(*this, loc), device);
}

namespace detail {

void transfer(const void*, const KernelContext& c) {
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  const std::size_t bytes = static_cast<std::size_t>(x.numel) * size_of(x.dtype);
  if (bytes == 0) return;
  if (c.input_device == c.device) {
    backend_of(c.device).copy_within(y.data, x.data, bytes, c.device.index);
  } else if (c.input_device.is_cpu()) {
    backend_of(c.device).copy_from_host(y.data, x.data, bytes, c.device.index);
  } else if (c.device.is_cpu()) {
    backend_of(c.input_device).copy_to_host(y.data, x.data, bytes, c.input_device.index);
  } else {
    // Between two devices by way of the host.
    std::vector<std::byte> host(bytes);
    backend_of(c.input_device).copy_to_host(host.data(), x.data, bytes, c.input_device.index);
    backend_of(c.device).copy_from_host(y.data, host.data(), bytes, c.device.index);
  }
}

}  // namespace detail
}  // namespace catena
