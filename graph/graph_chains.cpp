// Which calls of a graph run as one chain.
#include <map>
#include <numeric>

#include "catena/graph/deferral.hpp"
#include "catena/graph/graph.hpp"

namespace catena {
namespace {

const KernelRow& cpu_row(const Graph::Node& node) {
  return node.op.info().rows[static_cast<int>(DeviceType::kCpu)];
}

bool may_be_large(const Graph::Value& value) {
  if (!value.described) return true;
  std::int64_t numel = 1;
  for (const SymbolicInt& size : value.shape) {
    if (!size.is_constant()) return true;
    numel *= size.offset();
  }
  return numel >= deferral_threshold();
}

bool may_be_deferred(const Graph::Node& node, const Graph::Value& result) {
  return node.num_outputs == 1 && (cpu_row(node).loops || cpu_row(node).entries) &&
         may_be_large(result);
}

}  // namespace

std::vector<std::vector<std::size_t>> Graph::chains() const {
  const auto value = [&](ValueId id) -> const Value& {
    return values_[static_cast<std::size_t>(id)];
  };
  std::map<ValueId, std::size_t> deferred;  // the calls that make them
  std::map<ValueId, int> readers;
  std::vector<std::size_t> leader(nodes_.size());  // of calls of one chain: another one of it
  std::iota(leader.begin(), leader.end(), std::size_t{0});
  const auto first_of = [&](std::size_t k) {
    while (leader[k] != k) k = leader[k] = leader[leader[k]];
    return k;
  };
  for (const Node& node : nodes_)
    for (const ValueId id : node.inputs) ++readers[id];
  for (const Named& output : outputs_) ++readers[output.value];

  for (std::size_t k = 0; k < nodes_.size(); ++k) {
    const Node& node = nodes_[k];
    const Value& out = value(node.first_output);
    if (may_be_deferred(node, out)) {
      for (const ValueId id : node.inputs) {
        const auto from = deferred.find(id);
        if (from != deferred.end() && out.described && value(id).described &&
            value(id).shape == out.shape)
          leader[first_of(k)] = first_of(from->second);
      }
      deferred[node.first_output] = k;
    } else if (cpu_row(node).reads_programs && readers[node.inputs[0]] == 1) {
      if (const auto from = deferred.find(node.inputs[0]); from != deferred.end())
        leader[k] = first_of(from->second);
    }
  }
  std::map<std::size_t, std::vector<std::size_t>> members;
  for (std::size_t k = 0; k < nodes_.size(); ++k) members[first_of(k)].push_back(k);
  std::vector<std::vector<std::size_t>> result;
  for (auto& [first, calls] : members)
    if (calls.size() > 1) result.push_back(std::move(calls));
  return result;
}

}  // namespace catena
