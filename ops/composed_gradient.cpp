#include "catena/ops/composed_gradient.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/graph/stand_in.hpp"

namespace catena::detail {

void differentiate_composed(
    VjpContext& c,
    const std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>& run) {
  const EnableGrad on;
  std::vector<Tensor> inputs, wanted, outputs, seeds;
  std::vector<int> index;
  for (int i = 0; i < c.num_inputs(); ++i) {
    inputs.push_back(stand_in(c.input(i), c.needs(i), c.create_graph(), c.node().location));
    if (!c.needs(i)) continue;
    wanted.push_back(inputs.back());
    index.push_back(i);
  }
  const std::vector<Tensor> all = run(inputs);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const int output = static_cast<int>(k);
    if (!c.has_grad(output) || !all[k].requires_grad()) continue;
    outputs.push_back(all[k]);
    seeds.push_back(c.grad(output));
  }
  const std::vector<Tensor> gradients =
      grad(outputs, wanted, {.create_graph = c.create_graph(), .allow_unused = true}, seeds);
  for (std::size_t k = 0; k < gradients.size(); ++k)
    if (gradients[k].defined()) c.accumulate(index[k], gradients[k]);
}

}  // namespace catena::detail
