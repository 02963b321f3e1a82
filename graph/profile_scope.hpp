// What calls, the backward walk and chains tell a Profiler (graph/profiler.hpp).
#pragma once

#include <atomic>
#include <source_location>
#include <string_view>

namespace catena {

struct ChainReport;
struct OpInfo;
class Operand;

namespace detail {

struct Node;
struct OpenEvent;

extern std::atomic<bool> profiling;
inline bool is_profiling() { return profiling.load(std::memory_order_relaxed); }

// An event from its begin to the end of the scope, on one thread; nothing while no profiler is
// active. Events that begin in between are inside it.
class ProfileScope {
 public:
  ProfileScope() = default;
  // A call.
  ProfileScope(const OpInfo& op, Operand* const* operands, int n,
               const std::source_location& location) {
    if (is_profiling()) [[unlikely]]
      begin(op, operands, n, location);
  }
  // A gradient.
  explicit ProfileScope(Node& node) {
    if (is_profiling()) [[unlikely]]
      begin(node);
  }
  // A span.
  ProfileScope(std::string_view name, const std::source_location& location) {
    if (is_profiling()) [[unlikely]]
      begin(name, location);
  }
  ~ProfileScope() { end(); }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

  // The run of a chain.
  void begin(const ChainReport& report);
  void end() {
    if (open_) [[unlikely]]
      finish();
  }

 private:
  void begin(const OpInfo& op, Operand* const* operands, int n,
             const std::source_location& location);
  void begin(Node& node);
  void begin(std::string_view name, const std::source_location& location);
  void finish();
  OpenEvent* open_ = nullptr;
};

}  // namespace detail
}  // namespace catena
