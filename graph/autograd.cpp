#include "catena/graph/autograd.hpp"

#include <fmt/format.h>

#include "catena/graph/deferral.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/registry.hpp"
#include "catena/graph/stand_in.hpp"
#include "catena/graph/tensor_extra.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/walk.hpp"

namespace catena {
namespace {

// The gradient a backward starts from: the given one, or 1 for a single element.
Tensor seed(const Tensor& output, const Tensor& given, const std::source_location& loc) {
  if (!output.defined())
    throw_argument("backward", "the output is an undefined tensor; compute it first", loc);
  if (!output.requires_grad())
    throw_argument("backward",
                   fmt::format("the output {} {} does not depend on any tensor that requires a "
                               "gradient; expected one that does; call set_requires_grad() on the "
                               "parameters, and check that NoGrad or detach() is not in the way",
                               name_of(output.dtype()), to_string(output.shape())),
                   loc);
  if (!given.defined()) {
    if (output.numel() != 1)
      throw_argument("backward",
                     fmt::format("the output has shape {}; expected a single element when no "
                                 "gradient is given; reduce it with sum() or mean(), or pass a "
                                 "gradient of its shape",
                                 to_string(output.shape())),
                     loc);
    return ones(output.shape(), {output.dtype(), output.device()});
  }
  if (!(given.shape() == output.shape()) || given.dtype() != output.dtype())
    throw_argument("backward",
                   fmt::format("the gradient is {} {} but the output is {} {}; expected equal "
                               "shapes and dtypes",
                               name_of(given.dtype()), to_string(given.shape()),
                               name_of(output.dtype()), to_string(output.shape())),
                   loc);
  return given;
}

void check_counts(std::size_t outputs, std::size_t gradients, const std::source_location& loc) {
  if (gradients != 0 && gradients != outputs)
    throw_argument(
        "backward",
        fmt::format("{} gradients for {} outputs; expected one each or none", gradients, outputs),
        loc);
}

}  // namespace

void backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients,
              BackwardOptions options, std::source_location loc) {
  const detail::ProfileScope scope("backward", loc);
  check_counts(outputs.size(), gradients.size(), loc);
  std::vector<Tensor> seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    seeds.push_back(seed(outputs[i], gradients.empty() ? Tensor() : gradients[i], loc));
  {
    detail::Walk walk(options, loc);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      walk.start(outputs[i].impl(), std::move(seeds[i]));
    walk.run();
  }
  detail::run_pending_of_this_thread();
}

void backward(const Tensor& output, const Tensor& gradient, BackwardOptions options,
              std::source_location loc) {
  const detail::ProfileScope scope("backward", loc);
  Tensor start = seed(output, gradient, loc);
  {
    detail::Walk walk(options, loc);
    walk.start(output.impl(), std::move(start));
    walk.run();
  }
  detail::run_pending_of_this_thread();
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         GradOptions options, std::span<const Tensor> grad_outputs,
                         std::source_location loc) {
  const detail::ProfileScope scope("grad", loc);
  check_counts(outputs.size(), grad_outputs.size(), loc);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].defined() || !inputs[i].requires_grad())
      throw_argument("grad",
                     fmt::format("input {} does not require a gradient; call set_requires_grad() "
                                 "before computing with it",
                                 i),
                     loc);
  std::vector<Tensor> seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    seeds.push_back(seed(outputs[i], grad_outputs.empty() ? Tensor() : grad_outputs[i], loc));
  std::vector<Tensor> result;
  {
    detail::Walk walk({options.retain_graph, options.create_graph}, loc);
    walk.capture(outputs, inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      walk.start(outputs[i].impl(), std::move(seeds[i]));
    walk.run();
    for (std::size_t i = 0; i < inputs.size(); ++i) result.push_back(walk.captured(i));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!result[i].defined() && !options.allow_unused)
      throw_argument("grad",
                     fmt::format("the outputs do not depend on input {} {}; pass allow_unused = "
                                 "true to get an undefined gradient for it",
                                 i, to_string(inputs[i].shape())),
                     loc);
  detail::run_pending_of_this_thread();
  return result;
}

std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs, GradOptions options,
                         std::source_location loc) {
  return grad(std::span(&output, 1), inputs, options, {}, loc);
}

Tensor grad(const Tensor& output, const Tensor& input, GradOptions options,
            std::source_location loc) {
  return grad(std::span(&output, 1), std::span(&input, 1), options, {}, loc)[0];
}

