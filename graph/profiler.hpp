// What a program spends its time and memory on, by op and by line (docs/profiling.md).
//
//   Profiler profiler;
//   train();
//   profiler.stop();
//   std::cout << profiler.table();
//   profiler.write_chrome_trace("trace.json");
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/device.hpp"
#include "catena/graph/dtype.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/shape.hpp"

namespace catena {

namespace detail {
struct ProfileRecording;
}

enum class ProfileKind : std::uint8_t {
  kCall,      // of an op
  kGradient,  // of a call, in a backward pass
  kChain,     // a run of deferred calls (graph/chain_report.hpp)
  kSpan,      // a ProfileSpan; "backward" and "grad", the passes, and what train/ names
};

struct ProfileEvent {
  struct Value {
    Shape shape;
    DType dtype;
  };
  ProfileKind kind = ProfileKind::kCall;
  std::string name;  // "matmul"; of its gradient "matmul'"; "chain (mul, add)"
  // Where it was called; a gradient: where the call was made. Of a chain one per call in it.
  std::vector<std::source_location> lines;
  // Of a call its inputs, of a gradient what has arrived at its outputs, of a chain its results.
  std::vector<Value> values;
  Device device = kCpu;
  std::uint32_t thread = 0;   // numbered from 1
  std::int64_t begin = 0;     // nanoseconds since the profiler began
  std::int64_t duration = 0;  // nanoseconds
  std::int64_t self = 0;      // without the events inside it
  std::int64_t memory = 0;    // by how many bytes memory_stats().in_use has grown
  std::int64_t self_memory = 0;
  std::uint64_t memory_in_use = 0;  // at its end
};

struct ProfilerOptions {
  // Later events are counted only. One takes some 400 bytes.
  std::size_t max_events = 1 << 18;
};

// What belongs to one row of a table.
enum class ProfileBy : std::uint8_t { kName, kLine, kNameAndLine };

struct ProfileRow {
  std::string name;  // "matmul", "model.cpp:41" or "matmul model.cpp:41"
  std::int64_t calls = 0;
  std::int64_t self = 0;   // nanoseconds; a chain's are shared evenly among the lines of its calls
  std::int64_t total = 0;  // with the events inside; those of the same row once
  std::int64_t memory = 0;
};

struct ProfileTableOptions {
  ProfileBy by = ProfileBy::kName;
  std::size_t rows = 20;  // those with the most time
};

// Records, from its construction to stop(), every call of an op, gradient, chain run and span of
// all threads, when it ends. There is one at a time. Results are the same bits as without; small
// calls take longer.
class Profiler {
 public:
  using Location = std::source_location;
  // Throws ArgumentError while another one is active.
  explicit Profiler(ProfilerOptions options = {}, Location loc = Location::current());
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  // What is under way in this moment is not recorded.
  void stop();
  bool active() const;

  // The functions below throw ArgumentError before stop().

  // In the order of their begin, an enclosing event before those inside it.
  const std::vector<ProfileEvent>& events(Location loc = Location::current()) const;
  std::size_t dropped_events(Location loc = Location::current()) const;
  double seconds(Location loc = Location::current()) const;  // from begin to stop()

  // Events put together, by falling self time.
  std::vector<ProfileRow> rows(ProfileBy by = ProfileBy::kName,
                               Location loc = Location::current()) const;
  // The same as text.
  std::string table(ProfileTableOptions options = {}, Location loc = Location::current()) const;
  // A file for chrome://tracing and https://ui.perfetto.dev (JSON of the Trace Event Format), with
  // memory in use as a counter. Throws SystemError when it cannot be written.
  void write_chrome_trace(const std::string& path, Location loc = Location::current()) const;

 private:
  const detail::ProfileRecording& recording(const Location& loc) const;
  std::unique_ptr<detail::ProfileRecording> recording_;
};

// A part of the program as an event of the profiler, if one is active: a local variable, from its
// line to the end of the block.
class ProfileSpan {
 public:
  explicit ProfileSpan(std::string_view name,
                       std::source_location loc = std::source_location::current())
      : scope_(name, loc) {}

 private:
  detail::ProfileScope scope_;
};

}  // namespace catena
