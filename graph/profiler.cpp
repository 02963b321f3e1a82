// Recording. What is made of it: profile_table.cpp, profile_trace.cpp.
#include "catena/graph/profiler.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/chain_report.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/memory.hpp"
#include "catena/graph/op.hpp"
#include "catena/graph/plain.hpp"
#include "catena/graph/profile_recording.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/walk.hpp"

namespace catena {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t nanoseconds(Clock::duration time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

std::int64_t memory_in_use() { return static_cast<std::int64_t>(memory_stats().in_use); }

// Of the profiler that is active, for all threads.
struct Recorder {
  std::mutex mutex;
  detail::ProfileRecording* recording = nullptr;
  std::atomic<std::uint64_t> id{0};  // of that recording; rises
};
Recorder& recorder() {
  static auto* the_one = new Recorder;
  return *the_one;
}

}  // namespace

namespace detail {

std::atomic<bool> profiling{false};

// An event under way.
struct OpenEvent {
  ProfileEvent event;
  std::uint64_t recording = 0;
  OpenEvent* outer = nullptr;
  std::int64_t inside = 0, inside_memory = 0;  // of the events inside, their recording included
  Clock::time_point prepared = Clock::now(), begin;
  std::int64_t memory = 0;
};

namespace {
thread_local constinit OpenEvent* innermost = nullptr;

OpenEvent* prepare(ProfileKind kind, std::string name) {
  auto* open = new OpenEvent;
  open->event.kind = kind;
  open->event.name = std::move(name);
  return open;
}

OpenEvent* begin_now(OpenEvent* open) {
  open->event.thread = thread_id();
  open->outer = std::exchange(innermost, open);
  open->recording = recorder().id.load(std::memory_order_relaxed);
  open->memory = memory_in_use();
  open->begin = Clock::now();
  return open;
}

// A span that is no local variable may end before one inside it.
void leave(const OpenEvent* open) {
  for (OpenEvent** at = &innermost; *at; at = &(*at)->outer)
    if (*at == open) {
      *at = open->outer;
      return;
    }
}
}  // namespace

void ProfileScope::begin(const OpInfo& op, Operand* const* operands, int n,
                         const std::source_location& location) {
  open_ = prepare(ProfileKind::kCall, op.name);
  ProfileEvent& event = open_->event;
  event.lines = {thread_state.has_call_site ? thread_state.call_site : location};
  for (int i = 0; i < n; ++i)
    if (const TensorImpl* t = operands[i]->impl()) {
      event.values.push_back({t->shape, t->dtype});
      event.device = t->device;
    }
  begin_now(open_);
}

void ProfileScope::begin(Node& node) {
  open_ = prepare(ProfileKind::kGradient, std::string(node.op->name) + "'");
  ProfileEvent& event = open_->event;
  event.lines = {node.location};
  if (node.is_multi()) {
    const auto& multi = static_cast<const MultiNode&>(node);
    for (std::uint32_t k = 0; k < multi.num_outputs; ++k)
      event.values.push_back({multi.outputs[k].shape, multi.outputs[k].dtype});
    event.device = multi.outputs[0].device;
  } else {
    const TensorImpl* out = impl_of(&node);
    event.values = {{out->shape, out->dtype}};
    event.device = out->device;
  }
  begin_now(open_);
}

void ProfileScope::begin(const ChainReport& report) {
  if (!is_profiling()) return;
  open_ = prepare(ProfileKind::kChain, fmt::format("chain ({})", fmt::join(report.calls, ", ")));
  open_->event.lines = report.lines;
  for (const DType dtype : report.results) open_->event.values.push_back({report.shape, dtype});
  begin_now(open_);
}

void ProfileScope::begin(std::string_view name, const std::source_location& location) {
  open_ = prepare(ProfileKind::kSpan, std::string(name));
  open_->event.lines = {location};
  begin_now(open_);
}

void ProfileScope::finish() {
  const Clock::time_point end = Clock::now();
  const std::int64_t in_use = memory_in_use();
  const std::unique_ptr<OpenEvent> open(std::exchange(open_, nullptr));
  leave(open.get());
  OpenEvent* outer = open->outer;
  ProfileEvent& event = open->event;
  event.duration = nanoseconds(end - open->begin);
  event.self = event.duration - open->inside;
  event.memory = in_use - open->memory;
  event.self_memory = event.memory - open->inside_memory;
  event.memory_in_use = static_cast<std::uint64_t>(std::max<std::int64_t>(in_use, 0));
  {
    const std::lock_guard lock(recorder().mutex);
    ProfileRecording* recording = recorder().recording;
    if (recording && recorder().id.load(std::memory_order_relaxed) == open->recording) {
      event.begin = nanoseconds(open->begin - recording->begin);
      if (recording->events.size() < recording->options.max_events)
        recording->events.push_back(std::move(event));
      else
        ++recording->dropped;
    }
  }
  if (!outer) return;
  outer->inside_memory += in_use - open->memory;
  outer->inside += nanoseconds(Clock::now() - open->prepared);
}

}  // namespace detail

Profiler::Profiler(ProfilerOptions options, Location loc)
    : recording_(std::make_unique<detail::ProfileRecording>()) {
  recording_->options = options;
  recording_->location = loc;
  Recorder& all = recorder();
  const std::lock_guard lock(all.mutex);
  if (all.recording)
    throw_argument("profiler",
                   fmt::format("another profiler is active, made at {}; expected one at a time; "
                               "stop() that one first",
                               detail::line_text(all.recording->location)),
                   loc);
  all.recording = recording_.get();
  all.id.fetch_add(1, std::memory_order_relaxed);
  recording_->begin = Clock::now();
  detail::set_plain_calls(false);
  detail::profiling.store(true, std::memory_order_relaxed);
}

Profiler::~Profiler() { stop(); }

bool Profiler::active() const {
  const std::lock_guard lock(recorder().mutex);
  return recorder().recording == recording_.get();
}

void Profiler::stop() {
  {
    Recorder& all = recorder();
    const std::lock_guard lock(all.mutex);
    if (all.recording != recording_.get()) return;
    detail::profiling.store(false, std::memory_order_relaxed);
    detail::set_plain_calls(true);
    recording_->duration = Clock::now() - recording_->begin;
    all.recording = nullptr;
  }
  std::ranges::sort(recording_->events, [](const ProfileEvent& a, const ProfileEvent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.duration > b.duration;
  });
}

const detail::ProfileRecording& Profiler::recording(const Location& loc) const {
  if (active())
    throw_argument("profiler", "it is still recording; expected to be asked after stop()", loc);
  return *recording_;
}

const std::vector<ProfileEvent>& Profiler::events(Location loc) const {
  return recording(loc).events;
}
std::size_t Profiler::dropped_events(Location loc) const { return recording(loc).dropped; }
double Profiler::seconds(Location loc) const {
  return std::chrono::duration<double>(recording(loc).duration).count();
}

}  // namespace catena
