#include "catena/nn/weight_norm.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"
#include "catena/nn/module_state.hpp"
#include "catena/ops/weight_norm.hpp"

namespace catena::nn::detail {

NormedWeight::NormedWeight(Module& layer, const std::string& name, std::optional<int> dim,
                           const Module::Location& loc) {
  auto& parameters = layer.shared_state()->parameters;
  const auto found = std::ranges::find(parameters, name, &ModuleState::Entry::name);
  if (found == parameters.end()) {
    std::vector<std::string> names;
    for (const ModuleState::Entry& entry : parameters) names.push_back(entry.name);
    throw_argument("weight_norm",
                   fmt::format("{} has no parameter '{}' of its own{}", layer.type(), name,
                               catena::detail::near_names(name, names)),
                   loc);
  }
  weight_ = Buffer(found->tensor);
  Tensor lengths, directions;
  {
    const NoGrad off;
    const Tensor weight = weight_.detach();
    lengths = norm_except_dim(Operand(weight, loc), dim).clone();
    directions = weight.clone();
  }
  // From here on nothing fails.
  parameters.erase(found);
  weight_.zero_grad();
  weight_.set_requires_grad(false);
  layer.register_buffer(name, weight_, false, loc);
  g_ = layer.register_parameter(name + "_g", lengths, loc);
  v_ = layer.register_parameter(name + "_v", directions, loc);
}

Substitution NormedWeight::in_place() const {
  const Tensor from[] = {weight_}, to[] = {weight_norm(v_, g_)};
  return Substitution(from, to);
}

}  // namespace catena::nn::detail
