// Optimizer steps; built once per instruction set.
#include "catena/backends/cpu/update.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Elements per share of work: the arrays of one share stay within the second-level cache.
constexpr std::int64_t kGrain = 32768;

// One batch of each array in registers: whole, or the first `count` elements of it.
template <class T>
struct Whole {
  CATENA_INLINE Batch<T> load(const T* p) const { return Batch<T>::load_unaligned(p); }
  CATENA_INLINE void store(T* p, const Batch<T>& v) const { v.store_unaligned(p); }
};
template <class T>
struct Part {
  std::int64_t count;
  CATENA_INLINE Batch<T> load(const T* p) const { return load_partial(p, count); }
  CATENA_INLINE void store(T* p, const Batch<T>& v) const { store_partial(p, v, count); }
};

// Calls step(i, access) for all elements, so that the tail passes the same code as the rest.
template <class T, class Step>
CATENA_INLINE void each_batch(std::int64_t begin, std::int64_t end, const Step& step) {
  constexpr std::int64_t kLanes = Batch<T>::size;
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) step(i, Whole<T>{});
  if (i < end) step(i, Part<T>{end - i});
}

template <class T, bool kDecay, bool kAmsGrad>
void adam_range(T* p, const T* g, T* m, T* v, T* max_v, std::int64_t begin, std::int64_t end,
                const AdamUpdate& u) {
  const Batch<T> one_minus_beta1(static_cast<T>(1 - u.beta1));
  const Batch<T> beta2(static_cast<T>(u.beta2)), one_minus_beta2(static_cast<T>(1 - u.beta2));
  const Batch<T> step_size(static_cast<T>(u.step_size)), eps(static_cast<T>(u.eps));
  const Batch<T> correction(static_cast<T>(u.inverse_sqrt_correction2));
  const Batch<T> decay(static_cast<T>(u.weight_decay));
  each_batch<T>(begin, end, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i);
    Batch<T> g0 = access.load(g + i);
    if constexpr (kDecay) g0 = g0 + decay * p0;
    const Batch<T> m0 = access.load(m + i);
    const Batch<T> m1 = m0 + one_minus_beta1 * (g0 - m0);
    const Batch<T> v1 = access.load(v + i) * beta2 + one_minus_beta2 * g0 * g0;
    access.store(m + i, m1);
    access.store(v + i, v1);
    Batch<T> second = v1;
    if constexpr (kAmsGrad) {
      second = xsimd::max(access.load(max_v + i), v1);
      access.store(max_v + i, second);
    }
    access.store(p + i, p0 - step_size * (m1 / (xsimd::sqrt(second) * correction + eps)));
  });
}

template <class T>
void adam(T* p, const T* g, T* m, T* v, T* max_v, std::int64_t n, const AdamUpdate& u) {
  const bool decay = u.weight_decay != 0;
  parallel(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (max_v != nullptr) {
      if (decay)
        adam_range<T, true, true>(p, g, m, v, max_v, begin, end, u);
      else
        adam_range<T, false, true>(p, g, m, v, max_v, begin, end, u);
    } else {
      if (decay)
        adam_range<T, true, false>(p, g, m, v, max_v, begin, end, u);
      else
        adam_range<T, false, false>(p, g, m, v, max_v, begin, end, u);
    }
  });
}

template <class T>
void sgd(T* p, const T* g, T* b, std::int64_t n, const SgdUpdate& u) {
  const Batch<T> lr(static_cast<T>(u.lr)), momentum(static_cast<T>(u.momentum));
  const Batch<T> fresh(static_cast<T>(1 - u.dampening)), decay(static_cast<T>(u.weight_decay));
  parallel(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    each_batch<T>(begin, end, [&](std::int64_t i, const auto& access) {
      const Batch<T> p0 = access.load(p + i);
      Batch<T> g0 = access.load(g + i);
      if (u.weight_decay != 0) g0 = g0 + decay * p0;
      if (b != nullptr) {
        const Batch<T> b1 = u.first ? g0 : momentum * access.load(b + i) + fresh * g0;
        access.store(b + i, b1);
        g0 = u.nesterov ? g0 + momentum * b1 : b1;
      }
      access.store(p + i, p0 - lr * g0);
    });
  });
}

}  // namespace

void fill_updates(UpdateTable* table) {
  table->adam_float = adam<float>;
  table->adam_double = adam<double>;
  table->sgd_float = sgd<float>;
  table->sgd_double = sgd<double>;
}

}  // namespace catena::cpu::CATENA_ISA
