// The line loops of a pointwise op, one per dtype and derivative, from its formulas.
//
// float and double pass through the same batch code whatever their position, stride or the length
// of the line (tails are masked, strided inputs are gathered into a small buffer first), so a
// result has the same bits however it is laid out or cut. Other dtypes are exact in plain loops.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/ops/formula.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

using formula::CATENA_ISA::Formula;

constexpr std::int64_t kGather = 256;  // elements gathered at a time

// A functor F has kInputs, kUsed (bit i: input i is read) and operator()(inputs...).
template <class F, class T, std::size_t... I>
CATENA_INLINE Batch<T> apply(const F& f, const Batch<T>* v, std::index_sequence<I...>) {
  return f(v[I]...);
}

// All used inputs are dense but for input `Scalar` (-1: none), which repeats one value.
template <class F, class T, int Scalar>
CATENA_INLINE void dense_line(const F& f, T* out, const T* const* in, std::int64_t n) {
  constexpr int K = F::kInputs;
  constexpr std::int64_t kWidth = Batch<T>::size;
  Batch<T> v[K];
  for (int k = 0; k < K; ++k) v[k] = Batch<T>(T(0));
  if constexpr (Scalar >= 0) v[Scalar] = Batch<T>(*in[Scalar]);
  std::int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    for (int k = 0; k < K; ++k)
      if ((F::kUsed >> k & 1u) && k != Scalar) v[k] = Batch<T>::load_unaligned(in[k] + i);
    apply<F, T>(f, v, std::make_index_sequence<K>{}).store_unaligned(out + i);
  }
  if (i == n) return;
  for (int k = 0; k < K; ++k)
    if ((F::kUsed >> k & 1u) && k != Scalar) v[k] = load_partial(in[k] + i, n - i);
  store_partial(out + i, apply<F, T>(f, v, std::make_index_sequence<K>{}), n - i);
}

template <class F, class T>
void real_line(const F& f, T* out, const void* const* raw, const std::int64_t* strides,
               std::int64_t n) {
  constexpr int K = F::kInputs;
  const T* in[K];
  std::uint32_t repeated = 0, strided = 0;
  for (int k = 0; k < K; ++k) {
    in[k] = static_cast<const T*>(raw[k]);
    if (!(F::kUsed >> k & 1u) || strides[k] == 1) continue;
    if (strides[k] == 0)
      repeated |= 1u << k;
    else
      strided |= 1u << k;
  }
  if (!(repeated | strided)) return dense_line<F, T, -1>(f, out, in, n);
  if (!strided && repeated == 1 && (F::kUsed & 1u)) return dense_line<F, T, 0>(f, out, in, n);
  if constexpr (K > 1)
    if (!strided && repeated == 2 && (F::kUsed & 2u)) return dense_line<F, T, 1>(f, out, in, n);
  if constexpr (K > 2)
    if (!strided && repeated == 4 && (F::kUsed & 4u)) return dense_line<F, T, 2>(f, out, in, n);
  T buffer[K][kGather];
  const T* dense[K];
  for (int k = 0; k < K; ++k)
    if (repeated >> k & 1u)
      for (std::int64_t j = 0; j < min_of(n, kGather); ++j) buffer[k][j] = *in[k];
  for (std::int64_t i = 0; i < n; i += kGather) {
    const std::int64_t m = min_of(kGather, n - i);
    for (int k = 0; k < K; ++k) {
      if (strided >> k & 1u)
        for (std::int64_t j = 0; j < m; ++j) buffer[k][j] = in[k][(i + j) * strides[k]];
      dense[k] = (repeated | strided) >> k & 1u ? buffer[k] : in[k] + i;
    }
    dense_line<F, T, -1>(f, out + i, dense, m);
  }
}

// --- Functors over a formula ---

template <class Op>
struct Value {
  static constexpr int kInputs = Op::kPointwise.inputs;
  static constexpr std::uint32_t kUsed = (1u << kInputs) - 1u;
  const Op& op;
  template <class... T>
  CATENA_INLINE auto operator()(const T&... x) const {
    return Formula<Op>::value(op, x...);
  }
};

