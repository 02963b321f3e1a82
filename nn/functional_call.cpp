#include "catena/nn/functional_call.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

namespace catena::nn {

Substitution detail::substituted(const Module& module, std::span<const NamedTensor> tensors,
                                 const std::source_location& loc) {
  const State own = module.state();
  std::vector<Tensor> from, to;
  for (const auto& [name, tensor] : tensors) {
    const Tensor* found = own.find_tensor(name);
    if (!found) {
      std::vector<std::string> names;
      for (const NamedTensor& t : own.tensors) names.push_back(t.first);
      throw_argument("functional_call",
                     fmt::format("the module has no parameter or buffer '{}'{}", name,
                                 catena::detail::near_names(name, names)),
                     loc);
    }
    from.push_back(*found);
    to.push_back(tensor);
  }
  return Substitution(from, to, loc);
}

Tensor functional_call(Module& module, std::span<const NamedTensor> tensors, Tensor x,
                       std::source_location loc) {
  return functional_call(
      module, tensors, [&] { return module(std::move(x), loc); }, loc);
}

}  // namespace catena::nn
