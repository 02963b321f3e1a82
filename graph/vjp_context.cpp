// What a gradient rule sees of the walk: the gradients that arrived and the values its op saved.
#include <fmt/format.h>

#include "catena/graph/deferral.hpp"
#include "catena/graph/walk.hpp"

namespace catena {

bool VjpContext::create_graph() const { return walk_.create_graph(); }
bool VjpContext::needs(int input) const { return walk_.wants(edge(input)); }
Tensor VjpContext::grad(int k) const { return walk_.arrived(node_, k); }
bool VjpContext::has_grad(int k) const { return walk_.has_arrived(node_, k); }

Tensor VjpContext::input(int i) const {
  const detail::Edge& e = edge(i);
  if (!e.saved())
    throw_internal(
        fmt::format("the gradient of '{}' reads input {}, which kSaves does not name for "
                    "the gradients wanted here",
                    node_.op->name, i));
  detail::ensure_ready(e.input());
  walk_.check_version(node_, e, node_.versions()[i], i);
  return Tensor::share(e.input());
}

Tensor VjpContext::output(int k) const {
  if (!(node_.flags & detail::Node::kSavesOutput))
    throw_internal(
        fmt::format("the gradient of '{}' reads its output, which kSaves does not name "
                    "for the gradients wanted here",
                    node_.op->name));
  detail::TensorImpl* out = node_.is_multi()
                                ? static_cast<detail::MultiNode&>(node_).outputs[k].saved
                                : detail::impl_of(&node_);
  detail::ensure_ready(out);
  const std::uint32_t found = out->storage->version.load(std::memory_order_relaxed);
  if (found != node_.output_version)
    throw ArgumentError(fmt::format(
        "[{}] a value saved for backward was overwritten in place: output {} {} {} is at version "
        "{}; expected version {}; write to a clone() instead, or write after backward "
        "(overwritten{}){}",
        node_.op->name, k, name_of(out->dtype), to_string(out->shape), found, node_.output_version,
        called_at(out->storage->last_write), called_at(node_.location)));
  return Tensor::share(out);
}

void VjpContext::accumulate(int input, Tensor g) {
  walk_.accumulate(node_.edges()[input], std::move(g), node_, input);
}
void VjpContext::accumulate_slice(int input, const SliceSpec& where, Tensor g) {
  walk_.accumulate_slice(node_.edges()[input], where, std::move(g), node_, input);
}
void VjpContext::accumulate_product(int input, Tensor a, Tensor b) {
  walk_.accumulate_product(node_.edges()[input], std::move(a), std::move(b), node_, input);
}
void VjpContext::accumulate_rows(int input, Tensor g, Tensor matrix) {
  walk_.accumulate_rows(node_.edges()[input], std::move(g), std::move(matrix), node_, input);
}

}  // namespace catena
