// Pending pointwise work in its plain form. A group is a straight-line program: all its ops have
// one output shape, in the order they were recorded; inputs are earlier ops of the group or values
// in memory. One mutex guards the structure of all groups; running happens outside it, by the
// thread that claimed the group, while others wait.
#include "catena/graph/deferral.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"

namespace catena {
namespace detail {

std::atomic<std::int64_t> least_deferred{16384};

struct DeferredGroup {
  struct Input {
    int op = -1;  // an earlier op of the group, or -1
    Storage* storage = nullptr;
    TensorView view;  // broadcast to the group's shape
  };
  struct Op {
    OpValue value;
    TensorImpl* out = nullptr;  // held by an edge
    DType compute = kFloat32;
    int num_inputs = 0;
    Input inputs[kMaxPointwiseInputs];
    // Set when run:
    bool needed = false, live = false;
  };
  Shape shape;
  std::int64_t numel = 0;
  std::vector<Op> ops;
  int outside_inputs = 0;
  std::uint32_t thread = 0;
  std::uint64_t id = 0;
  bool running = false;
};

namespace {

struct Groups {
  std::mutex mutex;
  std::condition_variable done;
  std::list<std::unique_ptr<DeferredGroup>> all;
  std::uint64_t next_id = 1;
};
Groups& groups() {
  static Groups* g = new Groups;
  return *g;
}

constexpr std::int64_t kBlock = 512;  // elements a chain keeps in L1 at a time

// Copies n elements from `view`, starting at row-major position `begin`, into a dense buffer: run
// by run along the last dimension.
template <class T>
void gather(const TensorView& view, std::int64_t begin, std::int64_t n, T* out) {
  const int last = view.shape.rank() - 1;
  const std::int64_t step = view.strides[last];
  std::int64_t index[kMaxRank];
  std::int64_t offset = 0, rest = begin;
  for (int d = last; d >= 0; --d) {
    index[d] = rest % view.shape[d];
    rest /= view.shape[d];
    offset += index[d] * view.strides[d];
  }
  const T* data = static_cast<const T*>(view.data);
  while (n > 0) {
    const std::int64_t run = std::min(n, view.shape[last] - index[last]);
    const T* from = data + offset;
    if (step == 1) {
      std::memcpy(out, from, static_cast<std::size_t>(run) * sizeof(T));
    } else {
      for (std::int64_t i = 0; i < run; ++i) out[i] = from[i * step];
    }
    out += run;
    n -= run;
    offset -= index[last] * step;
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      offset += view.strides[d];
      if (++index[d] < view.shape[d]) break;
      offset -= index[d] * view.strides[d];
      index[d] = 0;
    }
  }
}

// One value for all elements: no need to gather it.
bool is_repeated(const TensorView& view) {
  for (int d = 0; d < view.shape.rank(); ++d)
    if (view.shape[d] > 1 && view.strides[d] != 0) return false;
  return true;
}

void gather_any(const TensorView& view, std::int64_t begin, std::int64_t n, void* out) {
  switch (size_of(view.dtype)) {
    case 1:
      return gather(view, begin, n, static_cast<std::uint8_t*>(out));
    case 2:
      return gather(view, begin, n, static_cast<std::uint16_t*>(out));
    case 4:
      return gather(view, begin, n, static_cast<std::uint32_t*>(out));
    default:
      return gather(view, begin, n, static_cast<std::uint64_t*>(out));
  }
}

void run_blocks(DeferredGroup& group) {
  // One L1-sized buffer per op that has no memory of its own, and one for gathered inputs.
  std::vector<std::byte> scratch((group.ops.size() + kMaxPointwiseInputs) * kBlock *
                                 sizeof(double));
  auto buffer = [&](std::size_t k) { return scratch.data() + k * kBlock * sizeof(double); };
  for (std::int64_t begin = 0; begin < group.numel; begin += kBlock) {
    const std::int64_t n = std::min(kBlock, group.numel - begin);
    auto out_of = [&](std::size_t k) -> void* {
      const TensorImpl* t = group.ops[k].out;
      if (!group.ops[k].needed) return buffer(k);
      return static_cast<char*>(t->storage->data) +
             begin * static_cast<std::int64_t>(size_of(t->dtype));
    };
    for (std::size_t k = 0; k < group.ops.size(); ++k) {
      DeferredGroup::Op& op = group.ops[k];
      if (!op.live) continue;
      const void* in[kMaxPointwiseInputs];
      std::int64_t strides[kMaxPointwiseInputs];
      for (int i = 0; i < op.num_inputs; ++i) {
        const DeferredGroup::Input& input = op.inputs[i];
        strides[i] = 1;
        if (input.op >= 0) {
          in[i] = out_of(static_cast<std::size_t>(input.op));
        } else if (input.view.contiguous) {
          in[i] = static_cast<const char*>(input.view.data) +
                  begin * static_cast<std::int64_t>(size_of(input.view.dtype));
        } else if (is_repeated(input.view)) {
          in[i] = input.view.data;
          strides[i] = 0;
        } else {
          void* dense = buffer(group.ops.size() + static_cast<std::size_t>(i));
          gather_any(input.view, begin, n, dense);
          in[i] = dense;
        }
      }
      const PointwiseFn line = op.value.info().rows[0].loops->value[static_cast<int>(op.compute)];
      line(op.value.attrs(), out_of(k), in, strides, n);
    }
  }
}

// Decides what needs memory: values somebody holds or a tape saves. Called with the lock held.
void plan(DeferredGroup& group) {
  for (DeferredGroup::Op& op : group.ops) {
    op.needed = handles_in(op.out->counts.load(std::memory_order_acquire)) > 0 ||
                op.out->saved.load(std::memory_order_relaxed);
    op.live = op.needed;
  }
  for (std::size_t k = group.ops.size(); k-- > 0;)
    if (group.ops[k].live)
      for (int i = 0; i < group.ops[k].num_inputs; ++i)
        if (const int from = group.ops[k].inputs[i].op; from >= 0)
          group.ops[static_cast<std::size_t>(from)].live = true;
}

void compute(DeferredGroup& group) {
  if (std::none_of(group.ops.begin(), group.ops.end(), [](const auto& op) { return op.live; }))
    return;
  for (DeferredGroup::Op& op : group.ops)
    if (op.needed)
      op.out->storage = allocate_storage(
          static_cast<std::size_t>(group.numel) * size_of(op.out->dtype), op.out->device);
  run_blocks(group);
}

// Runs a group that the caller holds claimed by the lock; returns with the lock held again.
void run_claimed(std::unique_lock<std::mutex>& lock, DeferredGroup* group) {
  group->running = true;
  plan(*group);
  lock.unlock();
  try {
    compute(*group);
  } catch (...) {  // no memory: the values stay pending, and may find some later
    for (DeferredGroup::Op& op : group->ops)
      if (Storage* s = std::exchange(op.out->storage, nullptr)) release_storage(s);
    lock.lock();
    group->running = false;
    groups().done.notify_all();
    throw;
  }
  lock.lock();
  for (DeferredGroup::Op& op : group->ops) {
    for (int i = 0; i < op.num_inputs; ++i)
      if (Storage* s = op.inputs[i].storage)
        s->pending_reads.fetch_sub(1, std::memory_order_acq_rel);
    op.out->pending.store(nullptr, std::memory_order_release);
  }
  Groups& g = groups();
  auto it =
      std::find_if(g.all.begin(), g.all.end(), [&](const auto& p) { return p.get() == group; });
  std::unique_ptr<DeferredGroup> finished = std::move(*it);
  g.all.erase(it);
  g.done.notify_all();
  lock.unlock();
  // Dropping counts may destroy tensors and with them other things; not under the lock.
  for (DeferredGroup::Op& op : finished->ops) {
    for (int i = 0; i < op.num_inputs; ++i)
      if (op.inputs[i].storage) release_storage(op.inputs[i].storage);
    drop_edge(op.out);
  }
  lock.lock();
}

// Runs `group`, or waits for the thread that runs it. The group is gone afterwards, unless that
// thread failed.
void settle(std::unique_lock<std::mutex>& lock, DeferredGroup* group) {
  Groups& g = groups();
  if (!group->running) return run_claimed(lock, group);
  // By number: another group may come to stand at the same address.
  g.done.wait(lock, [&, id = group->id] {
    return std::none_of(g.all.begin(), g.all.end(),
                        [&](const auto& p) { return p->id == id && p->running; });
  });
}

bool reads(const DeferredGroup& group, const Storage* s) {
  for (const DeferredGroup::Op& op : group.ops)
    for (int i = 0; i < op.num_inputs; ++i)
      if (op.inputs[i].storage == s) return true;
  return false;
}

template <class Pred>
void run_where(Pred pred) {
  Groups& g = groups();
  std::unique_lock lock(g.mutex);
  for (;;) {
    auto it = std::find_if(g.all.begin(), g.all.end(), [&](const auto& p) { return pred(*p); });
    if (it == g.all.end()) return;
    settle(lock, it->get());
  }
}

// Moves the ops of `from` to the end of `into`. Both have the same shape and do not read each
// other, so any order that keeps each one's own order is right.
void merge(DeferredGroup& into, DeferredGroup& from) {
  const int shift = static_cast<int>(into.ops.size());
  for (DeferredGroup::Op& op : from.ops) {
    for (int i = 0; i < op.num_inputs; ++i)
      if (op.inputs[i].op >= 0) op.inputs[i].op += shift;
    op.out->pending.store(&into, std::memory_order_release);
    into.ops.push_back(std::move(op));
  }
  into.outside_inputs += from.outside_inputs;
}

}  // namespace

void run_group_of(TensorImpl* t) {
  Groups& g = groups();
  std::unique_lock lock(g.mutex);
  while (DeferredGroup* group = t->pending.load(std::memory_order_acquire)) settle(lock, group);
}

void run_readers_of(Storage* s) {
  run_where([s](const DeferredGroup& group) { return reads(group, s); });
}

void run_pending_of_this_thread() {
  if (!thread_state.has_deferred) return;
  const std::uint32_t self = thread_id();
  run_where([self](const DeferredGroup& group) { return group.thread == self; });
  thread_state.has_deferred = false;
}

bool defer(const OpInfo& op, const void* attrs, TensorImpl* const* inputs, int n, TensorImpl* out) {
  if (!out->device.is_cpu() || n > kMaxPointwiseInputs) return false;
  const DType compute = inputs[op.pointwise.first_promoted]->dtype;
  if (!op.rows[0].loops->value[static_cast<int>(compute)]) return false;
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = inputs[i];
    if (t->pending.load(std::memory_order_acquire)) continue;
    if (t->storage->escaped.load(std::memory_order_acquire)) return false;
  }

