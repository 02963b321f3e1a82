#include "catena/graph/checkpoint.hpp"

#include <deque>
#include <memory>
#include <unordered_set>

#include <fmt/format.h>

#include "catena/graph/op.hpp"
#include "catena/graph/random.hpp"
#include "catena/graph/record.hpp"
#include "catena/graph/stand_in.hpp"
#include "catena/graph/substitution.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/walk.hpp"

namespace catena {
namespace {

// What backward needs to run fn again.
struct Segment {
  Function fn;
  int num_inputs = 0;  // the op's further inputs are tensors that fn uses of itself
  std::vector<std::pair<Shape, DType>> outputs;
  RandomLog random;
  std::shared_ptr<const Substitution::Map> substitution;
};

// The tape's node for a whole segment. Not in the op list: a trace records what fn calls instead.
struct Checkpoint {
  std::shared_ptr<const Segment> segment;
  static constexpr int kStateMembers = 1;
  static constexpr const char* kName = "checkpoint";
  static constexpr const char* kFormula = "y = fn(x..)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple<> kAttrs{};
  static constexpr Inputs kInputs{"inputs..."};
  static constexpr Saves kSaves = Saves::all_inputs();
  static constexpr OnnxRow kOnnx = OnnxRow::none("exists on the tape only");
  void vjp(VjpContext& c) const;
};

const OpInfo& checkpoint_op() {
  static const OpInfo info = describe_op<Checkpoint>();
  return info;
}

std::vector<Tensor> stand_ins(std::span<const Tensor> inputs, bool create_graph,
                              const std::source_location& loc) {
  std::vector<Tensor> result;
  for (const Tensor& t : inputs)
    result.push_back(detail::stand_in(t, t.requires_grad(), create_graph, loc));
  return result;
}

// The tensors that what was recorded since number `start` hangs from, but for `inputs`.
std::vector<Tensor> used_beside(std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                                std::uint64_t start) {
  std::unordered_set<const detail::TensorImpl*> seen;
  for (const Tensor& t : inputs) seen.insert(t.impl());
  std::unordered_set<const detail::Node*> nodes;
  std::vector<detail::Node*> stack;
  std::vector<Tensor> result;
  const auto visit = [&](detail::TensorImpl* t) {
    if (!t->requires_grad || seen.contains(t)) return;
    detail::Node* node = t->producer;
    if (node && node->sequence > start && node->thread == detail::thread_id()) {
      if (nodes.insert(node).second) stack.push_back(node);
    } else if (seen.insert(t).second) {
      result.push_back(Tensor::share(t));
    }
  };
  for (const Tensor& t : outputs) visit(t.impl());
  while (!stack.empty()) {
    detail::Node* node = stack.back();
    stack.pop_back();
    for (int i = 0; i < node->num_inputs; ++i)
      if (node->edges()[i].needs_grad()) visit(node->edges()[i].input());
  }
  return result;
}

void Checkpoint::vjp(VjpContext& c) const {
  EnableGrad on;
  std::vector<Tensor> inputs, wanted, outputs, seeds;
  std::vector<int> wanted_index;
  for (int i = 0; i < segment->num_inputs; ++i) inputs.push_back(c.input(i));
  inputs = stand_ins(inputs, c.create_graph(), c.node().location);
  for (int i = 0; i < c.num_inputs(); ++i) {
    // Also of those whose gradient is not wanted: an overwritten one is an error.
    const Tensor own = c.input(i);
    if (!c.needs(i)) continue;
    wanted.push_back(i < segment->num_inputs ? inputs[static_cast<std::size_t>(i)] : own);
    wanted_index.push_back(i);
  }
  std::vector<Tensor> again;
  {
    const ReplayRandom replay(segment->random);
    const Substitution there(segment->substitution);
    again = segment->fn(inputs);
  }
  bool same = again.size() == segment->outputs.size();
  for (std::size_t k = 0; same && k < again.size(); ++k)
    same = again[k].defined() && again[k].shape() == segment->outputs[k].first &&
           again[k].dtype() == segment->outputs[k].second;
  if (!same)
    throw_argument("checkpoint",
                   "the function returned other shapes or dtypes when backward called it again; "
                   "expected the same each time",
                   c.node().location);
  bool all_arrived = true;
  for (std::size_t k = 0; k < again.size(); ++k) {
    const bool arrived = c.has_grad(static_cast<int>(k));
    all_arrived &= arrived;
    if (!arrived || !again[k].requires_grad()) continue;
    outputs.push_back(again[k]);
    seeds.push_back(c.grad(static_cast<int>(k)));
  }
  detail::Walk walk({.create_graph = c.create_graph()}, c.node().location);
  walk.capture(outputs, wanted, detail::Walk::Behind::kNotReached);
  for (std::size_t k = 0; k < outputs.size(); ++k)
    walk.start(outputs[k].impl(), std::move(seeds[k]));
  walk.run();
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    Tensor g = walk.captured(k);
    if (g.defined())
      c.accumulate(wanted_index[k], std::move(g));
    else if (all_arrived && wanted_index[k] >= segment->num_inputs)
      throw_argument("checkpoint",
                     fmt::format("the function did not use a tensor {} again when backward called "
                                 "it; expected the same tensors each time",
                                 to_string(wanted[k].shape())),
                     c.node().location);
  }
}

}  // namespace