VjpResult vjp(const Function& fn, std::span<const Tensor> inputs,
              std::span<const Tensor> cotangents, std::source_location loc) {
  EnableGrad on;
  std::vector<Tensor> fresh;
  for (const Tensor& t : inputs) fresh.push_back(detail::stand_in(t, true, false, loc));
  VjpResult result;
  std::vector<Tensor> outputs = fn(fresh);
  if (outputs.size() != cotangents.size())
    throw_argument("vjp",
                   fmt::format("{} cotangents for {} outputs; expected one each", cotangents.size(),
                               outputs.size()),
                   loc);
  result.gradients = grad(outputs, fresh, {.allow_unused = true}, cotangents, loc);
  for (std::size_t i = 0; i < fresh.size(); ++i)
    if (!result.gradients[i].defined()) result.gradients[i] = zeros_like(fresh[i]);
  for (const Tensor& t : outputs) result.outputs.push_back(t.detach());
  return result;
}

NoGrad::NoGrad() : before_(std::exchange(detail::thread_state.grad_enabled, false)) {}
NoGrad::~NoGrad() { detail::thread_state.grad_enabled = before_; }
InferenceMode::InferenceMode() : before_(std::exchange(detail::thread_state.inference, true)) {}
InferenceMode::~InferenceMode() { detail::thread_state.inference = before_; }
EnableGrad::EnableGrad() {
  if (detail::thread_state.inference)
    throw ArgumentError(
        "[enable_grad] recording was to be switched on in inference mode; expected no gradients "
        "there; leave the InferenceMode scope first, or use NoGrad instead of it");
  before_ = std::exchange(detail::thread_state.grad_enabled, true);
}
EnableGrad::~EnableGrad() { detail::thread_state.grad_enabled = before_; }
bool grad_enabled() { return detail::thread_state.grad_enabled; }
DetectAnomaly::DetectAnomaly()
    : before_(std::exchange(detail::thread_state.detect_anomaly, true)) {}
DetectAnomaly::~DetectAnomaly() { detail::thread_state.detect_anomaly = before_; }

// --- The autograd part of Tensor ---

Tensor& Tensor::set_requires_grad(bool on, Location loc) {
  if (!impl_) throw_argument("set_requires_grad", "undefined tensor", loc);
  if (on && !is_differentiable(impl_->dtype))
    throw_argument("set_requires_grad",
                   fmt::format("dtype is {}; expected a floating dtype; convert with to(kFloat32)",
                               name_of(impl_->dtype)),
                   loc);
  if (!impl_->is_leaf()) {
    if (on) return *this;
    throw_argument("set_requires_grad",
                   "this tensor was computed by a recorded call; expected a leaf; use detach()",
                   loc);
  }
  impl_->requires_grad = on;
  if (on) impl_->node.thread = detail::thread_id();
  return *this;
}

Tensor Tensor::grad() const { return share(impl_ ? impl_->grad : nullptr); }

void Tensor::set_grad(Tensor grad, Location loc) {
  if (grad.defined() && (!(grad.shape() == shape()) || grad.dtype() != dtype()))
    throw_argument("set_grad",
                   fmt::format("the gradient is {} {} but the tensor is {} {}; expected equal",
                               name_of(grad.dtype()), catena::to_string(grad.shape()),
                               name_of(dtype()), catena::to_string(shape())),
                   loc);
  if (impl_->grad) detail::drop_handle(impl_->grad);
  impl_->grad = grad.release();
}

void Tensor::zero_grad() {
  if (impl_ && impl_->grad) detail::drop_handle(std::exchange(impl_->grad, nullptr));
}

void Tensor::retain_grad() {
  if (!impl_->extra) impl_->extra = new detail::TensorExtra;
  impl_->extra->retain_grad = true;
}

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph,
                      Location loc) const {
  catena::backward(*this, gradient, {retain_graph, create_graph}, loc);
}

HookHandle Tensor::register_hook(std::function<Tensor(const Tensor&)> hook, Location loc) {
  if (!requires_grad())
    throw_argument("register_hook",
                   "the tensor does not require a gradient, so the hook would never run; expected "
                   "one that does",
                   loc);
  if (impl_->output_index >= 0)
    throw_argument("register_hook",
                   "the tensor is one of several outputs of an op; hook a clone() of it instead",
                   loc);
  if (!impl_->extra) impl_->extra = new detail::TensorExtra;
  const std::uint64_t id = impl_->extra->next_hook++;
  impl_->extra->hooks.emplace_back(id, std::move(hook));
  return HookHandle([t = *this, id] {
    std::erase_if(t.impl()->extra->hooks, [id](const auto& h) { return h.first == id; });
  });
}

void HookHandle::remove() {
  if (remove_) remove_();
  remove_ = nullptr;
}

}  // namespace catena
