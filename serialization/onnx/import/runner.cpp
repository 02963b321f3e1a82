#include "catena/serialization/onnx/import/runner.hpp"

#include <utility>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/ops/cast.hpp"

namespace catena::onnx {
namespace {

// No trace on this thread, and nothing recorded, while one lives.
class HostScope {
 public:
  HostScope() : tracer_(std::exchange(detail::thread_state.tracer, nullptr)) {}
  ~HostScope() { detail::thread_state.tracer = tracer_; }
  HostScope(const HostScope&) = delete;
  HostScope& operator=(const HostScope&) = delete;

 private:
  Tracer* tracer_;
  NoGrad no_grad_;
};

std::string named(const Node& node) {
  return node.name.empty() ? node.type : fmt::format("{} '{}'", node.type, node.name);
}

}  // namespace

Runner::Runner(const Program& program, bool training, detail::TimeLimit limit)
    : program_(program),
      training_(training),
      limit_(std::move(limit)),
      values_(static_cast<std::size_t>(program.num_values)),
      known_(static_cast<std::size_t>(program.num_values)) {}

void Runner::set(int value, Tensor tensor, bool known) {
  values_[static_cast<std::size_t>(value)] = std::move(tensor);
  known_[static_cast<std::size_t>(value)] = known;
}

void Runner::run(const Block& block) {
  limit_.check();  // a body may have no nodes
  for (const Node& node : block.nodes) run(node);
}

void Runner::run(const Node& node) {
  limit_.check();
  if (++steps_ > program_.max_steps)
    throw ArgumentError(fmt::format(
        "[OnnxModel] more than {} nodes were computed in one call, in a loop that may never end; "
        "raise max_steps",
        program_.max_steps));
  bool all_known = !node.op->impure;
  for (const int i : node.inputs) all_known = all_known && (i < 0 || known(i));
  try {
    if (all_known) {
      const HostScope host;
      call(node, true);
    } else {
      call(node, false);
    }
  } catch (const ArgumentError& e) {
    throw ArgumentError(fmt::format("{} (in ONNX node {})", e.what(), named(node)));
  } catch (const UnsupportedError& e) {
    throw UnsupportedError(fmt::format("{} (in ONNX node {})", e.what(), named(node)));
  }
  for (const int value : node.last_uses) set(value, {}, false);
}

void Runner::call(const Node& node, bool all_known) {
  const Types types = node.op->types;
  Values inputs(node.inputs.size());
  std::vector<bool> known_inputs(node.inputs.size());
  Device device;
  for (const int i : node.inputs)
    if (i >= 0 && !known(i) && get(i).defined()) device = get(i).device();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const int value = node.inputs[i];
    if (value < 0) continue;
    known_inputs[i] = known(value);
    if (types == Types::kAny) {
      inputs[i] = get(value);
    } else if (known(value)) {
      const HostScope host;
      inputs[i] = widened(get(value));
    } else {
      inputs[i] = widened(get(value));
    }
    // Constants are on the host; they follow the values they meet.
    const bool is_fixed = i < 32 && (node.op->fixed & bit(static_cast<int>(i))) != 0;
    if (known(value) && !device.is_cpu() && !is_fixed && !node.op->impure)
      inputs[i] = inputs[i].to(device);
  }
  Call call(*this, node, std::move(inputs), std::move(known_inputs));
  for (int k = 0; k < call.num_outputs(); ++k) call.set_known(k, all_known);
  Values outputs = node.op->run(call);
  const int like = types == Types::kSecond ? 1 : types == Types::kThird ? 2 : 0;
  for (std::size_t k = 0; k < node.outputs.size(); ++k) {
    if (node.outputs[k] < 0) continue;
    if (k >= outputs.size() || !outputs[k].defined())
      throw UnsupportedError(fmt::format("[{}] output {} is not computed", node.type, k));
    const bool back = types == Types::kAll || (k == 0 && types >= Types::kFirst);
    if (back && call.has(like)) outputs[k] = cast(outputs[k], call.given_dtype(like));
    set(node.outputs[k], std::move(outputs[k]), call.known_outputs()[k]);
  }
}

}  // namespace catena::onnx