std::vector<Tensor> checkpoint(Function fn, std::span<const Tensor> given,
                               std::source_location loc) {
  for (std::size_t i = 0; i < given.size(); ++i)
    if (!given[i].defined())
      throw_argument("checkpoint", fmt::format("input {} is an undefined tensor", i), loc);
  if (!grad_enabled() || detail::thread_state.tracer) return fn(given);
  std::vector<Tensor> inputs;
  for (const Tensor& t : given) inputs.push_back(detail::substituted(t));

  auto segment = std::make_shared<Segment>();
  segment->num_inputs = static_cast<int>(inputs.size());
  segment->substitution = Substitution::current();
  const std::vector<Tensor> fresh = stand_ins(inputs, false, loc);
  const std::uint64_t start = detail::thread_state.sequence;
  std::vector<Tensor> recorded;
  {
    RecordRandom record(segment->random);
    recorded = fn(fresh);
  }
  std::vector<Tensor> operands = std::move(inputs), outputs;
  for (const Tensor& t : recorded)
    if (!t.defined())
      throw_argument("checkpoint", "the function returned an undefined tensor", loc);
  for (Tensor& t : used_beside(fresh, recorded, start)) operands.push_back(std::move(t));
  bool differentiable = false;
  for (const Tensor& t : recorded) {
    segment->outputs.emplace_back(t.shape(), t.dtype());
    outputs.push_back(t.detach());
    differentiable |= t.requires_grad();
  }
  recorded.clear();
  if (!differentiable) return outputs;

  segment->fn = std::move(fn);
  const Checkpoint op{std::move(segment)};
  std::deque<Operand> list;
  std::vector<Operand*> pointers;
  for (const Tensor& t : operands) pointers.push_back(&list.emplace_back(t, loc));
  std::vector<detail::TensorImpl*> results;
  for (const Tensor& t : outputs) results.push_back(t.impl());
  detail::record_multi(results.data(), static_cast<int>(results.size()), checkpoint_op(), &op,
                       pointers.data(), static_cast<int>(pointers.size()), loc);
  return outputs;
}

Tensor checkpoint(std::function<Tensor(const Tensor&)> fn, const Tensor& input,
                  std::source_location loc) {
  const Function of_list = [fn = std::move(fn)](std::span<const Tensor> in) {
    return std::vector<Tensor>{fn(in[0])};
  };
  return checkpoint(of_list, std::span(&input, 1), loc)[0];
}

}  // namespace catena
