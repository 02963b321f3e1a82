// Which pending values are computed together, which of them get memory, and the program that does
// it.
#include <algorithm>
#include <iterator>
#include <utility>

#include "catena/graph/pending.hpp"

namespace catena::detail {
namespace {

// With values that are only related the program may grow to this.
constexpr std::size_t kMaxMembers = 192;
constexpr std::size_t kMaxInputs = 240;
static_assert(kMaxMembers <= PointwiseProgram::kMaxSteps &&
              kMaxInputs <= PointwiseProgram::kMaxMemory);

bool is_saved(const PendingValue* p) { return p->out->saved.load(std::memory_order_relaxed); }

bool is_repeated(const PendingValue::Input& input, const Shape& shape) {
  for (int d = 0; d < shape.rank(); ++d)
    if (shape[d] > 1 && input.strides[d] != 0) return false;
  return true;
}

std::size_t inputs_in_memory(const std::vector<PendingValue*>& members) {
  std::size_t count = 0;
  for (const PendingValue* p : members)
    for (int i = 0; i < p->num_inputs; ++i) count += p->inputs[i].storage != nullptr;
  return count;
}

}  // namespace

// --- What is computed together ---

// Adds p and what it is made of. False, and nothing is added, when another run computes some of it.
bool PendingRun::collect(PendingValue* p, std::uint64_t mark) {
  const std::size_t before = members.size();
  std::vector<PendingValue*> stack{p};
  while (!stack.empty()) {
    PendingValue* next = stack.back();
    stack.pop_back();
    if (next->mark == mark) continue;
    if (next->claimed) {
      for (std::size_t k = before; k < members.size(); ++k) members[k]->mark = 0;
      members.resize(before);
      return false;
    }
    next->mark = mark;
    members.push_back(next);
    for (int i = 0; i < next->num_inputs; ++i)
      if (const TensorImpl* value = next->inputs[i].value)
        stack.push_back(value->pending.load(std::memory_order_acquire));
  }
  return true;
}

// Values that a handle sees and that read some of the members, directly or not: computed later they
// would compute those members again.
void PendingRun::collect_relatives(std::uint64_t mark, const PendingValue* except) {
  std::vector<PendingValue*> above, found;
  const auto visit = [&](const PendingValue* p) {
    for (PendingValue* reader : p->readers) {
      if (!reader->out || reader == except || reader->mark == mark) continue;
      if (above.size() >= kMaxMembers) return;
      if (std::find(above.begin(), above.end(), reader) != above.end()) continue;
      above.push_back(reader);
      if (has_handles(reader->out)) found.push_back(reader);
    }
  };
  for (const PendingValue* p : members) visit(p);
  for (std::size_t k = 0; k < above.size(); ++k) visit(above[k]);
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->id < b->id; });
  for (PendingValue* p : found) {
    const std::size_t before = members.size();
    if (!collect(p, mark)) continue;
    if (members.size() <= kMaxMembers && inputs_in_memory(members) <= kMaxInputs) continue;
    for (std::size_t k = before; k < members.size(); ++k) members[k]->mark = 0;
    members.resize(before);
  }
}

void PendingRun::keep_saved(Keep keep) {
  if (keep == Keep::kNone) return;
  std::vector<PendingValue*> saved;
  std::vector<const Storage*> held_by_pending_values;
  for (PendingValue* p : members) {
    if (!p->needs_memory && is_saved(p)) saved.push_back(p);
    for (int i = 0; i < p->num_inputs; ++i) {
      const Storage* s = p->inputs[i].storage;
      if (!s || s->bytes * 2 < static_cast<std::size_t>(program.numel) * size_of(p->out->dtype) ||
          s->refs.load(std::memory_order_acquire) !=
              s->pending_reads.load(std::memory_order_acquire))
        continue;
      if (std::find(held_by_pending_values.begin(), held_by_pending_values.end(), s) ==
          held_by_pending_values.end())
        held_by_pending_values.push_back(s);
    }
  }
  if (keep == Keep::kAll || held_by_pending_values.size() >= saved.size())
    for (PendingValue* p : saved) p->needs_memory = true;
}

