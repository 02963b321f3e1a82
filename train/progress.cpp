#include "catena/train/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace catena::train {

namespace {
constexpr int kBarCells = 20;
constexpr double kRedrawSeconds = 0.05;

std::string bar(double fraction) {
  const int done = static_cast<int>(fraction * kBarCells);
  std::string s = "\033[32m";
  for (int i = 0; i < kBarCells; ++i) {
    if (i == done) s += "\033[90m";
    s += "━";
  }
  return s + "\033[0m";
}

double seconds_between(std::chrono::steady_clock::time_point a,
                       std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}
}  // namespace

bool is_terminal(const std::ostream& out) {
  if (out.rdbuf() == std::cout.rdbuf()) return isatty(STDOUT_FILENO) == 1;
  if (out.rdbuf() == std::cerr.rdbuf()) return isatty(STDERR_FILENO) == 1;
  return false;
}

std::string of_steps(std::int64_t done, std::int64_t total) {
  return total > 0 ? fmt::format("{}/{}", done, total) : fmt::format("{}/Unknown", done);
}

std::string format_duration(double seconds) {
  const auto s = static_cast<long long>(seconds);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string format_time_per(double seconds, std::string_view unit) {
  if (seconds >= 1) return fmt::format("{:.0f}s/{}", seconds, unit);
  if (seconds >= 1e-3) return fmt::format("{:.0f}ms/{}", seconds * 1e3, unit);
  return fmt::format("{:.0f}us/{}", seconds * 1e6, unit);
}

std::string format_logs(const Logs& logs) {
  std::string s;
  for (const auto& [name, value] : logs) {
    const bool small = value != 0 && std::abs(value) <= 1e-3;
    s += small ? fmt::format(" - {}: {:.4e}", name, value)
               : fmt::format(" - {}: {:.4f}", name, value);
  }
  return s;
}

Progress::Progress(std::ostream& out, Verbose verbose, std::int64_t epochs, std::int64_t steps,
                   std::int64_t log_every)
    : out_(out),
      verbose_(verbose),
      epochs_(epochs),
      steps_(steps),
      log_every_(std::max<std::int64_t>(log_every, 1)),
      start_(Clock::now()) {
  if (verbose_ == Verbose::kAuto)
    verbose_ = !is_terminal(out) ? Verbose::kLines : steps == 1 ? Verbose::kTotal : Verbose::kBar;
}

void Progress::begin_epoch(std::int64_t epoch) {
  epoch_ = epoch;
  steps_done_ = 0;
  epoch_start_ = Clock::now();
  if (verbose_ == Verbose::kBar) {
    out_ << fmt::format("Epoch {}/{}\n", epoch + 1, epochs_);
    rate_base_ = -1;
  }
}

void Progress::step(std::int64_t done, const Logs& logs) {
  steps_done_ = done;
  if (verbose_ == Verbose::kBar && (done < steps_ || steps_ == 0))
    draw("", done, steps_, "step", false, logs);
}

void Progress::end_epoch(const Logs& logs) {
  const bool last = epoch_ + 1 == epochs_;
  if (verbose_ == Verbose::kBar) {
    draw("", steps_done_, steps_, "step", true, logs);
  } else if (verbose_ == Verbose::kTotal) {
    draw("Epoch ", epoch_ + 1, epochs_, "epoch", last, logs);
  } else if (verbose_ == Verbose::kLines && (last || (epoch_ + 1) % log_every_ == 0)) {
    const double elapsed = seconds_between(epoch_start_, Clock::now());
    const double steps = static_cast<double>(std::max<std::int64_t>(steps_done_, 1));
    out_ << fmt::format("Epoch {}/{} - {} - {} - {}{}\n", epoch_ + 1, epochs_,
                        of_steps(steps_done_, steps_), format_duration(elapsed),
                        format_time_per(elapsed / steps, "step"), format_logs(logs));
    out_.flush();
  }
}

void Progress::draw(const char* label, std::int64_t done, std::int64_t total, const char* unit,
                    bool last, const Logs& logs) {
  const Clock::time_point now = Clock::now();
  // The first step warms up caches and says little about the others: rates count from its end.
  const bool first = rate_base_ < 0;
  if (first) {
    rate_base_ = done;
    rate_start_ = now;
  }
  if (!last && !first && seconds_between(last_draw_, now) < kRedrawSeconds) return;
  last_draw_ = now;
  const double since_start =
      seconds_between(verbose_ == Verbose::kBar ? epoch_start_ : start_, now);
  const double per_step =
      done > rate_base_ ? seconds_between(rate_start_, now) / static_cast<double>(done - rate_base_)
                        : since_start / static_cast<double>(std::max<std::int64_t>(done, 1));
  const bool ends = total > 0 && !last;  // so that the time left can be told
  const double shown = ends ? per_step * static_cast<double>(total - done) : since_start;
  const std::string cells =
      total > 0 ? bar(static_cast<double>(done) / static_cast<double>(total)) + " " : "";
  const std::string steps =
      fmt::format("{:>{}}", of_steps(done, total), total > 0 ? of_steps(total, total).size() : 0);
  out_ << fmt::format("\r{}{} {}{} {}{}\033[K", label, steps, cells, format_duration(shown),
                      format_time_per(per_step, unit), format_logs(logs));
  if (last) out_ << '\n';
  out_.flush();
}

}  // namespace catena::train
