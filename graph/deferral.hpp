// The gate to memory, and the pending pointwise work behind it.
//
// With deferral on, a pointwise call on a large tensor is only recorded: it joins the group of its
// pending inputs (a straight-line program over one shape), which is run block by block when some
// value of it is needed. Whoever wants memory asks the gate first:
//   ensure_ready(t)      before reading t's storage
//   ensure_writable(s)   before writing s: runs every group that still reads it
// Errors come at the call, never at the run: shapes and dtypes are checked when recording.
#pragma once

#include <atomic>
#include <cstdint>

#include "catena/graph/op.hpp"
#include "catena/graph/tensor_impl.hpp"

namespace catena {

// Whether pointwise work on large tensors may be deferred, on this thread. Results have the same
// bits either way.
void set_deferral(bool on);
bool deferral_enabled();
// Elements from which a pointwise call is deferred (process-wide; 16384 at start).
void set_deferral_threshold(std::int64_t elements);
std::int64_t deferral_threshold();
// Runs whatever is pending in the process.
void run_pending();
// Number of groups pending now.
std::int64_t pending_groups();

namespace detail {

extern std::atomic<std::int64_t> least_deferred;  // what deferral_threshold() tells

// At most this many ops in one group; the next one runs it.
inline constexpr int kMaxGroupOps = 32;
// At most this many distinct outside inputs.
inline constexpr int kMaxGroupInputs = 24;

void run_group_of(TensorImpl* t);
void run_readers_of(Storage* s);

inline void ensure_ready(TensorImpl* t) {
  if (t->pending.load(std::memory_order_acquire)) run_group_of(t);
}
inline void ensure_writable(Storage* s) {
  if (s->pending_reads.load(std::memory_order_acquire)) run_readers_of(s);
}

// Records `out` (described, without storage) as op(inputs). Returns false when the call must run
// at once: escaped or foreign memory, or a device without inner loops.
bool defer(const OpInfo& op, const void* attrs, TensorImpl* const* inputs, int num_inputs,
           TensorImpl* out);
// Runs what this thread has pending; called when a backward ends.
void run_pending_of_this_thread();

}  // namespace detail
}  // namespace catena