bool PendingRun::plan(PendingValue* wanted, Keep keep, const PendingValue* except) {
  const std::uint64_t mark = pending_values_table().next_mark++;
  if (!collect(wanted, mark)) return false;
  collect_relatives(mark, except);
  std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->id < b->id; });
  shape = wanted->out->shape;
  program.numel = wanted->out->numel;
  for (PendingValue* p : members) p->needs_memory = p == wanted || has_handles(p->out);
  keep_saved(keep);
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    PendingValue* p = *it;
    p->ends = p->needs_memory ||
              (!is_saved(p) && std::all_of(p->readers.begin(), p->readers.end(), [&](auto* r) {
                return !r->out || (r->mark == mark && r->ends);
              }));
    if (p->needs_memory) targets.push_back(p);
  }
  std::reverse(targets.begin(), targets.end());
  for (PendingValue* p : targets) p->claimed = true;
  for (PendingValue* p : members) ++p->uses;
  build();
  take_over_inputs();
  return true;
}

bool PendingRun::plan_reading(PendingValue* wanted) {
  if (!collect(wanted, pending_values_table().next_mark++)) return false;
  std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->id < b->id; });
  shape = wanted->out->shape;
  program.numel = wanted->out->numel;
  for (PendingValue* p : members) {
    p->needs_memory = false;
    ++p->uses;
  }
  build();
  return true;
}

// --- Memory ---

// How the members read one storage.
struct PendingRun::Reads {
  std::uint32_t count = 0;
  int last_step = -1;
  bool all_end = true;   // by values that nobody computes again
  bool in_place = true;  // element i for element i
};

PendingRun::Reads PendingRun::reads_of(const Storage* s) const {
  Reads reads;
  for (const PendingValue* p : members)
    for (int i = 0; i < p->num_inputs; ++i) {
      if (p->inputs[i].storage != s) continue;
      ++reads.count;
      reads.last_step = p->step;
      reads.all_end &= p->ends && p->uses == 2;  // by its tensor and by this run
      reads.in_place &= p->inputs[i].contiguous;
    }
  return reads;
}

// The first target that may takes over the memory of an input that nobody needs any more: of each
// block the input is read before the result is written.
void PendingRun::take_over_inputs() {
  results.assign(targets.size(), nullptr);
  for (const PendingValue* p : members)
    for (int i = 0; i < p->num_inputs; ++i) {
      Storage* s = p->inputs[i].storage;
      if (!s || s->release || p->inputs[i].data != s->data ||
          s->refs.load(std::memory_order_acquire) !=
              s->pending_reads.load(std::memory_order_acquire))
        continue;
      const Reads reads = reads_of(s);
      if (!reads.all_end || !reads.in_place ||
          reads.count != s->pending_reads.load(std::memory_order_acquire) ||
          std::find(results.begin(), results.end(), s) != results.end())
        continue;
      for (std::size_t k = 0; k < targets.size(); ++k) {
        const auto bytes =
            static_cast<std::size_t>(program.numel) * size_of(targets[k]->out->dtype);
        if (results[k] || s->bytes != bytes || targets[k]->step < reads.last_step) continue;
        retain_storage(s);
        results[k] = s;
        break;
      }
    }
}

bool PendingRun::write_to(TensorImpl* t, PendingValue* wanted) {
  Storage* s = t->storage;
  const void* data =
      static_cast<const char*>(s->data) + t->offset * static_cast<std::int64_t>(size_of(t->dtype));
  const Reads reads = reads_of(s);
  bool same_view = true;
  for (const PendingValue* p : members)
    for (int i = 0; i < p->num_inputs; ++i)
      same_view &= p->inputs[i].storage != s || p->inputs[i].data == data;
  if (!same_view || !reads.all_end || !reads.in_place || reads.last_step > wanted->step ||
      reads.count != s->pending_reads.load(std::memory_order_acquire))
    return false;
  const auto k =
      static_cast<std::size_t>(std::find(targets.begin(), targets.end(), wanted) - targets.begin());
  if (results[k]) release_storage(std::exchange(results[k], nullptr));
  program.steps[static_cast<std::size_t>(wanted->step)].result = const_cast<void*>(data);
  return true;
}

void PendingRun::allocate() {
  for (std::size_t k = 0; k < targets.size(); ++k) {
    void*& result = program.steps[static_cast<std::size_t>(targets[k]->step)].result;
    if (result) continue;  // written in place
    const auto bytes = static_cast<std::size_t>(program.numel) * size_of(targets[k]->out->dtype);
    if (!results[k]) results[k] = allocate_storage(bytes, targets[k]->out->device);
    result = results[k]->data;
  }
}

