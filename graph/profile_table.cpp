// Events put together: by op, by line of the program.
#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include "catena/graph/profile_recording.hpp"

namespace catena {
namespace detail {

std::string line_text(const std::source_location& line, bool folder) {
  std::string_view path = line.file_name();
  if (path.empty() || line.line() == 0) return "(no line)";
  if (const auto slash = path.rfind('/'); !folder && slash != std::string_view::npos)
    path.remove_prefix(slash + 1);
  return fmt::format("{}:{}", path, line.line());
}

std::string values_text(const ProfileEvent& event) {
  std::string text;
  for (const ProfileEvent::Value& value : event.values)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(value.shape),
                        name_of(value.dtype));
  return text;
}

namespace {

// The rows an event belongs to, each with its part of the time: a chain may be of several lines.
struct Part {
  std::size_t row;
  double share;
};

class Rows {
 public:
  explicit Rows(ProfileBy by) : by_(by) {}

  std::vector<Part> parts_of(const ProfileEvent& event) {
    std::vector<Part> parts;
    if (by_ == ProfileBy::kName) return {{row(event.name, event.name), 1}};
    const double share = 1 / static_cast<double>(event.lines.size());
    for (const std::source_location& line : event.lines) {
      std::string key = line_text(line, true), name = line_text(line);
      if (by_ == ProfileBy::kNameAndLine) {
        key = event.name + ' ' + key;
        name = event.name + ' ' + name;
      }
      const std::size_t at = row(std::move(key), std::move(name));
      const auto same = std::ranges::find(parts, at, &Part::row);
      if (same == parts.end())
        parts.push_back({at, share});
      else
        same->share += share;
    }
    return parts;
  }

  std::vector<ProfileRow> rows;

 private:
  std::size_t row(std::string key, std::string name) {
    const auto [at, fresh] = index_.try_emplace(std::move(key), rows.size());
    if (fresh) rows.push_back({.name = std::move(name)});
    return at->second;
  }
  ProfileBy by_;
  std::unordered_map<std::string, std::size_t> index_;
};

std::int64_t part_of(std::int64_t whole, double share) {
  return std::llround(static_cast<double>(whole) * share);
}

}  // namespace
}  // namespace detail

std::vector<ProfileRow> Profiler::rows(ProfileBy by, Location loc) const {
  struct Enclosing {
    std::int64_t end;
    std::vector<detail::Part> parts;
  };
  detail::Rows all(by);
  std::unordered_map<std::uint32_t, std::vector<Enclosing>> threads;
  for (const ProfileEvent& event : recording(loc).events) {
    std::vector<Enclosing>& around = threads[event.thread];
    const std::int64_t end = event.begin + event.duration;
    std::erase_if(around, [&](const Enclosing& e) { return e.end < end; });
    std::vector<detail::Part> parts = all.parts_of(event);
    for (const auto& [at, share] : parts) {
      ProfileRow& row = all.rows[at];
      ++row.calls;
      row.self += detail::part_of(event.self, share);
      row.memory += detail::part_of(event.self_memory, share);
      const bool counted = std::ranges::any_of(around, [at = at](const Enclosing& e) {
        return std::ranges::find(e.parts, at, &detail::Part::row) != e.parts.end();
      });
      if (!counted) row.total += detail::part_of(event.duration, share);
    }
    around.push_back({end, std::move(parts)});
  }
  std::ranges::stable_sort(all.rows, std::ranges::greater(), &ProfileRow::self);
  return std::move(all.rows);
}

namespace {

std::string time_text(double nanoseconds) {
  for (const char* unit : {"ns", "us", "ms"}) {
    if (std::abs(nanoseconds) < 999.5) return fmt::format("{:.3g} {}", nanoseconds, unit);
    nanoseconds /= 1000;
  }
  return fmt::format("{:.2f} s", nanoseconds);
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB"}) {
    if (std::abs(bytes) < 1023.5) return fmt::format("{:.4g} {}", bytes, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.4g} GiB", bytes);
}

std::string cut(const std::string& name) {
  constexpr std::size_t kWidth = 48;
  return name.size() <= kWidth ? name : name.substr(0, kWidth - 3) + "...";
}

}  // namespace

std::string Profiler::table(ProfileTableOptions options, Location loc) const {
  using Row = std::array<std::string, 7>;
  const std::vector<ProfileRow> found = rows(options.by, loc);
  double all = 0;
  for (const ProfileRow& row : found) all += static_cast<double>(row.self);
  const char* title = options.by == ProfileBy::kName   ? "name"
                      : options.by == ProfileBy::kLine ? "line"
                                                       : "name, line";
  std::vector<Row> lines = {{title, "self", "share", "total", "calls", "mean", "memory"}};
  const std::size_t shown = std::min(options.rows, found.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const ProfileRow& row = found[i];
    const auto self = static_cast<double>(row.self), total = static_cast<double>(row.total);
    lines.push_back({cut(row.name), time_text(self),
                     fmt::format("{:.1f} %", all > 0 ? 100 * self / all : 0), time_text(total),
                     std::to_string(row.calls), time_text(total / static_cast<double>(row.calls)),
                     bytes_text(static_cast<double>(row.memory))});
  }
  std::array<std::size_t, 7> widths{};
  for (const Row& line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  std::string text;
  for (const Row& line : lines) {
    text += fmt::format("{:<{}}", line[0], widths[0]);
    for (std::size_t c = 1; c < line.size(); ++c)
      text += fmt::format("  {:>{}}", line[c], widths[c]);
    text += '\n';
  }
  if (shown < found.size()) text += fmt::format("and {} more\n", found.size() - shown);
  text += fmt::format("{} events in {}; they cover {}", recording(loc).events.size(),
                      time_text(1e9 * seconds(loc)), time_text(all));
  if (const std::size_t dropped = recording(loc).dropped)
    text += fmt::format("; {} later ones were dropped (max_events is {})", dropped,
                        recording(loc).options.max_events);
  return text + '\n';
}

}  // namespace catena
