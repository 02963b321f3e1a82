// How gradients are gathered: densely, slice by slice into one buffer, and as products that are
// done as one.
#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/anomaly.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"
#include "catena/graph/walk.hpp"

namespace catena::detail {
namespace {

// Pending weight products of one parameter are added up once their operands hold this much.
constexpr std::size_t kMaxProductBytes = 4 << 20;

// Adds in place when nobody else can see `target`.
bool try_add_in_place(TensorImpl* target, TensorImpl* g) {
  ensure_ready(target);
  if (!target->contiguous || !is_unique(target) || target->dtype != g->dtype) return false;
  if (!(target->shape == g->shape)) return false;
  ensure_ready(g);
  if (target->device.is_cpu() && g->contiguous && target->numel < kPlainElements) {
    static constexpr std::int64_t kUnit[] = {1, 1};
    const void* in[] = {data_of(target), data_of(g)};
    const PointwiseFn line = core_ops().add_loops->value[static_cast<int>(target->dtype)];
    line(core_ops().add_op, data_of(target), in, kUnit, target->numel);
    return true;
  }
  backend_of(target->device).add_in_place(view_of(target), view_of(g), target->device.index);
  return true;
}

}  // namespace

// --- Slots ---

std::uintptr_t& Walk::side_slot_of(TensorImpl* t) {
  if (t->output_index >= 0) return slot_of(static_cast<MultiNode&>(*t->producer), t->output_index);
  return side_slots_[t];
}
std::uintptr_t& Walk::slot_of(MultiNode& node, int k) {
  if (owns_inline(node)) return node.outputs[k].slot;
  return side_slots_[&node.outputs[k]];
}

TensorImpl* Walk::take_gathered(std::uintptr_t& slot) {
  const std::uintptr_t word = std::exchange(slot, 0);
  std::unique_ptr<Gathered> g(reinterpret_cast<Gathered*>(word & ~Gathered::kTag));
  flush(*g);
  return g->dense;
}

void Walk::discard(std::uintptr_t& slot) {
  if (slot & Gathered::kTag) {
    gathered(slot).products.clear();
    gathered(slot).slices.clear();
  }
  if (TensorImpl* g = take(slot)) drop_handle(g);
}

Gathered& Walk::gathered(std::uintptr_t& slot) {
  if (!(slot & Gathered::kTag)) {
    auto* g = new Gathered;
    g->dense = reinterpret_cast<TensorImpl*>(slot);
    slot = reinterpret_cast<std::uintptr_t>(g) | Gathered::kTag;
  }
  return *reinterpret_cast<Gathered*>(slot & ~Gathered::kTag);
}

void Walk::add_dense(std::uintptr_t& slot, Tensor g) {
  TensorImpl** target;
  if (slot & Gathered::kTag) {
    Gathered& many = gathered(slot);
    flush(many);
    target = &many.dense;
  } else {
    target = reinterpret_cast<TensorImpl**>(&slot);
  }
  if (!*target) {
    *target = g.release();
    return;
  }
  const bool pending = g.impl()->pending.load(std::memory_order_acquire) != nullptr;
  if (!options_.create_graph && !pending && (*target)->storage &&
      try_add_in_place(*target, g.impl()))
    return;
  Tensor before = Tensor::adopt(*target);
  *target = nullptr;
  *target = core_ops().add(before, g).release();
}

// The gradient that `edge` leads to, if one is there already and g can be added in place.
TensorImpl* Walk::addable(const Edge& edge, const TensorImpl* g) {
  const std::uintptr_t slot = slot_of(edge.input());
  if (slot == 0 || slot & Gathered::kTag) return nullptr;
  auto* target = reinterpret_cast<TensorImpl*>(slot);
  const bool fits = target->storage && target->contiguous && is_unique(target) &&
                    target->dtype == g->dtype && target->device == g->device &&
                    target->shape == g->shape;
  return fits ? target : nullptr;
}

// The dense part as a buffer that may be written.
Tensor Walk::own_buffer(Gathered& g, const Shape& shape, DType dtype, Device device) {
  if (!g.dense) {
    g.dense = zeros(shape, {dtype, device}).release();
  } else {
    ensure_ready(g.dense);
    if (!g.dense->contiguous || !is_unique(g.dense)) {
      TensorImpl* copy = contiguous_copy(g.dense);
      drop_handle(std::exchange(g.dense, copy));
    }
  }
  return Tensor::share(g.dense);
}

void Walk::flush_products(Gathered& g) {
  if (g.products.empty()) return;
  std::vector<std::pair<Tensor, Tensor>> products = std::move(g.products);
  g.products.clear();
  g.product_bytes = 0;
  const CallSite here(g.product_line);
  Tensor sum;
  if (products.size() == 1) {
    sum = core_ops().product_tn(products[0].first, products[0].second);
  } else {
    std::vector<Tensor> a, b;
    for (auto& [x, y] : products) {
      a.push_back(std::move(x));
      b.push_back(std::move(y));
    }
    sum = core_ops().product_tn(core_ops().concat_rows(a), core_ops().concat_rows(b));
  }
  if (!g.dense) {
    g.dense = sum.release();
  } else if (!try_add_in_place(g.dense, sum.impl())) {
    Tensor before = Tensor::adopt(std::exchange(g.dense, nullptr));
    g.dense = core_ops().add(before, sum).release();
  }
}

namespace {

// The part of `buffer` that a slice covers.
TensorView part_of(const Tensor& buffer, const SliceSpec& where) {
  TensorView part = view_of(buffer.impl());
  part.shape = where.length;
  part.numel = where.length.numel();
  part.contiguous = false;
  std::int64_t offset = 0;
  for (int d = 0; d < part.shape.rank(); ++d) {
    offset += where.start[d] * part.strides[d];
    if (where.length[d] > 1) part.strides[d] *= where.step[d];
  }
  part.data =
      static_cast<char*>(part.data) + offset * static_cast<std::int64_t>(size_of(buffer.dtype()));
  return part;
}

// Whether the slices cut one dimension of `shape` into pieces that cover it once.
bool cover_once(std::vector<std::pair<SliceSpec, Tensor>>& slices, const Shape& shape) {
  int cut = -1;
  for (const auto& [where, g] : slices)
    for (int d = 0; d < shape.rank(); ++d) {
      if (where.length[d] == shape[d]) continue;
      if ((cut >= 0 && cut != d) || (where.length[d] > 1 && where.step[d] != 1)) return false;
      cut = d;
    }
  if (cut < 0) return slices.size() == 1;
  std::sort(slices.begin(), slices.end(), [cut](const auto& a, const auto& b) {
    return a.first.start[cut] < b.first.start[cut];
  });
  std::int64_t end = 0;
  for (const auto& [where, g] : slices) {
    if (where.start[cut] != end) return false;
    end += where.length[cut];
  }
  return end == shape[cut];
}

}  // namespace

void Walk::add_slice(Gathered& many, const SliceSpec& where, const Tensor& g) {
  const Tensor buffer = own_buffer(many, many.whole.shape, many.whole.dtype, many.whole.device);
  ensure_ready(g.impl());
  backend_of(g.device()).add_in_place(part_of(buffer, where), view_of(g.impl()), g.device().index);
}

// Slices that cover the tensor once are written where they belong; others are added to zeros.
void Walk::flush_slices(Gathered& many) {
  if (many.slices.empty()) return;
  std::vector<std::pair<SliceSpec, Tensor>> slices = std::move(many.slices);
  many.slices.clear();
  many.slice_elements = 0;
  std::vector<std::pair<SliceSpec, Tensor>> in_order = slices;
  if (!cover_once(in_order, many.whole.shape)) {
    for (const auto& [where, g] : slices) add_slice(many, where, g);
    return;
  }
  Tensor buffer = Tensor::adopt(empty_impl(many.whole.shape, many.whole.dtype, many.whole.device));
  for (const auto& [where, g] : in_order) {
    ensure_ready(g.impl());
    backend_of(g.device())
        .copy_strided(part_of(buffer, where), view_of(g.impl()), g.device().index);
  }
  many.dense = buffer.release();
}

void Walk::flush(Gathered& many) {
  flush_slices(many);
  flush_products(many);
}

// --- Handing gradients on ---

void Walk::accumulate(Edge& edge, Tensor g, const Node& from, int index) {
  if (!wants(edge)) return;
  TensorImpl* input = edge.input();
  if (!(g.shape() == input->shape) || g.dtype() != input->dtype || g.device() != input->device)
      [[unlikely]] {
    Shape joined;
    const bool broadcast =
        broadcast_shapes(g.shape(), input->shape, &joined) && joined == g.shape();
    if (g.dtype() != input->dtype || g.device() != input->device || !broadcast)
      throw ArgumentError(fmt::format(
          "[{}] its vjp gave input {} a gradient {} {} on {}; expected {} {} on {}; mend the op's "
          "vjp{}",
          from.op->name, index, name_of(g.dtype()), to_string(g.shape()), to_string(g.device()),
          name_of(input->dtype), to_string(input->shape), to_string(input->device),
          called_at(from.location)));
    g = core_ops().sum_to(std::move(g), input->shape);
  }
  if (thread_state.detect_anomaly) {
    ensure_ready(g.impl());
    check_finite(g.impl(), *from.op, from.location, true);
  }
  std::uintptr_t& slot = slot_of(input);
  enqueue(input, &edge);
  if (slot == 0) [[likely]]
    slot = reinterpret_cast<std::uintptr_t>(g.release());
  else
    add_dense(slot, std::move(g));
}

void Walk::accumulate_slice(Edge& edge, const SliceSpec& where_, Tensor g, const Node& from,
                            int index) {
  if (!wants(edge)) return;
  TensorImpl* input = edge.input();
  if (!(g.shape() == where_.length))
    throw ArgumentError(fmt::format(
        "[{}] its vjp gave a slice of {} elements per dimension a gradient of shape {}; expected "
        "equal; mend the op's vjp{}",
        from.op->name, to_string(where_.length), to_string(g.shape()), called_at(from.location)));
  if (options_.create_graph || g.dtype() != input->dtype)
    return accumulate(edge, core_ops().slice_adjoint(g, input->shape, where_), from, index);
  Gathered& many = gathered(slot_of(input));
  if (many.dense || !many.products.empty()) {
    flush(many);
    many.whole = {.shape = input->shape, .dtype = input->dtype, .device = input->device};
    add_slice(many, where_, g);
  } else {
    many.whole = {.shape = input->shape, .dtype = input->dtype, .device = input->device};
    many.slice_elements += g.numel();
    many.slices.emplace_back(where_, std::move(g));
    // They overlap: no need to keep them all.
    if (many.slice_elements > input->numel) flush_slices(many);
  }
  enqueue(input, &edge);
}

void Walk::add_projection(const Tensor& a, const Tensor& b) {
  const Tensor inner = core_ops().dot(a, b);
  projection_ = projection_.defined() ? core_ops().add(projection_, inner) : inner;
}

// <a^T b, v> is <b, a v> and <a, b v^T>. A factor that needs no gradient is the one to multiply:
// then the derivative of the result takes no product.
bool Walk::project_product(const Edge& edge, const Tensor& a, const Tensor& b) {
  if (directions_.empty() || thread_state.detect_anomaly) return false;
  const auto wanted = wanted_.find(edge.input());
  if (wanted == wanted_.end() || edge.input()->extra) return false;  // a hook wants to see it
  for (const std::size_t i : wanted->second) {
    const Tensor& v = directions_[i];
    if (!a.requires_grad())
      add_projection(b, core_ops().product(a, v));
    else
      add_projection(a, core_ops().product(b, core_ops().transpose(v)));
  }
  return true;
}

void Walk::accumulate_product(Edge& edge, Tensor a, Tensor b, const Node& from, int index) {
  if (!wants(edge)) return;
  if (project_product(edge, a, b)) return;
  TensorImpl* input = edge.input();
  if (options_.create_graph || thread_state.detect_anomaly) {
    // In the layout of the input: what is computed with both next then reads memory in order.
    const bool transposed = input->strides[0] == 1 && input->strides[1] > 1;
    return accumulate(edge,
                      transposed ? core_ops().transpose(core_ops().product_tn(b, a))
                                 : core_ops().product_tn(a, b),
                      from, index);
  }
  const Shape shape{a.shape()[1], b.shape()[1]};
  if (!(shape == input->shape))
    throw ArgumentError(fmt::format(
        "[{}] its vjp gave input {} a product gradient of shape {}; expected {}; mend the op's "
        "vjp{}",
        from.op->name, index, to_string(shape), to_string(input->shape), called_at(from.location)));
  std::uintptr_t& slot = slot_of(input);
  Gathered& many = gathered(slot);
  flush_slices(many);
  many.product_bytes += static_cast<std::size_t>(a.numel() + b.numel()) * size_of(a.dtype());
  many.products.emplace_back(std::move(a), std::move(b));
  many.product_line = from.location;
  if (many.product_bytes > kMaxProductBytes) flush_products(many);
  enqueue(input, &edge);
}

}  // namespace catena::detail
