// What is local to a thread: grad mode, the call site in force, the active trace, counters.
#pragma once

#include <cstdint>
#include <source_location>

namespace catena {

class Substitution;
class Tracer;

namespace detail {

struct TensorImpl;

struct ThreadState {
  bool grad_enabled = true;
  bool detect_anomaly = false;
  bool deferral = true;
  bool inference = false;  // grad_enabled stays false
  bool in_backward = false;
  bool has_call_site = false;
  bool has_deferred = false;   // this thread may have pending values
  bool destroying = false;     // a destroy_impl is running further up the stack
  std::uint32_t id = 0;        // 0: not yet given; see thread_id()
  std::uint64_t sequence = 0;  // of the newest node recorded here
  Tracer* tracer = nullptr;
  const Substitution* substitution = nullptr;
  TensorImpl* doomed = nullptr;  // objects waiting for that destroy_impl
  std::source_location call_site;
};

#if defined(__GNUC__)
#define CATENA_TLS __attribute__((tls_model("initial-exec")))
#else
#define CATENA_TLS
#endif
extern thread_local constinit ThreadState thread_state CATENA_TLS;

std::uint32_t new_thread_id();
inline std::uint32_t thread_id() {
  if (thread_state.id == 0) thread_state.id = new_thread_id();
  return thread_state.id;
}

}  // namespace detail
}  // namespace catena
