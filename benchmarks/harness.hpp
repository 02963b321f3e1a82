// Timing shared by our benchmarks and by the programs that measure other libraries; it knows
// nothing of either. One repetition after the other is timed, phase by phase, and the median is
// reported: one line per workload and phase,
//   workload parameters phase=name median count min= p25= p75=
// in nanoseconds per unit of work (a repetition unless units() says more).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

inline double now_ns() {
  using namespace std::chrono;
  return static_cast<double>(
      duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count());
}

// The largest resident set this process has had, as the kernel tells it.
inline double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::atof(line.c_str() + 6) / 1024;
  return 0;
}

// Linear interpolation between the sorted samples; 0.5 is the median.
inline double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double at = q * static_cast<double>(samples.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, samples.size() - 1);
  return samples[low] + (samples[high] - samples[low]) * (at - static_cast<double>(low));
}

struct Result {
  std::string name;   // workload and parameters
  std::string phase;  // "total" or a part of it; for plain values what the value is
  double median = 0, min = 0, p25 = 0, p75 = 0;
  std::size_t count = 1;
};

// What a program runs and what it found.
struct Session {
  std::function<bool(const std::string& name)> selected = [](const std::string&) { return true; };
  int repetitions = 0;  // exactly so many of each; 0: as each workload says
  std::vector<Result> results;

  void report(Result r) {
    const int digits = r.median < 100 ? 3 : 0;
    std::printf("%s phase=%s %.*f %zu min=%.*f p25=%.*f p75=%.*f\n", r.name.c_str(),
                r.phase.c_str(), digits, r.median, r.count, digits, r.min, digits, r.p25, digits,
                r.p75);
    std::fflush(stdout);
    results.push_back(std::move(r));
  }
};

// Handed to the body of a repetition.
class Clock {
 public:
  // Charges the time since the last call to `phase`.
  void lap(const char* phase) {
    const double t = now_ns();
    find(phase).push_back(t - last_);
    total_ += t - last_;
    last_ = now_ns();
  }
  // Leaves the time since the last call out of every phase and of the total.
  void skip() { last_ = now_ns(); }

 private:
  friend class Benchmark;
  void start() {
    total_ = 0;
    last_ = now_ns();
  }
  std::vector<double>& find(const std::string& phase) {
    for (auto& [name, times] : phases_)
      if (name == phase) return times;
    return phases_.emplace_back(phase, std::vector<double>()).second;
  }
  double last_ = 0, total_ = 0;
  std::vector<std::pair<std::string, std::vector<double>>> phases_;
};

class Benchmark {
 public:
  Benchmark(Session& session, std::string name) : session_(session), name_(std::move(name)) {}
  Benchmark& units(double n) { return units_ = n, *this; }
  Benchmark& warm_up(int n) { return warm_up_ = n, *this; }
  Benchmark& repetitions(int least, int most) { return least_ = least, most_ = most, *this; }
  Benchmark& seconds(double s) { return seconds_ = s, *this; }

  // Repeats body(clock) until the time is up. Returns the median of the total, or 0 when the
  // workload is not selected.
  template <class Body>
  double run(Body&& body) {
    if (!session_.selected(name_)) return 0;
    Clock warm;
    for (int i = 0; i < warm_up_; ++i) {
      warm.start();
      body(warm);
    }
    Clock clock;
    std::vector<double> totals;
    const double begin = now_ns();
    const int fixed = session_.repetitions;
    for (int i = 0; i < (fixed > 0 ? fixed : most_); ++i) {
      clock.start();
      body(clock);
      totals.push_back(clock.total_);
      if (fixed == 0 && i + 1 >= least_ && now_ns() - begin > seconds_ * 1e9) break;
    }
    if (clock.phases_.size() > 1)
      for (const auto& [phase, times] : clock.phases_) report(phase, times);
    report("total", totals);
    return quantile(totals, 0.5) / units_;
  }

 private:
  void report(const std::string& phase, const std::vector<double>& times) {
    auto at = [&](double q) { return quantile(times, q) / units_; };
    session_.report({name_, phase, at(0.5), at(0), at(0.25), at(0.75), times.size()});
  }
  Session& session_;
  std::string name_;
  double units_ = 1, seconds_ = 1.5;
  int warm_up_ = 3, least_ = 7, most_ = 2000;
};

}  // namespace bench
