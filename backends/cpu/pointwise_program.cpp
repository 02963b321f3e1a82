#include "catena/backends/cpu/pointwise_program.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "catena/backends/cpu/joined_steps.hpp"
#include "catena/backends/cpu/parallel.hpp"

namespace catena::cpu {
namespace {

using Program = PointwiseProgram;

// Elements that pass all steps at a time: the values of a chain stay in the first-level cache, and
// calling the lines costs little beside their work.
constexpr std::int64_t kBlock = 1024;
constexpr std::size_t kBlockBytes = kBlock * 8;
constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kGrain = 16384;  // elements one thread takes at a time

std::int64_t bytes_of(const Program::Step& step) {
  return static_cast<std::int64_t>(size_of(step.dtype));
}

// n elements of a strided input from `offset`, at position `index`, to row-major memory.
template <class T>
void gather(const Program& p, const Program::Memory& m, const std::int64_t* at, std::int64_t n,
            T* out) {
  const int last = p.rank - 1;
  const std::int64_t step = m.strides[last];
  std::int64_t index[kMaxRank], offset = 0;
  for (int d = 0; d <= last; ++d) {
    index[d] = at[d];
    offset += at[d] * m.strides[d];
  }
  const T* data = static_cast<const T*>(m.data);
  for (;;) {
    const std::int64_t run = std::min(n, p.sizes[last] - index[last]);
    const T* from = data + offset;
    if (step == 1)
      for (std::int64_t i = 0; i < run; ++i) out[i] = from[i];
    else if (step == 0)
      for (std::int64_t i = 0; i < run; ++i) out[i] = *from;
    else
      for (std::int64_t i = 0; i < run; ++i) out[i] = from[i * step];
    out += run;
    n -= run;
    if (n == 0) return;
    offset -= index[last] * step;
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      offset += m.strides[d];
      if (++index[d] < p.sizes[d]) break;
      offset -= index[d] * m.strides[d];
      index[d] = 0;
    }
  }
}

// The working memory of one thread.
class Runner {
 public:
  explicit Runner(const Program& p) : p_(p), joined_(joined_steps(p)) {
    const std::size_t bytes = (static_cast<std::size_t>(p.slots) + p.memory.size()) * kBlockBytes;
    thread_local std::vector<std::byte> buffer;
    if (buffer.size() < bytes + kAlignment) buffer.resize(bytes + kAlignment);
    const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
    slots_ = buffer.data() + (kAlignment - address % kAlignment) % kAlignment;
    dense_ = slots_ + static_cast<std::size_t>(p.slots) * kBlockBytes;
    by_lines_ = goes_by_lines(p);
  }

  // The elements from `begin` to `end`. The last step's values go to `last`, if that is given.
  void run(std::int64_t begin, std::int64_t end, void* last) {
    while (begin < end) {
      std::int64_t rest = begin;
      for (int d = p_.rank - 1; d >= 0; --d) {
        index_[d] = rest % p_.sizes[d];
        rest /= p_.sizes[d];
      }
      std::int64_t n = std::min(kBlock, end - begin);
      if (by_lines_) n = std::min(n, p_.sizes[p_.rank - 1] - index_[p_.rank - 1]);
      run_block(begin, n, last);
      if (last) last = static_cast<char*>(last) + n * bytes_of(p_.steps.back());
      begin += n;
    }
  }

