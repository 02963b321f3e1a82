#include "catena/backends/cpu/joined_steps.hpp"

#include <algorithm>
#include <mutex>

#include "catena/backends/cpu/step_code.hpp"

namespace catena::cpu {
namespace {

using Program = PointwiseProgram;
using Source = Program::Source;

constexpr std::size_t kMaxInstructions = 96;

// How the elements of an input follow one another in a block: stride 0 or 1, or another one.
enum class Layout { kRepeated, kDense, kOther };
Layout layout_of(const Program& p, const Program::Memory& m) {
  if (m.contiguous) return Layout::kDense;
  if (m.repeated) return Layout::kRepeated;
  if (!goes_by_lines(p)) return Layout::kDense;  // gathered
  const std::int64_t stride = m.strides[p.rank - 1];
  return stride == 0 ? Layout::kRepeated : stride == 1 ? Layout::kDense : Layout::kOther;
}

// Which gradient of its op a step computes; -1: none, the op's value.
int gradient_of(const Program::Step& step) {
  const PointwiseLoops* loops = step.info->rows[static_cast<int>(DeviceType::kCpu)].loops;
  for (int i = 0; i < kMaxPointwiseInputs; ++i)
    if (step.line == loops->grad[i][static_cast<int>(step.dtype)]) return i;
  return -1;
}

class Joiner {
 public:
  explicit Joiner(const Program& p) : p_(p), last_reader_(p.steps.size(), -1) {
    for (std::size_t k = 0; k < p.steps.size(); ++k)
      for (int i = 0; i < p.steps[k].num_inputs; ++i)
        if (p.steps[k].inputs[i].kind == Source::kStep)
          last_reader_[static_cast<std::size_t>(p.steps[k].inputs[i].index)] = static_cast<int>(k);
  }

  void run() { join(0, static_cast<int>(p_.steps.size())); }

 private:
  void start(int first) {
    first_ = first;
    request_ = {};
    request_.is_double = p_.steps[static_cast<std::size_t>(first)].dtype == kFloat64;
    inputs_.clear();
    values_.clear();
  }

  // Adds step k to the list of arithmetic. False, and nothing is added, when it is none or there is
  // no more room.
  bool add(int k) {
    const Program::Step& step = p_.steps[static_cast<std::size_t>(k)];
    if (!step.line || step.dtype != (request_.is_double ? kFloat64 : kFloat32)) return false;
    Arithmetic& list = request_.arithmetic;
    const std::size_t instructions = list.instructions.size(), inputs = inputs_.size();
    int numbers[Program::kMaxInputs];
    bool fits = true;
    for (int i = 0; i < step.num_inputs && fits; ++i) {
      const Source& source = step.inputs[i];
      numbers[i] = -1;
      if (source.kind == Source::kNothing) continue;
      if (source.kind == Source::kStep && source.index >= first_)
        numbers[i] = values_[static_cast<std::size_t>(source.index - first_)];
      else
        fits = add_input(source, &numbers[i]);
    }
    if (fits) {
      const auto value =
          add_formula(*step.info, gradient_of(step), step.op, numbers, step.num_inputs, list);
      values_.push_back(value.value_or(-1));
      // A value that is there already would be written before its step's turn, perhaps over what
      // steps between still read.
      fits = value && *value >= static_cast<int>(instructions) &&
             list.instructions.size() <= kMaxInstructions && pointers(k + 1) <= kMaxPointers;
      if (fits) return true;
      values_.pop_back();
    }
    list.instructions.resize(instructions);
    inputs_.resize(inputs);
    request_.repeated.resize(inputs);
    return false;
  }

  bool add_input(const Source& source, int* number) {
    const auto same = [&](const Source& s) {
      return s.kind == source.kind && s.index == source.index;
    };
    const auto found = std::find_if(inputs_.begin(), inputs_.end(), same);
    const auto at = static_cast<std::size_t>(found - inputs_.begin());
    if (found == inputs_.end()) {
      Layout layout = Layout::kDense;
      if (source.kind == Source::kMemory)
        layout = layout_of(p_, p_.memory[static_cast<std::size_t>(source.index)]);
      if (layout == Layout::kOther) return false;
      inputs_.push_back(source);
      request_.repeated.push_back(layout == Layout::kRepeated);
    }
    *number = request_.arithmetic.add_input(static_cast<int>(at));
    return true;
  }

  // Whether something beyond the steps before `end` needs the value of step k.
  bool is_output(int k, int end) const {
    const Program::Step& step = p_.steps[static_cast<std::size_t>(k)];
    return step.result || step.slot < 0 || last_reader_[static_cast<std::size_t>(k)] >= end;
  }
  // Places in memory that the steps before `end` walk through.
  int pointers(int end) const {
    int count = static_cast<int>(
        std::count(request_.repeated.begin(), request_.repeated.end(), std::uint8_t{0}));
    for (int k = first_; k < end; ++k) count += is_output(k, end);
    return count;
  }

  // What can be joined of the steps [first, end).
  void join(int first, int end) {
    while (first < end) {
      start(first);
      int next = first;
      while (next < end && add(next)) ++next;
      if (next - first >= 2) make(next);
      first = std::max(next, first + 1);
    }
  }

  // Code for the steps from first_ on that have been added, or for either half of them.
  void make(int end) {
    Program::Joined joined{.first = first_, .end = end, .inputs = inputs_};
    for (int k = first_; k < end; ++k) {
      if (!is_output(k, end)) continue;
      joined.outputs.push_back(k);
      request_.outputs.push_back(values_[static_cast<std::size_t>(k - first_)]);
    }
    const StepCodeAnswer answer = find_step_code(request_);
    joined.code = answer.code;
    if (joined.code) p_.joined.push_back(std::move(joined));
    if (!answer.too_large) return;
    const int first = first_, middle = (first + end) / 2;
    join(first, middle);
    join(middle, end);
  }

  const Program& p_;
  std::vector<int> last_reader_;
  int first_ = 0;
  StepCodeRequest request_;
  std::vector<Source> inputs_;
  std::vector<int> values_;  // of the steps from first_ on: numbers of instructions
};

}  // namespace

const std::vector<Program::Joined>& joined_steps(const Program& program) {
  std::call_once(program.joined_once, [&] {
    if (program.steps.size() >= 2 && makes_step_code()) Joiner(program).run();
  });
  return program.joined;
}

}  // namespace catena::cpu
