// A profile in the Trace Event Format (Google, "Trace Event Format", 2016).
#include <algorithm>
#include <fstream>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "catena/graph/error.hpp"
#include "catena/graph/profile_recording.hpp"

namespace catena {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

const char* category_of(ProfileKind kind) {
  switch (kind) {
    case ProfileKind::kCall:
      return "call";
    case ProfileKind::kGradient:
      return "gradient";
    case ProfileKind::kChain:
      return "chain";
    default:
      return "span";
  }
}

Json complete_event(const ProfileEvent& event) {
  Json args = Json::object();
  std::string lines;
  for (const std::source_location& line : event.lines)
    if (const std::string text = detail::line_text(line, true); !lines.ends_with(text))
      lines += (lines.empty() ? "" : ", ") + text;
  args["line"] = lines;
  if (!event.values.empty()) {
    args[event.kind == ProfileKind::kChain ? "results" : "inputs"] = detail::values_text(event);
    args["device"] = to_string(event.device);
  }
  args["memory"] = event.memory;
  return {{"name", event.name},
          {"cat", category_of(event.kind)},
          {"ph", "X"},
          {"pid", 1},
          {"tid", event.thread},
          {"ts", microseconds(event.begin)},
          {"dur", microseconds(event.duration)},
          {"args", args}};
}

std::int64_t end_of(const ProfileEvent* event) { return event->begin + event->duration; }

std::vector<const ProfileEvent*> by_end(const std::vector<ProfileEvent>& events) {
  std::vector<const ProfileEvent*> sorted;
  for (const ProfileEvent& event : events) sorted.push_back(&event);
  std::ranges::sort(sorted, {}, end_of);
  return sorted;
}

Json memory_counter(const ProfileEvent& event) {
  return {{"name", "memory"},
          {"ph", "C"},
          {"pid", 1},
          {"ts", microseconds(end_of(&event))},
          {"args", {{"in use", event.memory_in_use}}}};
}

Json name_event(const char* what, std::uint32_t thread, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", 1}, {"tid", thread}, {"args", {{"name", name}}}};
}

}  // namespace

void Profiler::write_chrome_trace(const std::string& path, Location loc) const {
  const detail::ProfileRecording& profile = recording(loc);
  std::ofstream out(path, std::ios::trunc);
  // Text that is no UTF-8 may come with the name of a span.
  const auto write = [&](const Json& json) {
    out << json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  out << R"({"displayTimeUnit":"ms","otherData":)";
  write({{"dropped events", profile.dropped}});
  out << R"(,"traceEvents":[)" << '\n';
  write(name_event("process_name", 0, "catena"));
  const auto next = [&](const Json& json) {
    out << ",\n";
    write(json);
  };
  std::set<std::uint32_t> threads;
  for (const ProfileEvent& event : profile.events)
    if (threads.insert(event.thread).second)
      next(name_event("thread_name", event.thread, fmt::format("thread {}", event.thread)));
  for (const ProfileEvent& event : profile.events) next(complete_event(event));
  const ProfileEvent* before = nullptr;
  for (const ProfileEvent* event : by_end(profile.events)) {
    if (!before || event->memory_in_use != before->memory_in_use) next(memory_counter(*event));
    before = event;
  }
  out << "\n]}\n";
  out.close();
  if (!out)
    throw SystemError(fmt::format(
        "[profiler] {}: the trace cannot be written; expected a folder that exists, that may be "
        "written to and has space{}",
        path, called_at(loc)));
}

}  // namespace catena