 private:
  void place_memory(std::int64_t begin, std::int64_t n) {
    for (std::size_t k = 0; k < p_.memory.size(); ++k) {
      const Program::Memory& m = p_.memory[k];
      const char* data = static_cast<const char*>(m.data);
      strides_[k] = 1;
      if (m.contiguous) {
        memory_[k] = data + begin * m.element_bytes;
      } else if (m.repeated) {
        memory_[k] = data;
        strides_[k] = 0;
      } else if (by_lines_) {
        std::int64_t offset = 0;
        for (int d = 0; d < p_.rank; ++d) offset += index_[d] * m.strides[d];
        memory_[k] = data + offset * m.element_bytes;
        strides_[k] = m.strides[p_.rank - 1];
      } else {
        void* dense = dense_ + k * kBlockBytes;
        switch (m.element_bytes) {
          case 1:
            gather(p_, m, index_, n, static_cast<std::uint8_t*>(dense));
            break;
          case 2:
            gather(p_, m, index_, n, static_cast<std::uint16_t*>(dense));
            break;
          case 4:
            gather(p_, m, index_, n, static_cast<std::uint32_t*>(dense));
            break;
          default:
            gather(p_, m, index_, n, static_cast<std::uint64_t*>(dense));
        }
        memory_[k] = dense;
      }
    }
  }

  void run_block(std::int64_t begin, std::int64_t n, void* last) {
    place_memory(begin, n);
    auto joined = joined_.begin();
    const std::size_t count = p_.steps.size();
    for (std::size_t k = 0; k < count;) {
      if (joined != joined_.end() && joined->first == static_cast<int>(k)) {
        run_joined(*joined, begin, n, last);
        k = static_cast<std::size_t>(joined->end);
        ++joined;
      } else {
        run_step(k, begin, n, last);
        ++k;
      }
    }
  }

  const void* data_of(const Program::Source& source) const {
    const auto at = static_cast<std::size_t>(source.index);
    return source.kind == Program::Source::kStep     ? values_[at]
           : source.kind == Program::Source::kMemory ? memory_[at]
                                                     : nullptr;
  }
  // Where step k puts its values, for the steps that follow too.
  void* place_value(std::size_t k, std::int64_t begin, void* last) {
    const Program::Step& step = p_.steps[k];
    void* out = last;
    if (step.result)
      out = static_cast<char*>(step.result) + begin * bytes_of(step);
    else if (step.slot >= 0)
      out = slots_ + static_cast<std::size_t>(step.slot) * kBlockBytes;
    values_[k] = out;
    return out;
  }

  void run_step(std::size_t k, std::int64_t begin, std::int64_t n, void* last) {
    const Program::Step& step = p_.steps[k];
    const void* in[Program::kMaxInputs];
    std::int64_t strides[Program::kMaxInputs];
    for (int i = 0; i < step.num_inputs; ++i) {
      const Program::Source& source = step.inputs[i];
      in[i] = data_of(source);
      strides[i] = source.kind == Program::Source::kMemory
                       ? strides_[static_cast<std::size_t>(source.index)]
                       : 1;
    }
    void* out = place_value(k, begin, last);
    if (step.line)
      step.line(step.op, out, in, strides, n);
    else
      step.entries(step.op, begin, in[0], strides[0], step.input_dtype, out, n);
  }

  void run_joined(const Program::Joined& joined, std::int64_t begin, std::int64_t n, void* last) {
    const void* in[Program::kMaxMemory];
    void* out[Program::kMaxSteps];
    for (std::size_t i = 0; i < joined.inputs.size(); ++i) in[i] = data_of(joined.inputs[i]);
    for (std::size_t o = 0; o < joined.outputs.size(); ++o)
      out[o] = place_value(static_cast<std::size_t>(joined.outputs[o]), begin, last);
    joined.code(in, out, n);
  }

  const Program& p_;
  const std::vector<Program::Joined>& joined_;
  std::byte* slots_;
  std::byte* dense_;
  bool by_lines_;
  std::int64_t index_[kMaxRank];
  const void* memory_[Program::kMaxMemory];
  std::int64_t strides_[Program::kMaxMemory];
  const void* values_[Program::kMaxSteps];
};

}  // namespace

void run_program(const PointwiseProgram& program) {
  parallel_for(
      program.numel, kGrain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        Runner(*static_cast<const Program*>(context)).run(begin, end, nullptr);
      },
      const_cast<PointwiseProgram*>(&program));
}

void compute_range(const PointwiseProgram& program, std::int64_t begin, std::int64_t count,
                   void* out) {
  Runner(program).run(begin, begin + count, out);
}

}  // namespace catena::cpu
