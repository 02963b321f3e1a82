// Values that are recorded but not computed: what graph/deferral.hpp keeps behind its gate.
// Not a public header.
//
// A pending value knows its op and its inputs, which are values in memory or pending ones of the
// same shape. It is computed together with the pending values it depends on, as one program
// (graph/pointwise_program.hpp). Of those only what a handle can see gets memory. A value that only
// the tape saves stays pending: the backward walk's calls join it, and it is computed again there.
//
// One mutex guards all of it. Programs run outside of it, by the thread that planned them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "catena/graph/chain_report.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/op.hpp"
#include "catena/graph/pointwise_program.hpp"
#include "catena/graph/tensor_impl.hpp"

namespace catena::detail {

struct PendingValue {
  struct Input {
    TensorImpl* value = nullptr;  // pending like this one (an edge), or
    Storage* storage = nullptr;   // memory (a count and a pending read), or neither: not read
    const void* data = nullptr;
    DType dtype = kFloat32;
    bool contiguous = false;
    Shape strides;  // broadcast to the shape of `out`
  };

  OpValue op;
  ChainLine line;
  TensorImpl* out = nullptr;      // owns this; null when only a run still needs it
  std::source_location location;  // of the call
  int num_inputs = 0;
  Input inputs[PointwiseProgram::kMaxInputs];
  boost::container::small_vector<PendingValue*, 4> readers;
  std::uint64_t id = 0;  // rises: inputs have lower ones
  std::uint32_t thread = 0;
  int uses = 1;                                      // by `out`, and by each run under way
  bool claimed = false;                              // a run computes it into memory
  PendingValue *before = nullptr, *after = nullptr;  // of all in the process
  // For whoever holds the mutex:
  std::uint64_t mark = 0;
  int step = 0;
  bool needs_memory = false, ends = false;
};

// What was let go of under the mutex. Dropping it may destroy tensors, which asks for the mutex.
class Released {
 public:
  Released() = default;
  ~Released();
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
  void add(TensorImpl* edge) { edges_.push_back(edge); }
  void add(Storage* storage) { storages_.push_back(storage); }

 private:
  std::vector<TensorImpl*> edges_;
  std::vector<Storage*> storages_;
};

struct PendingValues {
  std::mutex mutex;
  std::condition_variable changed;  // a run has ended
  PendingValue* first = nullptr;
  std::uint64_t next_id = 1;
  std::uint64_t next_mark = 1;

  void insert(PendingValue* p);
  // `p` no longer stands for its tensor's value.
  void retire(PendingValue* p, Released& released);
  void drop_use(PendingValue* p, Released& released);
  // Retires `p` when nobody can ask for its value any more, and then its inputs likewise.
  void retire_unread(PendingValue* p, Released& released);
};
PendingValues& pending_values_table();

// Which saved values a run puts into memory beside those that handles hold.
enum class Keep : std::uint8_t {
  kIfCheaper,  // in place of inputs that only pending values hold, if that takes no more memory
  kNone,       // they are about to be used up
  kAll,
};

// A run: a program and the values it computes. The functions are called with the mutex held.
struct PendingRun {
  std::vector<PendingValue*> members;  // inputs first
  std::vector<PendingValue*> targets;  // those of them that get memory
  // Of the targets, complete after allocate(). Null: it is written to a tensor that is there
  // already.
  std::vector<Storage*> results;
  PointwiseProgram program;
  Shape shape;
  ChainTimer timer;

  // Computes `wanted` into memory and, in the same pass, what handles hold of the values that it is
  // made of or that are made of the same ones, but for `except`. False when another run must end
  // first.
  bool plan(PendingValue* wanted, Keep keep, const PendingValue* except = nullptr);
  // A program that ends with `wanted` and gives it no memory.
  bool plan_reading(PendingValue* wanted);
  // After plan(): `wanted` goes into t's memory. False when some of what reads that memory is not
  // part of this, or would read it too late.
  bool write_to(TensorImpl* t, PendingValue* wanted);
  // Memory for the targets; called without the mutex.
  void allocate();

 private:
  bool collect(PendingValue* p, std::uint64_t mark);
  void collect_relatives(std::uint64_t mark, const PendingValue* except);
  void keep_saved(Keep keep);
  void build();
  int add_memory(const PendingValue::Input& input);
  void assign_slots();
  void take_over_inputs();
  struct Reads;
  Reads reads_of(const Storage* s) const;
};

inline bool has_handles(const TensorImpl* t) {
  return handles_in(t->counts.load(std::memory_order_acquire)) > 0;
}

}  // namespace catena::detail
