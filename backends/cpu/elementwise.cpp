#define CATENA_STEM_elementwise ~,
#include "catena/backends/cpu/pointwise_loops.hpp"
#include "catena/backends/cpu/power.hpp"
#include "catena/ops/elementwise_formulas.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

template <class T>
CATENA_INLINE auto dense(const T* p) {
  return [p](std::int64_t i) { return p[i]; };
}
template <class T>
CATENA_INLINE auto repeated(const T* p) {
  return [value = *p](std::int64_t) { return value; };
}
// Both values are read, so that the compiler may take whole vectors; `out` may be one of the
// inputs.
template <class T, class A, class B>
CATENA_INLINE void choose(const std::uint8_t* c, T* out, std::int64_t n, const A& a, const B& b) {
  CATENA_INDEPENDENT_ROUNDS
  for (std::int64_t i = 0; i < n; ++i) {
    const T yes = a(i), no = b(i);
    out[i] = c[i] ? yes : no;
  }
}

template <class T>
void where_entry(const void*, void* out_raw, const void* const* in, const std::int64_t* s,
                 std::int64_t n) {
  T* out = static_cast<T*>(out_raw);
  const std::uint8_t* c = static_cast<const std::uint8_t*>(in[0]);
  const T *a = static_cast<const T*>(in[1]), *b = static_cast<const T*>(in[2]);
  if (s[0] == 1 && s[1] == 1 && s[2] == 1) return choose(c, out, n, dense(a), dense(b));
  if (s[0] == 1 && s[1] == 1 && s[2] == 0) return choose(c, out, n, dense(a), repeated(b));
  if (s[0] == 1 && s[1] == 0 && s[2] == 1) return choose(c, out, n, repeated(a), dense(b));
  for (std::int64_t i = 0; i < n; ++i) out[i] = c[i * s[0]] ? a[i * s[1]] : b[i * s[2]];
}

// Gradient of `where`: in = g, condition, a, b, y.
template <int I, class T>
void where_grad_entry(const void*, void* out_raw, const void* const* in, const std::int64_t* s,
                      std::int64_t n) {
  T* out = static_cast<T*>(out_raw);
  const T* g = static_cast<const T*>(in[0]);
  const std::uint8_t* c = static_cast<const std::uint8_t*>(in[1]);
  if (s[0] == 1 && s[1] == 1) {
    CATENA_INDEPENDENT_ROUNDS
    for (std::int64_t i = 0; i < n; ++i) {
      const T value = g[i];
      out[i] = (c[i] != 0) == (I == 1) ? value : T(0);
    }
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) out[i] = (c[i * s[1]] != 0) == (I == 1) ? g[i * s[0]] : T(0);
}

template <>
constexpr PointwiseLoops make_loops<op::Where>() {
  PointwiseLoops loops;
  auto set = [](PointwiseFn* table, DType t, PointwiseFn f) { table[static_cast<int>(t)] = f; };
  set(loops.value, kFloat32, &where_entry<float>);
  set(loops.value, kFloat64, &where_entry<double>);
  set(loops.value, kInt32, &where_entry<std::int32_t>);
  set(loops.value, kInt64, &where_entry<std::int64_t>);
  set(loops.value, kUInt8, &where_entry<std::uint8_t>);
  set(loops.value, kBool, &where_entry<bool>);
  set(loops.grad[1], kFloat32, &where_grad_entry<1, float>);
  set(loops.grad[1], kFloat64, &where_grad_entry<1, double>);
  set(loops.grad[2], kFloat32, &where_grad_entry<2, float>);
  set(loops.grad[2], kFloat64, &where_grad_entry<2, double>);
  return loops;
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA

#include "catena/backends/cpu/pointwise_rows.hpp"
