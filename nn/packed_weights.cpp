#include "catena/nn/packed_weights.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/nn/module_state.hpp"
#include "catena/ops/linear_packed.hpp"

namespace catena::nn {
namespace {

// Smaller weights stay in the first-level cache and gain nothing; fewer rows wait for memory.
constexpr std::int64_t kMinElements = 1 << 14;
constexpr std::int64_t kMinRows = 4;

bool is_private(const Tensor& weight) {
  return !weight.impl()->storage->escaped.load(std::memory_order_acquire);
}

// f(layer) for each layer that can keep its weight packed.
template <class F>
void for_layers(detail::ModuleState& module, const F& f) {
  if (module.packed_weight) f(module);
  for (auto& [name, child] : module.children) for_layers(*child, f);
}

}  // namespace

namespace detail {

Tensor packed_weight(const ModuleState& layer, const Tensor& x, const Tensor& weight) {
  const PackedWeight& p = *layer.packed_weight;
  if (!p.packed.defined() || x.numel() < kMinRows * weight.shape()[1]) return {};
  const auto& thread = catena::detail::thread_state;
  if (thread.tracer || thread.substitution) return {};
  if (grad_enabled() && (x.requires_grad() || weight.requires_grad())) return {};
  const bool unchanged = p.source.shares_storage(weight) && p.version == weight.version();
  return unchanged && is_private(weight) ? p.packed : Tensor();
}

}  // namespace detail

std::int64_t pack_weights(Module& model) {
  NoGrad off;
  std::int64_t count = 0;
  for_layers(*model.shared_state(), [&](detail::ModuleState& layer) {
    const Tensor weight = layer.parameters.front().tensor;
    *layer.packed_weight = {};
    if (!weight.device().is_cpu() || weight.numel() < kMinElements ||
        weight.shape()[0] < kPackedRows || !is_private(weight))
      return;
    *layer.packed_weight = {pack_weight(weight), weight.detach(), weight.version()};
    ++count;
  });
  return count;
}

void unpack_weights(Module& model) {
  for_layers(*model.shared_state(), [](detail::ModuleState& layer) { *layer.packed_weight = {}; });
}

}  // namespace catena::nn
