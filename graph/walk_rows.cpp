// Products of a few rows with a matrix that many calls have in common, as a recursive network over
// trees makes them: one row reads the whole matrix, and so do ten. They wait until the walk has
// nothing left to do that surely does not depend on them; then those with one matrix are one
// product.
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catena/graph/core_ops.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"
#include "catena/graph/walk.hpp"

namespace catena::detail {
namespace {

// More rows make good use of a matrix by themselves, and a smaller matrix is read in no time.
constexpr std::int64_t kMaxWaitingRows = 4;
constexpr std::int64_t kLeastMatrix = 4096;
// A node that is put aside costs two steps in the worklist each time: there are at most as many
// such as this times the rows.
constexpr std::size_t kAsidePerRows = 2;

struct HashOfView {
  std::size_t operator()(const TensorImpl* t) const {
    return std::hash<const void*>()(t->storage) + static_cast<std::size_t>(t->offset);
  }
};
struct SameView {
  bool operator()(const TensorImpl* a, const TensorImpl* b) const {
    return a->storage == b->storage && a->offset == b->offset && a->dtype == b->dtype &&
           a->shape == b->shape && a->strides == b->strides;
  }
};

// [.., n] as [rows, n], sharing memory when it is row-major.
Tensor as_rows(const Tensor& g) {
  return g.rank() == 2 ? g : g.reshape({g.numel() / g.shape().back(), g.shape().back()});
}

// Whether g matrix is a gradient of `input`. Where it is not, the product or its accumulation says
// so.
bool fits(const Tensor& g, const Tensor& matrix, const TensorImpl& input) {
  if (matrix.rank() != 2 || g.rank() == 0 || g.shape().back() != matrix.shape()[0]) return false;
  Shape product = g.shape();
  product[product.rank() - 1] = matrix.shape()[1];
  return product == input.shape && g.dtype() == input.dtype && matrix.dtype() == input.dtype &&
         g.device() == input.device && matrix.device() == input.device;
}

// The elements of `all` from `offset` on that make up this shape.
Tensor piece_of(const Tensor& all, std::int64_t offset, const Shape& shape) {
  return Tensor::adopt(describe_output({.shape = shape,
                                        .dtype = all.dtype(),
                                        .device = all.device(),
                                        .view = true,
                                        .row_major = true,
                                        .offset = offset},
                                       all.impl()));
}

}  // namespace

void Walk::accumulate_rows(Edge& edge, Tensor g, Tensor matrix, const Node& from, int index) {
  if (!wants(edge)) return;
  TensorImpl* input = edge.input();
  const bool waits = !retain() && !thread_state.detect_anomaly && matrix.numel() >= kLeastMatrix &&
                     fits(g, matrix, *input) && g.numel() <= kMaxWaitingRows * g.shape().back();
  if (!waits) return accumulate(edge, core_ops().product(g, matrix), from, index);
  add_edge(input);
  waiting_.push_back({std::unique_ptr<TensorImpl, DropEdge>(input), std::move(g), std::move(matrix),
                      from.location});
}

// Every way to a node from what waits or was put aside ends in an edge to it that still counts, so
// one to which only its worklist entry leads is complete. A leaf comes last: a hook that learns of
// its gradient may write to it, and it may be a matrix that is yet to be read.
bool Walk::is_complete(Node& node) {
  return node.op && !node.is_multi() &&
         edges_in(impl_of(&node)->counts.load(std::memory_order_acquire)) == 1;
}

void Walk::put_aside(Node& node) {
  aside_.push_back({node.op ? node.sequence : 0, &node});
  const bool only_leaves_left = !node.op;
  if (only_leaves_left || aside_.size() > kAsidePerRows * waiting_.size()) add_waiting_rows();
}

// One product, and a part of it for each.
void Walk::add_product(std::span<const WaitingRows> group) {
  const CallSite here(group.front().location);
  std::vector<Tensor> parts;
  for (const WaitingRows& rows : group) parts.push_back(as_rows(rows.g));
  const Tensor product = core_ops().product(core_ops().concat_rows(parts), group.front().matrix);
  std::int64_t offset = 0;
  for (const WaitingRows& rows : group) {
    const TensorImpl& input = *rows.input;
    add_rows(rows, piece_of(product, offset, input.shape));
    offset += input.numel;
  }
}

void Walk::add_rows(const WaitingRows& rows, Tensor g) {
  enqueue(rows.input.get(), nullptr);
  add_dense(slot_of(rows.input.get()), std::move(g));
}

// In the order in which they came, by matrix and then one by one: bits do not depend on addresses.
void Walk::add_waiting_rows() {
  for (const Entry& entry : aside_) push(entry.node, entry.sequence);
  aside_.clear();
  if (waiting_.size() == 1) {  // as in a sequence, where each depends on the one before
    const WaitingRows& rows = waiting_.front();
    const CallSite here(rows.location);
    add_rows(rows, core_ops().product(rows.g, rows.matrix));
    return waiting_.clear();
  }
  std::vector<std::vector<WaitingRows>> groups;
  std::unordered_map<const TensorImpl*, std::size_t, HashOfView, SameView> group_of;
  for (WaitingRows& rows : waiting_) {
    const auto [at, is_new] = group_of.try_emplace(rows.matrix.impl(), groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(std::move(rows));
  }
  waiting_.clear();
  for (std::vector<WaitingRows>& group : groups) add_product(group);
}

}  // namespace catena::detail
