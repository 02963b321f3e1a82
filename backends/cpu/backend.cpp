#include "catena/backends/cpu/backend.hpp"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "catena/backends/cpu/copy.hpp"
#include "catena/backends/cpu/kernel_table.hpp"
#include "catena/backends/cpu/parallel.hpp"
#include "catena/backends/cpu/pointwise.hpp"
#include "catena/backends/cpu/pointwise_program.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"
#include "catena/ops/elementwise.hpp"

namespace catena::cpu {
namespace {

struct InstructionSet {
  const char* name;
  void (*fill_rows)(KernelRow*);
  bool (*supported)();
};

// Best first; only those this build has kernels for.
constexpr InstructionSet kSets[] = {
#ifdef CATENA_HAS_ISA_avx512
    {"avx512", &avx512::fill_rows,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512cd");
     }},
#endif
#ifdef CATENA_HAS_ISA_avx2
    {"avx2", &avx2::fill_rows,
     [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
#ifdef CATENA_HAS_ISA_baseline
    {"baseline", &baseline::fill_rows, [] { return true; }},
#endif
};

const InstructionSet& choose() {
  const char* forced = std::getenv("CATENA_CPU_ISA");
  const bool any = !forced || !*forced;
  for (const InstructionSet& set : kSets)
    if ((any || std::string_view(forced) == set.name) && set.supported()) return set;
  std::string have;
  for (const InstructionSet& set : kSets)
    if (set.supported()) have += fmt::format("{}{}", have.empty() ? "" : ", ", set.name);
  throw SystemError(
      any ? fmt::format("[cpu] this build has no kernels that run on this processor; build with "
                        "CATENA_CPU_ISAS=baseline")
          : fmt::format("[cpu] CATENA_CPU_ISA is '{}', which this build or this processor does not "
                        "have; expected one of {}",
                        forced, have));
}

const InstructionSet& chosen() {
  static const InstructionSet& set = choose();
  return set;
}

const op::Add add_op;
const PointwiseLoops* add_loops = nullptr;

template <class T>
void fill_with(void* dst, const void* value, std::size_t count) {
  T v;
  std::memcpy(&v, value, sizeof v);
  struct Fill {
    T* out;
    T value;
  } fill{static_cast<T*>(dst), v};
  parallel_for(
      static_cast<std::int64_t>(count), 1 << 18,
      [](void* context, std::int64_t begin, std::int64_t end) {
        const Fill& f = *static_cast<Fill*>(context);
        for (std::int64_t i = begin; i < end; ++i) f.out[i] = f.value;
      },
      &fill);
}

template <class T>
void add_line(T* dst, std::int64_t dst_stride, const T* src, std::int64_t src_stride,
              std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    dst[i * dst_stride] = static_cast<T>(dst[i * dst_stride] + src[i * src_stride]);
}

// dst += src where dst is a strided part of a larger tensor: line by line.
void add_strided(const TensorView& dst, const TensorView& src) {
  const int rank = dst.shape.rank();
  if (rank == 0) {
    const std::int64_t one = 1;
    const void* in[] = {dst.data, src.data};
    const std::int64_t strides[] = {one, one};
    add_loops->value[static_cast<int>(dst.dtype)](&add_op, dst.data, in, strides, 1);
    return;
  }
  const std::int64_t inner = dst.shape[rank - 1];
  const std::int64_t ds = dst.strides[rank - 1], ss = src.strides[rank - 1];
  const std::int64_t lines = inner ? dst.numel / inner : 0;
  const auto size = static_cast<std::int64_t>(size_of(dst.dtype));
  std::int64_t index[kMaxRank] = {};
  auto* d = static_cast<char*>(dst.data);
  const auto* s = static_cast<const char*>(src.data);
  for (std::int64_t line = 0; line < lines; ++line) {
    if (ds == 1) {
      const void* in[] = {d, s};
      const std::int64_t strides[] = {1, ss};
      add_loops->value[static_cast<int>(dst.dtype)](&add_op, d, in, strides, inner);
    } else {
      visit_dtype(dst.dtype, [&]<class T>(T) {
        if constexpr (std::is_arithmetic_v<T>)
          add_line(reinterpret_cast<T*>(d), ds, reinterpret_cast<const T*>(s), ss, inner);
      });
    }
    for (int k = rank - 2; k >= 0; --k) {
      d += dst.strides[k] * size;
      s += src.strides[k] * size;
      if (++index[k] < dst.shape[k]) break;
      d -= index[k] * dst.strides[k] * size;
      s -= index[k] * src.strides[k] * size;
      index[k] = 0;
    }
  }
}

class CpuBackend final : public Backend {
 public:
  DeviceType type() const override { return DeviceType::kCpu; }
  const char* name() const override { return "cpu"; }
  int device_count() override { return 1; }
  void* allocate(std::size_t bytes, int) override {
    // The size class stands in front of the block, since free() is not told it.
    std::uint8_t size_class;
    auto* block = static_cast<char*>(detail::pool_allocate(bytes + kHeader, &size_class));
    *block = static_cast<char>(size_class);
    return block + kHeader;
  }
  void free(void* data, std::size_t, int) noexcept override {
    auto* block = static_cast<char*>(data) - kHeader;
    detail::pool_free(block, static_cast<std::uint8_t>(*block));
  }
  void copy_from_host(void* dst, const void* src, std::size_t bytes, int) override {
    std::memcpy(dst, src, bytes);
  }
  void copy_to_host(void* dst, const void* src, std::size_t bytes, int) override {
    std::memcpy(dst, src, bytes);
  }
  void copy_within(void* dst, const void* src, std::size_t bytes, int) override {
    std::memmove(dst, src, bytes);
  }
  void fill(void* dst, const void* value, std::size_t element_bytes, std::size_t count,
            int) override {
    switch (element_bytes) {
      case 1:
        return fill_with<std::uint8_t>(dst, value, count);
      case 2:
        return fill_with<std::uint16_t>(dst, value, count);
      case 4:
        return fill_with<std::uint32_t>(dst, value, count);
      default:
        return fill_with<std::uint64_t>(dst, value, count);
    }
  }
  void copy_strided(const TensorView& dst, const TensorView& src, int) override {
    cpu::copy_strided(dst, src);
  }
  void add_in_place(const TensorView& dst, const TensorView& src, int) override {
    const PointwiseFn line = add_loops->value[static_cast<int>(dst.dtype)];
    if (!line)
      throw ArgumentError(fmt::format("[add_] no kernel for {} on cpu; convert with to(dtype)",
                                      name_of(dst.dtype)));
    if (dst.contiguous && src.contiguous && dst.numel <= 4096) {
      const void* in[] = {dst.data, src.data};
      static constexpr std::int64_t kUnit[] = {1, 1};
      return line(&add_op, dst.data, in, kUnit, dst.numel);
    }
    if (!dst.contiguous) return add_strided(dst, src);
    const TensorView in[] = {dst, src};
    run_lines(line, &add_op, dst, in, 2);
  }
  bool run(const PointwiseProgram& program) override {
    run_program(program);
    return true;
  }
  void* current_stream(int) override { return nullptr; }
  void synchronize(int) override {}
  MemoryStats memory_stats(int) override { return catena::memory_stats(kCpu); }
  void release_cached_memory(int) override { catena::release_cached_memory(kCpu); }

 private:
  static constexpr std::size_t kHeader = 64;
};

constexpr const char* kOpNames[] = {
#define CATENA_OP(Struct, name, stem) #name,
#include "catena/ops/ops.def"
#undef CATENA_OP
};
constexpr int kNumOps = sizeof kOpNames / sizeof kOpNames[0];

}  // namespace

const char* instruction_set() { return chosen().name; }

void enter_kernels() {
  static KernelRow rows[kNumOps];
  chosen().fill_rows(rows);
  for (int i = 0; i < kNumOps; ++i)
    detail::mutable_op(kOpNames[i]).rows[static_cast<int>(DeviceType::kCpu)] = rows[i];
  add_loops = detail::mutable_op("add").rows[static_cast<int>(DeviceType::kCpu)].loops;
  static CpuBackend backend;
  register_backend(backend);
}

}  // namespace catena::cpu