// Inputs: g, the op's inputs, its output; unused ones read as zero.
template <class Op, int I>
struct Grad {
  static constexpr int kInputs = Op::kPointwise.inputs + 2;
  static constexpr std::uint32_t kMask = Op::kSaves.mask_for(I);
  static constexpr std::uint32_t kUsed =
      1u | (kMask & ((1u << Op::kPointwise.inputs) - 1u)) << 1 |
      (kMask & Saves::kOutput ? 1u << (Op::kPointwise.inputs + 1) : 0u);
  const Op& op;
  template <class... T>
  CATENA_INLINE auto operator()(const T&... x) const {
    return Formula<Op>::template grad<I>(op, x...);
  }
};

template <class F, class Op, class T>
void real_entry(const void* op, void* out, const void* const* in, const std::int64_t* strides,
                std::int64_t n) {
  real_line<F, T>(F{*static_cast<const Op*>(op)}, static_cast<T*>(out), in, strides, n);
}

// Integers and bool, and comparisons of anything: the compiler vectorises the dense loop.
template <class Op, class T, class R>
void exact_entry(const void* raw, void* out_raw, const void* const* in, const std::int64_t* s,
                 std::int64_t n) {
  const Op& op = *static_cast<const Op*>(raw);
  R* out = static_cast<R*>(out_raw);
  const T* a = static_cast<const T*>(in[0]);
  const auto value = [&](auto... x) {
    // Bool computes as integers do: + is or, * is and.
    if constexpr (sizeof(T) == 1 && T(2) == T(1))
      return static_cast<R>(Formula<Op>::value(op, static_cast<int>(x)...));
    else
      return static_cast<R>(Formula<Op>::value(op, x...));
  };
  if constexpr (Op::kPointwise.inputs == 1) {
    if (s[0] == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = value(a[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) out[i] = value(a[i * s[0]]);
    }
  } else {
    const T* b = static_cast<const T*>(in[1]);
    if (s[0] == 1 && s[1] == 1) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = value(a[i], b[i]);
    } else {
      for (std::int64_t i = 0; i < n; ++i) out[i] = value(a[i * s[0]], b[i * s[1]]);
    }
  }
}

// --- Rows ---

// Specialised where inputs are of different dtypes.
template <class Op>
constexpr PointwiseLoops make_loops() {
  PointwiseLoops loops;
  auto set = [](PointwiseFn* table, DType t, PointwiseFn f) { table[static_cast<int>(t)] = f; };
  constexpr DTypeSet types = Op::kPointwise.dtypes;
  if constexpr (Op::kPointwise.bool_result) {
    if constexpr (types.contains(kFloat32)) {
      set(loops.value, kFloat32, &exact_entry<Op, float, bool>);
      set(loops.value, kFloat64, &exact_entry<Op, double, bool>);
      set(loops.value, kInt32, &exact_entry<Op, std::int32_t, bool>);
      set(loops.value, kInt64, &exact_entry<Op, std::int64_t, bool>);
      set(loops.value, kUInt8, &exact_entry<Op, std::uint8_t, bool>);
    }
    set(loops.value, kBool, &exact_entry<Op, bool, bool>);
    return loops;
  } else {
    set(loops.value, kFloat32, &real_entry<Value<Op>, Op, float>);
    set(loops.value, kFloat64, &real_entry<Value<Op>, Op, double>);
    if constexpr (types.contains(kInt32)) {
      set(loops.value, kInt32, &exact_entry<Op, std::int32_t, std::int32_t>);
      set(loops.value, kInt64, &exact_entry<Op, std::int64_t, std::int64_t>);
      set(loops.value, kUInt8, &exact_entry<Op, std::uint8_t, std::uint8_t>);
    }
    if constexpr (types.contains(kBool)) set(loops.value, kBool, &exact_entry<Op, bool, bool>);
    set(loops.grad[0], kFloat32, &real_entry<Grad<Op, 0>, Op, float>);
    set(loops.grad[0], kFloat64, &real_entry<Grad<Op, 0>, Op, double>);
    if constexpr (Op::kPointwise.inputs > 1) {
      set(loops.grad[1], kFloat32, &real_entry<Grad<Op, 1>, Op, float>);
      set(loops.grad[1], kFloat64, &real_entry<Grad<Op, 1>, Op, double>);
    }
    if constexpr (Op::kPointwise.inputs > 2) {
      set(loops.grad[2], kFloat32, &real_entry<Grad<Op, 2>, Op, float>);
      set(loops.grad[2], kFloat64, &real_entry<Grad<Op, 2>, Op, double>);
    }
    loops.identity_grads = Formula<Op>::identity;
    return loops;
  }
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
