#include "catena/train/optimizer_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/trace_hook.hpp"
#include "catena/ops/elementwise.hpp"

namespace catena::optim::detail {

void StateSaver::visit_value(std::string_view name, Field field, bool /*optional*/) {
  std::visit([&](auto* v) { out_.add_value(fmt::format("{}{}", prefix, name), *v); }, field);
}
void StateSaver::tensor(std::string_view name, Tensor& t) {
  if (t.defined()) out_.add(fmt::format("{}{}", prefix, name), t);
}
void StateSaver::tensors(std::string_view name, std::vector<Tensor>& list) {
  out_.add_value(fmt::format("{}{}", prefix, name), static_cast<std::int64_t>(list.size()));
  for (std::size_t i = 0; i < list.size(); ++i)
    out_.add(fmt::format("{}{}.{}", prefix, name, i), list[i]);
}
void StateSaver::kind(std::string_view /*what*/, std::string_view name) {
  out_.add_value(prefix + "type", std::string(name));
}

void StateLoader::visit_value(std::string_view name, Field field, bool optional) {
  const std::string full = fmt::format("{}{}", prefix, name);
  if (optional && in_.find_value(full) == nullptr) return;
  std::visit(
      [&]<class T>(T* v) {
        T found = in_.get<T>(full, loc_);
        if (apply_) *v = std::move(found);
      },
      field);
}
void StateLoader::load(const std::string& full, Tensor& t) {
  const Tensor* source = in_.find_tensor(full);
  if (source != nullptr && source->shape() != param->shape())
    throw_argument("load_state",
                   fmt::format("'{}' is {}, but the parameter it belongs to is {}", full,
                               to_string(source->shape()), to_string(param->shape())),
                   loc_);
  if (!apply_) return;
  t = Tensor();
  if (source == nullptr) return;
  t = zeros_like(*param);
  t.copy_(*source, loc_);
}
void StateLoader::tensor(std::string_view name, Tensor& t) {
  load(fmt::format("{}{}", prefix, name), t);
}
void StateLoader::tensors(std::string_view name, std::vector<Tensor>& list) {
  const std::string full = fmt::format("{}{}", prefix, name);
  const auto count = in_.get<std::int64_t>(full, loc_);
  std::vector<Tensor> loaded;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string entry = fmt::format("{}.{}", full, i);
    if (in_.find_tensor(entry) == nullptr)
      throw_argument("load_state", fmt::format("there is no tensor '{}' of {}", entry, count),
                     loc_);
    load(entry, loaded.emplace_back());
  }
  if (apply_) list = std::move(loaded);
}
void StateLoader::kind(std::string_view what, std::string_view name) {
  const auto found = in_.get<std::string>(prefix + "type", loc_);
  if (found != name)
    throw_argument("load_state",
                   fmt::format("the state is of the {} '{}', this one is '{}'", what, found, name),
                   loc_);
}

bool is_dense_cpu(const Tensor& param) {
  return param.device().is_cpu() && param.is_contiguous() &&
         (param.dtype() == kFloat32 || param.dtype() == kFloat64);
}

Tensor dense_like(const Tensor& grad, const Tensor& param) {
  Tensor g = grad.detach();
  if (g.dtype() != param.dtype()) g = g.to(param.dtype());
  return g.is_contiguous() ? g : g.contiguous();
}

void follow(Tensor& state, const Tensor& param, double value) {
  if (!state.defined())
    state = full(param.shape(), value, TensorOptions(param.dtype(), param.device()));
  if (state.dtype() != param.dtype()) state = state.to(param.dtype());
  if (state.device() != param.device()) state = state.to(param.device());
}

Tensor plain_gradient(const Tensor& grad, const Tensor& param, double weight_decay, bool maximize) {
  Tensor g = grad.detach();
  if (maximize) g = -g;
  return weight_decay != 0 ? g + param * weight_decay : g;
}

const void* read_pointer(const Tensor& t) {
  catena::detail::TensorImpl* impl = t.impl();
  catena::detail::ensure_ready(impl);
  return static_cast<const char*>(impl->storage->data) +
         impl->offset * static_cast<std::int64_t>(size_of(impl->dtype));
}

void* write_pointer(const Tensor& t, const std::source_location& loc) {
  catena::detail::TensorImpl* impl = t.impl();
  catena::detail::ensure_ready(impl);
  catena::detail::ensure_writable(impl->storage);
  if (Tracer* tracer = catena::detail::thread_state.tracer) tracer->written(impl, loc);
  impl->storage->version.fetch_add(1, std::memory_order_relaxed);
  impl->storage->last_write = loc;
  return static_cast<char*>(impl->storage->data) +
         impl->offset * static_cast<std::int64_t>(size_of(impl->dtype));
}

void UpdateQueue::add(const Tensor& param, Tensor kept,
                      std::function<void(std::int64_t, std::int64_t)> work) {
  entries_.push_back({param, std::move(kept), std::move(work)});
}

void UpdateQueue::run() {
  // Enough for one share: the arrays of as many entries stay within the second-level cache.
  constexpr std::int64_t kShare = 32768;
  struct Piece {
    const Entry* entry;
    std::int64_t begin, count;
  };
  if (entries_.empty()) return;
  const std::vector<Entry> entries = std::exchange(entries_, {});
  std::vector<Piece> pieces;
  std::vector<std::size_t> shares{0};  // where each begins, and the end
  std::int64_t in_share = 0;
  for (const Entry& e : entries)
    for (std::int64_t at = 0; at < e.param.numel(); at += kShare) {
      pieces.push_back({&e, at, std::min(kShare, e.param.numel() - at)});
      in_share += pieces.back().count;
      if (in_share < kShare) continue;
      shares.push_back(pieces.size());
      in_share = 0;
    }
  if (shares.back() != pieces.size()) shares.push_back(pieces.size());
  // Where a parameter is also part of another, or its gradient, they are updated in order.
  std::vector<const void*> storages;
  for (const Entry& e : entries) storages.push_back(e.param.impl()->storage);
  std::sort(storages.begin(), storages.end());
  bool shared = std::adjacent_find(storages.begin(), storages.end()) != storages.end();
  for (const Entry& e : entries)
    shared = shared || std::binary_search(storages.begin(), storages.end(),
                                          static_cast<const void*>(e.kept.impl()->storage));
  const auto count = static_cast<std::int64_t>(shares.size()) - 1;
  auto body = [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t i = shares[static_cast<std::size_t>(begin)];
         i < shares[static_cast<std::size_t>(end)]; ++i)
      pieces[i].entry->work(pieces[i].begin, pieces[i].count);
  };
  cpu::parallel_for(
      count, shared ? count : 1,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<decltype(body)*>(context))(begin, end);
      },
      &body);
}

}  // namespace catena::optim::detail
