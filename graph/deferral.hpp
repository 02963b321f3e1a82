// The gate to memory, and the pending pointwise work behind it.
//
// With deferral on, a pointwise call on a large tensor is only recorded (graph/pending.hpp) and run
// when its value is needed, block by block with the calls it is made of. Whoever wants memory asks
// the gate first:
//   ensure_ready(t)      before reading t's storage
//   ensure_writable(s)   before writing s: computes every pending value that reads it
// Errors come at the call, never at the run: shapes and dtypes are checked when recording.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "catena/graph/op.hpp"
#include "catena/graph/tensor_impl.hpp"
#include "catena/graph/thread_state.hpp"

namespace catena {

// Whether pointwise work on large tensors may be deferred, on this thread. Results have the same
// bits either way.
void set_deferral(bool on);
bool deferral_enabled();
// Elements from which a pointwise call is deferred (process-wide; 16384 at start).
void set_deferral_threshold(std::int64_t elements);
std::int64_t deferral_threshold();
// Computes whatever is pending in the process and seen by a handle.
void run_pending();
// Number of values that a handle sees and that are not computed yet.
std::int64_t pending_values();

namespace detail {

extern std::atomic<std::int64_t> least_deferred;  // what deferral_threshold() tells

void compute_pending(TensorImpl* t);
void compute_readers_of(Storage* s);
// Computes `value`, which may read `target`, straight into the memory of `target`: of one shape and
// dtype, contiguous; nobody may ask for `value` afterwards. False, and nothing has happened, when
// it is not pending, when there is another handle to it, or when some other pending value needs
// what stands there.
bool compute_into(TensorImpl* target, const Tensor& value);

inline void ensure_ready(TensorImpl* t) {
  if (t->pending.load(std::memory_order_acquire)) compute_pending(t);
}
inline void ensure_writable(Storage* s) {
  if (s->pending_reads.load(std::memory_order_acquire)) compute_readers_of(s);
}

// Whether a call with this result may be deferred at all.
inline bool may_defer(const TensorImpl* out) {
  const ThreadState& state = thread_state;
  return state.deferral && !state.detect_anomaly && out->device.is_cpu() &&
         out->numel >= least_deferred.load(std::memory_order_relaxed);
}

// How a value of a chain is computed: by one of the two.
struct ChainLine {
  PointwiseFn line = nullptr;
  EntriesFn entries = nullptr;
};

// Records `out` (described, without storage) as line(inputs); an input may be null when the line
// does not read it. False when the call must run at once: some memory's pointer has escaped.
bool defer(const OpInfo& op, const void* attrs, ChainLine line, TensorImpl* const* inputs,
           int num_inputs, TensorImpl* out);

// Computes what this thread has pending and a handle sees; called when a backward ends.
void run_pending_of_this_thread();

// Reads a pending value without giving it memory, while this lives: a kernel computes it part by
// part (TensorView::program).
struct PendingRun;
class PendingReading {
 public:
  // Needs a value that is pending.
  explicit PendingReading(TensorImpl* t);
  ~PendingReading();
  PendingReading(const PendingReading&) = delete;
  PendingReading& operator=(const PendingReading&) = delete;
  TensorView view() const;

 private:
  TensorImpl* value_;
  std::unique_ptr<PendingRun> run_;
};

}  // namespace detail
}  // namespace catena
