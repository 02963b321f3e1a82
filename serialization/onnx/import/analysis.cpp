#include "catena/serialization/onnx/import/analysis.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "catena/serialization/onnx/import/operators.hpp"
#include "catena/serialization/onnx/import/runner.hpp"

namespace catena::onnx {
namespace {

// fn(value) for all that a node reads, its bodies included.
template <class F>
void for_each_read(const Node& node, const F& fn) {
  for (const int value : node.inputs)
    if (value >= 0) fn(value);
  for (const Attribute& a : node.attributes) {
    if (!a.block) continue;
    for (const Node& inner : a.block->nodes) for_each_read(inner, fn);
    for (const int value : a.block->outputs) fn(value);
  }
}

template <class F>
void for_each_node(const Block& block, const F& fn) {
  for (const Node& node : block.nodes) {
    fn(node);
    for (const Attribute& a : node.attributes)
      if (a.block) for_each_node(*a.block, fn);
  }
}

}  // namespace

std::vector<Use> uses_of(const Program& program) {
  std::vector<Use> uses(static_cast<std::size_t>(program.num_values), Use::kNone);
  const auto note = [&](int value, Use use) {
    if (value >= 0)
      uses[static_cast<std::size_t>(value)] = std::max(uses[static_cast<std::size_t>(value)], use);
  };
  for_each_node(program.main, [&](const Node& node) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const std::uint32_t mask = i < 32 ? bit(static_cast<int>(i)) : 0;
      note(node.inputs[i], node.op->statistics & mask ? Use::kStatistics
                           : i >= 32 ? (node.op->fixed >> 31 ? Use::kFixed : Use::kTrained)
                           : node.op->fixed & mask ? Use::kFixed
                                                   : Use::kTrained);
    }
    for (const Attribute& a : node.attributes)
      if (a.block)
        for (const int value : a.block->outputs) note(value, Use::kTrained);
  });
  for (const int value : program.main.outputs) note(value, Use::kTrained);
  return uses;
}

void drop_unneeded(Block* block) {
  std::unordered_set<int> needed(block->outputs.begin(), block->outputs.end());
  std::vector<Node> kept;
  for (auto node = block->nodes.rbegin(); node != block->nodes.rend(); ++node) {
    if (std::ranges::none_of(node->outputs, [&](int v) { return needed.contains(v); })) continue;
    for_each_read(*node, [&](int value) { needed.insert(value); });
    kept.push_back(std::move(*node));
  }
  std::ranges::reverse(kept);
  block->nodes = std::move(kept);
}

void collect_unsupported(const Block& block, std::set<std::string>* names) {
  for_each_node(block, [&](const Node& node) {
    if (!node.op || !node.op->run) names->insert(why_unsupported(node.type, node.opset));
  });
}

void count_operators(const Block& block, OnnxInfo* info) {
  std::map<std::string, std::uint64_t> counts;
  for_each_node(block, [&](const Node& node) { ++counts[node.type]; });
  info->op_counts.assign(counts.begin(), counts.end());
}

void note_last_uses(Block* block) {
  std::unordered_set<int> own(block->inputs.begin(), block->inputs.end());
  for (const Node& node : block->nodes)
    for (const int value : node.outputs)
      if (value >= 0) own.insert(value);
  for (const int value : block->outputs) own.erase(value);
  for (auto node = block->nodes.rbegin(); node != block->nodes.rend(); ++node) {
    for_each_read(*node, [&](int value) {
      if (own.erase(value)) node->last_uses.push_back(value);
    });
    // What nobody reads goes at once.
    for (const int value : node->outputs)
      if (value >= 0 && own.erase(value)) node->last_uses.push_back(value);
    for (Attribute& a : node->attributes)
      if (a.block) note_last_uses(a.block.get());
  }
}

void fold_constants(Program* program, const detail::TimeLimit& limit) {
  Runner runner(*program, false, limit);
  std::unordered_set<int> constant;
  for (const Initializer& c : program->constants) {
    runner.set(c.value, c.tensor, true);
    constant.insert(c.value);
  }
  std::vector<Node> rest;
  for (Node& node : program->main.nodes) {
    const bool folds = !node.op->impure && std::ranges::all_of(node.inputs, [&](int value) {
      return value < 0 || constant.contains(value);
    });
    if (!folds) {
      rest.push_back(std::move(node));
      continue;
    }
    node.last_uses.clear();
    runner.run(node);
    for (const int value : node.outputs) {
      if (value < 0) continue;
      constant.insert(value);
      program->constants.push_back({"", value, runner.get(value)});
    }
  }
  program->main.nodes = std::move(rest);
  // What only folded nodes read is not needed any more.
  std::unordered_set<int> read(program->main.outputs.begin(), program->main.outputs.end());
  for (const Node& node : program->main.nodes) for_each_read(node, [&](int v) { read.insert(v); });
  std::erase_if(program->constants, [&](const Initializer& c) { return !read.contains(c.value); });
}

}  // namespace catena::onnx