// --- The program ---

int PendingRun::add_memory(const PendingValue::Input& input) {
  PointwiseProgram::Memory m;
  m.data = input.data;
  m.element_bytes = static_cast<std::int64_t>(size_of(input.dtype));
  m.contiguous = input.contiguous;
  m.repeated = !m.contiguous && is_repeated(input, shape);
  for (int d = 0; d < shape.rank(); ++d) m.strides[d] = input.strides[d];
  const auto same = [&](const PointwiseProgram::Memory& o) {
    return o.data == m.data && o.element_bytes == m.element_bytes && o.contiguous == m.contiguous &&
           o.repeated == m.repeated && std::equal(o.strides, o.strides + kMaxRank, m.strides);
  };
  auto& all = program.memory;
  const auto at = std::find_if(all.begin(), all.end(), same);
  const auto index = std::distance(all.begin(), at);
  if (at == all.end()) all.push_back(m);
  return static_cast<int>(index);
}

namespace {

// A dimension merges into the one before it when every strided input steps through both in one
// stride.
void merge_dimensions(PointwiseProgram& p, const Shape& shape) {
  std::vector<PointwiseProgram::Memory*> strided;
  for (auto& m : p.memory)
    if (!m.contiguous && !m.repeated) strided.push_back(&m);
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    const bool merges = p.rank > 0 && std::all_of(strided.begin(), strided.end(), [&](auto* m) {
                          return m->strides[p.rank - 1] == m->strides[d] * shape[d];
                        });
    if (merges)
      p.sizes[p.rank - 1] *= shape[d];
    else
      p.sizes[p.rank++] = shape[d];
    for (auto* m : strided) m->strides[p.rank - 1] = m->strides[d];
  }
  if (p.rank == 0) p.sizes[p.rank++] = 1;
}

}  // namespace

// A block buffer for each value without memory, from its step to the last one that reads it.
void PendingRun::assign_slots() {
  auto& steps = program.steps;
  std::vector<std::size_t> last_use(steps.size(), 0);
  for (std::size_t k = 0; k < steps.size(); ++k)
    for (int i = 0; i < steps[k].num_inputs; ++i)
      if (steps[k].inputs[i].kind == PointwiseProgram::Source::kStep)
        last_use[static_cast<std::size_t>(steps[k].inputs[i].index)] = k;
  std::vector<int> free;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const bool is_read = targets.empty() && k + 1 == steps.size();
    if (!members[k]->needs_memory && !is_read) {
      if (free.empty()) free.push_back(program.slots++);
      steps[k].slot = free.back();
      free.pop_back();
    }
    for (int i = 0; i < steps[k].num_inputs; ++i) {
      if (steps[k].inputs[i].kind != PointwiseProgram::Source::kStep) continue;
      const auto from = static_cast<std::size_t>(steps[k].inputs[i].index);
      if (last_use[from] != k || steps[from].slot < 0) continue;
      if (std::find(free.begin(), free.end(), steps[from].slot) == free.end())
        free.push_back(steps[from].slot);
    }
  }
}

void PendingRun::build() {
  using Source = PointwiseProgram::Source;
  for (std::size_t k = 0; k < members.size(); ++k) {
    PendingValue& p = *members[k];
    p.step = static_cast<int>(k);
    PointwiseProgram::Step step;
    step.line = p.line.line;
    step.entries = p.line.entries;
    if (step.entries)
      step.input_dtype = p.inputs[0].value ? p.inputs[0].value->dtype : p.inputs[0].dtype;
    step.info = &p.op.info();
    step.op = p.op.attrs();
    step.dtype = p.out->dtype;
    step.num_inputs = p.num_inputs;
    for (int i = 0; i < p.num_inputs; ++i) {
      const PendingValue::Input& input = p.inputs[i];
      if (input.value)
        step.inputs[i] = {Source::kStep,
                          input.value->pending.load(std::memory_order_acquire)->step};
      else if (input.storage)
        step.inputs[i] = {Source::kMemory, add_memory(input)};
    }
    program.steps.push_back(step);
  }
  merge_dimensions(program, shape);
  assign_slots();
}

}  // namespace catena::detail