  Groups& g = groups();
  std::unique_lock lock(g.mutex);
  // Pending inputs of another shape or thread are needed in memory; the others are joined, unless
  // the joint program would grow too long.
  DeferredGroup* target = nullptr;
  for (;;) {
    DeferredGroup* found[kMaxPointwiseInputs];
    int count = 0;
    std::size_t ops = 0;
    int outside = 0;
    DeferredGroup* settle_first = nullptr;
    for (int i = 0; i < n; ++i) {
      DeferredGroup* group = inputs[i]->pending.load(std::memory_order_acquire);
      if (!group) continue;
      if (group->running || group->thread != thread_id() || !(group->shape == out->shape)) {
        settle_first = group;
        break;
      }
      if (std::find(found, found + count, group) != found + count) continue;
      found[count++] = group;
      ops += group->ops.size();
      outside += group->outside_inputs;
    }
    if (!settle_first && count > 0 && (ops >= kMaxGroupOps || outside + n > kMaxGroupInputs))
      settle_first = found[0];
    if (settle_first) {
      settle(lock, settle_first);
      continue;
    }
    for (int i = 0; i < count; ++i) {
      if (i == 0) {
        target = found[0];
        continue;
      }
      merge(*target, *found[i]);
      std::erase_if(g.all, [&](const auto& p) { return p.get() == found[i]; });
    }
    break;
  }
  // A value that was pending above may have been settled meanwhile and its memory handed out.
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = inputs[i];
    if (!t->pending.load(std::memory_order_acquire) &&
        t->storage->escaped.load(std::memory_order_acquire))
      return false;
  }
  if (!target) {
    g.all.push_back(std::make_unique<DeferredGroup>());
    target = g.all.back().get();
    target->shape = out->shape;
    target->numel = out->numel;
    target->thread = thread_id();
    target->id = g.next_id++;
  }
  DeferredGroup::Op entry;
  entry.value = OpValue(op, attrs);
  entry.out = out;
  entry.compute = compute;
  entry.num_inputs = n;
  for (int i = 0; i < n; ++i) {
    DeferredGroup::Input& in = entry.inputs[i];
    TensorImpl* t = inputs[i];
    if (t->pending.load(std::memory_order_acquire)) {
      for (std::size_t k = 0; k < target->ops.size(); ++k)
        if (target->ops[k].out == t) in.op = static_cast<int>(k);
      continue;
    }
    in.storage = t->storage;
    retain_storage(in.storage);
    in.storage->pending_reads.fetch_add(1, std::memory_order_acq_rel);
    in.view = view_of(t);
    broadcast_view(in.view, out->shape);
    ++target->outside_inputs;
  }
  add_edge(out);
  target->ops.push_back(std::move(entry));
  out->pending.store(target, std::memory_order_release);
  thread_state.has_deferred = true;
  return true;
}

}  // namespace detail

void set_deferral(bool on) { detail::thread_state.deferral = on; }
bool deferral_enabled() { return detail::thread_state.deferral; }
void set_deferral_threshold(std::int64_t elements) { detail::least_deferred = elements; }
std::int64_t deferral_threshold() { return detail::least_deferred.load(std::memory_order_relaxed); }
void run_pending() {
  detail::run_where([](const detail::DeferredGroup&) { return true; });
}
std::int64_t pending_groups() {
  detail::Groups& g = detail::groups();
  std::lock_guard lock(g.mutex);
  return static_cast<std::int64_t>(g.all.size());
}

}  // namespace catena
