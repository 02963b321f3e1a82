#include "catena/graph/deferral.hpp"

#include <algorithm>
#include <utility>

#include "catena/graph/pending.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"

namespace catena {
namespace detail {

std::atomic<std::int64_t> least_deferred{16384};

namespace {

// A value is made of at most this many pending ones when it is recorded; with more, its inputs are
// computed first. A backward walk adds two or three calls for each that it differentiates, and
// should find room for all of them.
constexpr int kMaxForwardSteps = 24;
constexpr int kMaxSteps = 96;
constexpr int kMaxInputs = 192;  // in memory

bool is_saved(const TensorImpl* t) { return t->saved.load(std::memory_order_relaxed); }

PendingValue* pending_of(const TensorImpl* t) { return t->pending.load(std::memory_order_acquire); }

}  // namespace

// --- The table of pending values ---

PendingValues& pending_values_table() {
  static auto* table = new PendingValues;
  return *table;
}

Released::~Released() {
  for (Storage* s : storages_) release_storage(s);
  for (TensorImpl* t : edges_) drop_edge(t);
}

void PendingValues::insert(PendingValue* p) {
  p->id = next_id++;
  p->after = first;
  if (first) first->before = p;
  first = p;
}

void PendingValues::drop_use(PendingValue* p, Released& released) {
  if (--p->uses > 0) return;
  for (int i = 0; i < p->num_inputs; ++i) {
    PendingValue::Input& input = p->inputs[i];
    if (input.value) {
      PendingValue* from = pending_of(input.value);
      auto& readers = from->readers;
      if (auto it = std::find(readers.begin(), readers.end(), p); it != readers.end())
        readers.erase(it);
      retire_unread(from, released);
      released.add(input.value);
    } else if (input.storage) {
      input.storage->pending_reads.fetch_sub(1, std::memory_order_acq_rel);
      released.add(input.storage);
    }
  }
  if (p->before) p->before->after = p->after;
  if (p->after) p->after->before = p->before;
  if (first == p) first = p->after;
  delete p;
}

void PendingValues::retire(PendingValue* p, Released& released) {
  p->out->pending.store(nullptr, std::memory_order_release);
  p->out = nullptr;
  drop_use(p, released);
}

void PendingValues::retire_unread(PendingValue* p, Released& released) {
  if (!p->out || p->claimed || p->uses > 1 || !p->readers.empty() || has_handles(p->out) ||
      is_saved(p->out))
    return;
  retire(p, released);
}

// --- Running ---

namespace {

// Those that read `t` read its memory from now on.
void redirect_readers(PendingValue& p, Released& released) {
  TensorImpl* t = p.out;
  for (PendingValue* reader : p.readers)
    for (int i = 0; i < reader->num_inputs; ++i) {
      PendingValue::Input& input = reader->inputs[i];
      if (input.value != t) continue;
      released.add(std::exchange(input.value, nullptr));
      input.storage = t->storage;
      retain_storage(input.storage);
      input.storage->pending_reads.fetch_add(1, std::memory_order_acq_rel);
      input.data = t->storage->data;
      input.dtype = t->dtype;
      input.contiguous = true;
      input.strides = t->strides;
    }
  p.readers.clear();
}

void end_run(PendingRun& run, Released& released) {
  PendingValues& table = pending_values_table();
  for (PendingValue* p : run.targets) p->claimed = false;
  for (auto it = run.members.rbegin(); it != run.members.rend(); ++it) {
    if ((*it)->out) {
      --(*it)->uses;
      table.retire_unread(*it, released);
    } else {
      table.drop_use(*it, released);
    }
  }
  table.changed.notify_all();
}

// Runs what is planned; the lock is given up meanwhile.
void run_planned(PendingRun& run, std::unique_lock<std::mutex>& lock, Released& released) {
  run.timer.start(run);
  lock.unlock();
  try {
    run.allocate();
    if (!backend_of(kCpu).run(run.program)) throw_internal("this backend runs no programs");
    run.timer.finish();
  } catch (...) {  // no memory: the values stay pending, and may find some later
    lock.lock();
    for (Storage* s : run.results)
      if (s) released.add(s);
    end_run(run, released);
    throw;
  }
  lock.lock();
  for (std::size_t k = 0; k < run.targets.size(); ++k) {
    PendingValue* p = run.targets[k];
    if (Storage* s = run.results[k]) {
      s->version.store(0, std::memory_order_relaxed);  // one that was taken over has no past
      p->out->storage = s;
      redirect_readers(*p, released);
    }
    pending_values_table().retire(p, released);
  }
  end_run(run, released);
}

// Computes p, or waits for whoever does; afterwards it may have to be asked for again.
void settle(PendingValue* p, Keep keep, std::unique_lock<std::mutex>& lock, Released& released,
            const PendingValue* except = nullptr) {
  PendingRun run;
  if (run.plan(p, keep, except))
    run_planned(run, lock, released);
  else
    pending_values_table().changed.wait(lock);
}

Keep keep_now() { return thread_state.in_backward ? Keep::kNone : Keep::kIfCheaper; }

template <class Pred>
void settle_where(Pred pred) {
  PendingValues& table = pending_values_table();
  for (;;) {
    Released released;  // let go of without the lock
    std::unique_lock lock(table.mutex);
    PendingValue* p = table.first;
    while (p && !pred(*p)) p = p->after;
    if (!p) return;
    if (p->out)
      settle(p, Keep::kIfCheaper, lock, released);
    else
      table.changed.wait(lock);  // a run still reads for it
  }
}

bool reads(const PendingValue& p, const Storage* s) {
  return std::any_of(p.inputs, p.inputs + p.num_inputs,
                     [&](const PendingValue::Input& input) { return input.storage == s; });
}

}  // namespace

void compute_pending(TensorImpl* t) {
  Released released;
  std::unique_lock lock(pending_values_table().mutex);
  while (PendingValue* p = pending_of(t)) settle(p, keep_now(), lock, released);
}

bool compute_into(TensorImpl* target, const Tensor& value) {
  PendingValues& table = pending_values_table();
  Released released;
  TensorImpl* t = value.impl();
  std::unique_lock lock(table.mutex);
  for (;;) {
    PendingValue* p = pending_of(t);
    if (!p) return false;
    PendingRun run;
    if (!run.plan(p, Keep::kNone)) {
      table.changed.wait(lock);
    } else if (handles_in(t->counts.load(std::memory_order_acquire)) > 1 ||
               !run.write_to(target, p)) {
      for (Storage* s : run.results)
        if (s) released.add(s);
      end_run(run, released);
      return false;
    } else {
      run_planned(run, lock, released);
      return true;
    }
  }
}

void compute_readers_of(Storage* s) {
  settle_where([s](const PendingValue& p) { return reads(p, s); });
}

void run_pending_of_this_thread() {
  if (!thread_state.has_deferred) return;
  const std::uint32_t self = thread_id();
  settle_where(
      [self](const PendingValue& p) { return p.thread == self && p.out && has_handles(p.out); });
  thread_state.has_deferred = false;
}

void detach_pending(TensorImpl* t) noexcept {
  PendingValues& table = pending_values_table();
  Released released;
  std::unique_lock lock(table.mutex);
  PendingValue* p;
  while ((p = pending_of(t)) && p->claimed) table.changed.wait(lock);
  if (p) table.retire(p, released);
}

void forget_unread(TensorImpl* t) noexcept {
  Released released;
  const std::lock_guard lock(pending_values_table().mutex);
  PendingValue* p = pending_of(t);
  if (!p || p->claimed || p->uses > 1 || !p->readers.empty()) return;
  pending_values_table().retire(p, released);
}

// --- Recording ---

namespace {

// How many pending values, and how many inputs in memory, a value made of `inputs` is made of.
struct Extent {
  int steps = 1, memory = 0;
};
Extent extent_of(TensorImpl* const* inputs, int n, int limit) {
  const std::uint64_t mark = pending_values_table().next_mark++;
  Extent extent;
  boost::container::small_vector<PendingValue*, 32> stack;
  const auto visit = [&](const TensorImpl* t) {
    PendingValue* p = pending_of(t);
    if (!p || p->mark == mark) return;
    p->mark = mark;
    ++extent.steps;
    stack.push_back(p);
  };
  for (int i = 0; i < n; ++i)
    if (inputs[i]) visit(inputs[i]);
  extent.memory = n;
  while (!stack.empty() && extent.steps <= limit) {
    const PendingValue* p = stack.back();
    stack.pop_back();
    for (int i = 0; i < p->num_inputs; ++i) {
      if (p->inputs[i].value)
        visit(p->inputs[i].value);
      else
        extent.memory += p->inputs[i].storage != nullptr;
    }
  }
  return extent;
}

bool has_escaped(const TensorImpl* t) {
  return t->storage->escaped.load(std::memory_order_acquire);
}

}  // namespace

bool defer(const OpInfo& op, const void* attrs, ChainLine line, TensorImpl* const* inputs, int n,
           TensorImpl* out) {
  const bool in_backward = thread_state.in_backward;
  const int limit = in_backward ? kMaxSteps : kMaxForwardSteps;
  PendingValues& table = pending_values_table();
  Released released;
  std::unique_lock lock(table.mutex);
  const auto settle_inputs = [&](auto which) {
    for (int i = 0; i < n; ++i)
      while (PendingValue* p = inputs[i] ? pending_of(inputs[i]) : nullptr) {
        if (!which(inputs[i])) break;
        settle(p, in_backward ? Keep::kAll : Keep::kIfCheaper, lock, released);
      }
  };
  settle_inputs([&](const TensorImpl* t) { return !(t->shape == out->shape); });
  const Extent extent = extent_of(inputs, n, limit);
  if (extent.steps > limit || extent.memory > kMaxInputs)
    settle_inputs([](const TensorImpl*) { return true; });
  for (int i = 0; i < n; ++i)
    if (inputs[i] && !pending_of(inputs[i]) && has_escaped(inputs[i])) return false;

  auto* p = new PendingValue;
  p->op = OpValue(op, attrs);
  p->line = line;
  p->out = out;
  p->location = thread_state.call_site;
  p->num_inputs = n;
  p->thread = thread_id();
  for (int i = 0; i < n; ++i) {
    TensorImpl* t = inputs[i];
    if (!t) continue;
    PendingValue::Input& input = p->inputs[i];
    if (PendingValue* from = pending_of(t)) {
      add_edge(t);
      input.value = t;
      from->readers.push_back(p);
      continue;
    }
    TensorView view = view_of(t);
    broadcast_view(view, out->shape);
    retain_storage(t->storage);
    t->storage->pending_reads.fetch_add(1, std::memory_order_acq_rel);
    input.storage = t->storage;
    input.data = view.data;
    input.dtype = view.dtype;
    input.contiguous = view.contiguous;
    input.strides = view.strides;
  }
  table.insert(p);
  out->pending.store(p, std::memory_order_release);
  thread_state.has_deferred = true;
  return true;
}

// --- Reading without memory ---

PendingReading::PendingReading(TensorImpl* t) : value_(t) {
  PendingValues& table = pending_values_table();
  Released released;
  std::unique_lock lock(table.mutex);
  while (PendingValue* p = pending_of(t)) {
    auto run = std::make_unique<PendingRun>();
    if (!run->plan_reading(p)) {
      table.changed.wait(lock);
      continue;
    }
    // What handles hold is wanted in memory anyway.
    const auto held = std::find_if(run->members.begin(), run->members.end(),
                                   [&](auto* m) { return m != p && has_handles(m->out); });
    if (held == run->members.end()) {
      run_ = std::move(run);
      run_->timer.start(*run_);
      return;
    }
    PendingValue* first = *held;
    end_run(*run, released);
    settle(first, keep_now(), lock, released, p);
  }
}

PendingReading::~PendingReading() {
  if (!run_) return;
  run_->timer.finish();
  Released released;
  const std::lock_guard lock(pending_values_table().mutex);
  end_run(*run_, released);
}

TensorView PendingReading::view() const {
  if (!run_) return view_of(value_);
  TensorView view;
  view.dtype = value_->dtype;
  view.contiguous = false;
  view.numel = value_->numel;
  view.shape = value_->shape;
  view.strides = value_->strides;
  view.program = &run_->program;
  return view;
}

}  // namespace detail

void set_deferral(bool on) { detail::thread_state.deferral = on; }
bool deferral_enabled() { return detail::thread_state.deferral; }
void set_deferral_threshold(std::int64_t elements) { detail::least_deferred = elements; }
std::int64_t deferral_threshold() { return detail::least_deferred.load(std::memory_order_relaxed); }
void run_pending() {
  detail::settle_where(
      [](const detail::PendingValue& p) { return p.out != nullptr && detail::has_handles(p.out); });
}
std::int64_t pending_values() {
  detail::PendingValues& table = detail::pending_values_table();
  const std::lock_guard lock(table.mutex);
  std::int64_t count = 0;
  for (const auto* p = table.first; p; p = p->after)
    count += p->out != nullptr && detail::has_handles(p->out);
  return count;
}

}  // namespace catena
