// Optimizer steps; built once per instruction set.
#include "catena/backends/cpu/update.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

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
CATENA_INLINE void each_batch(std::int64_t n, const Step& step) {
  constexpr std::int64_t kLanes = Batch<T>::size;
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) step(i, Whole<T>{});
  if (i < n) step(i, Part<T>{n - i});
}

// The gradient as the formulas take it: turned round to maximize, with the weight decay added.
template <class T>
struct Gradient {
  template <class Update>
  CATENA_INLINE explicit Gradient(const Update& u)
      : sign(static_cast<T>(u.maximize ? -1 : 1)),
        decay(static_cast<T>(u.weight_decay)),
        decays(u.weight_decay != 0) {}
  CATENA_INLINE Batch<T> operator()(const Batch<T>& g, const Batch<T>& p) const {
    const Batch<T> turned = sign * g;
    return decays ? turned + decay * p : turned;
  }
  Batch<T> sign, decay;
  bool decays;  // 0 * p would be NaN where p is infinite
};

// a + weight (b - a)
template <class T>
CATENA_INLINE Batch<T> blend(const Batch<T>& a, const Batch<T>& b, const Batch<T>& weight) {
  return a + weight * (b - a);
}

// The larger of a and b; NaN when either is.
template <class T>
CATENA_INLINE Batch<T> larger(const Batch<T>& a, const Batch<T>& b) {
  return xsimd::select((a > b) || xsimd::isnan(a), a, b);
}

template <class T>
void sgd(T* p, const T* g, T* b, std::int64_t n, const SgdUpdate& u) {
  const Batch<T> lr(static_cast<T>(u.lr)), momentum(static_cast<T>(u.momentum));
  const Batch<T> fresh(static_cast<T>(1 - u.dampening));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i);
    Batch<T> g0 = gradient(access.load(g + i), p0);
    if (b != nullptr) {
      const Batch<T> b1 = u.first ? g0 : momentum * access.load(b + i) + fresh * g0;
      access.store(b + i, b1);
      g0 = u.nesterov ? g0 + momentum * b1 : b1;
    }
    access.store(p + i, p0 - lr * g0);
  });
}

template <class T>
void adam(T* p, const T* g, T* m, T* v, T* max_v, std::int64_t n, const AdamUpdate& u) {
  const Batch<T> one_minus_beta1(static_cast<T>(1 - u.beta1));
  const Batch<T> beta2(static_cast<T>(u.beta2)), one_minus_beta2(static_cast<T>(1 - u.beta2));
  const Batch<T> step_size(static_cast<T>(u.step_size)), eps(static_cast<T>(u.eps));
  const Batch<T> correction(static_cast<T>(u.inverse_sqrt_correction2));
  const Batch<T> shrink(static_cast<T>(u.shrink));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i) * shrink;
    const Batch<T> g0 = gradient(access.load(g + i), p0);
    const Batch<T> m1 = blend(access.load(m + i), g0, one_minus_beta1);
    const Batch<T> v1 = access.load(v + i) * beta2 + one_minus_beta2 * g0 * g0;
    access.store(m + i, m1);
    access.store(v + i, v1);
    Batch<T> second = v1;
    if (max_v != nullptr) {
      second = larger(access.load(max_v + i), v1);
      access.store(max_v + i, second);
    }
    access.store(p + i, p0 - step_size * (m1 / (xsimd::sqrt(second) * correction + eps)));
  });
}

template <class T>
void nadam(T* p, const T* g, T* m, T* v, std::int64_t n, const NAdamUpdate& u) {
  const Batch<T> one_minus_beta1(static_cast<T>(1 - u.beta1));
  const Batch<T> beta2(static_cast<T>(u.beta2)), one_minus_beta2(static_cast<T>(1 - u.beta2));
  const Batch<T> grad_step(static_cast<T>(u.grad_step)), avg_step(static_cast<T>(u.avg_step));
  const Batch<T> correction(static_cast<T>(u.inverse_sqrt_correction2));
  const Batch<T> eps(static_cast<T>(u.eps)), shrink(static_cast<T>(u.shrink));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i) * shrink;
    const Batch<T> g0 = gradient(access.load(g + i), p0);
    const Batch<T> m1 = blend(access.load(m + i), g0, one_minus_beta1);
    const Batch<T> v1 = access.load(v + i) * beta2 + one_minus_beta2 * g0 * g0;
    access.store(m + i, m1);
    access.store(v + i, v1);
    const Batch<T> root = xsimd::sqrt(v1) * correction + eps;
    access.store(p + i, p0 - (grad_step * g0 + avg_step * m1) / root);
  });
}

template <class T>
void adamax(T* p, const T* g, T* m, T* largest, std::int64_t n, const AdamaxUpdate& u) {
  const Batch<T> one_minus_beta1(static_cast<T>(1 - u.beta1)), beta2(static_cast<T>(u.beta2));
  const Batch<T> step_size(static_cast<T>(u.step_size)), eps(static_cast<T>(u.eps));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i);
    const Batch<T> g0 = gradient(access.load(g + i), p0);
    const Batch<T> m1 = blend(access.load(m + i), g0, one_minus_beta1);
    const Batch<T> u1 = larger(beta2 * access.load(largest + i), xsimd::abs(g0) + eps);
    access.store(m + i, m1);
    access.store(largest + i, u1);
    access.store(p + i, p0 - step_size * (m1 / u1));
  });
}

template <class T>
void rmsprop(T* p, const T* g, T* v, T* a, T* b, std::int64_t n, const RmsPropUpdate& u) {
  const Batch<T> lr(static_cast<T>(u.lr)), momentum(static_cast<T>(u.momentum));
  const Batch<T> alpha(static_cast<T>(u.alpha)), one_minus_alpha(static_cast<T>(1 - u.alpha));
  const Batch<T> eps(static_cast<T>(u.eps));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i);
    const Batch<T> g0 = gradient(access.load(g + i), p0);
    const Batch<T> v1 = access.load(v + i) * alpha + one_minus_alpha * g0 * g0;
    access.store(v + i, v1);
    Batch<T> square = v1;
    if (a != nullptr) {
      const Batch<T> a1 = blend(access.load(a + i), g0, one_minus_alpha);
      access.store(a + i, a1);
      square = v1 - a1 * a1;
    }
    Batch<T> step = g0 / (xsimd::sqrt(square) + eps);
    if (b != nullptr) {
      step = momentum * access.load(b + i) + step;
      access.store(b + i, step);
    }
    access.store(p + i, p0 - lr * step);
  });
}

template <class T>
void adagrad(T* p, const T* g, T* s, std::int64_t n, const AdagradUpdate& u) {
  const Batch<T> step_size(static_cast<T>(u.step_size)), eps(static_cast<T>(u.eps));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i);
    const Batch<T> g0 = gradient(access.load(g + i), p0);
    const Batch<T> s1 = access.load(s + i) + g0 * g0;
    access.store(s + i, s1);
    access.store(p + i, p0 - step_size * (g0 / (xsimd::sqrt(s1) + eps)));
  });
}

template <class T>
void adadelta(T* p, const T* g, T* v, T* d, std::int64_t n, const AdadeltaUpdate& u) {
  const Batch<T> lr(static_cast<T>(u.lr)), eps(static_cast<T>(u.eps));
  const Batch<T> rho(static_cast<T>(u.rho)), one_minus_rho(static_cast<T>(1 - u.rho));
  const Gradient<T> gradient(u);
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> p0 = access.load(p + i);
    const Batch<T> g0 = gradient(access.load(g + i), p0);
    const Batch<T> v1 = access.load(v + i) * rho + one_minus_rho * g0 * g0;
    const Batch<T> d0 = access.load(d + i);
    const Batch<T> step = xsimd::sqrt(d0 + eps) / xsimd::sqrt(v1 + eps) * g0;
    access.store(v + i, v1);
    access.store(d + i, d0 * rho + one_minus_rho * step * step);
    access.store(p + i, p0 - lr * step);
  });
}

template <class T>
void lion(T* p, const T* g, T* m, std::int64_t n, const LionUpdate& u) {
  const Batch<T> lr(static_cast<T>(u.lr)), shrink(static_cast<T>(u.shrink));
  const Batch<T> one_minus_beta1(static_cast<T>(1 - u.beta1));
  const Batch<T> one_minus_beta2(static_cast<T>(1 - u.beta2));
  const Batch<T> sign(static_cast<T>(u.maximize ? -1 : 1)), zero(T(0)), one(T(1)), minus_one(T(-1));
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    const Batch<T> g0 = sign * access.load(g + i), m0 = access.load(m + i);
    const Batch<T> c = blend(m0, g0, one_minus_beta1);
    const Batch<T> step = xsimd::select(c > zero, one, xsimd::select(c < zero, minus_one, c));
    access.store(m + i, blend(m0, g0, one_minus_beta2));
    access.store(p + i, access.load(p + i) * shrink - lr * step);
  });
}

template <class T>
void average(T* average, const T* p, std::int64_t n, double weight) {
  const Batch<T> w(static_cast<T>(weight));
  each_batch<T>(n, [&](std::int64_t i, const auto& access) {
    access.store(average + i, blend(access.load(average + i), access.load(p + i), w));
  });
}

template <class T>
CATENA_INLINE void fill(UpdateTable<T>* table) {
  table->sgd = sgd<T>;
  table->adam = adam<T>;
  table->nadam = nadam<T>;
  table->adamax = adamax<T>;
  table->rmsprop = rmsprop<T>;
  table->adagrad = adagrad<T>;
  table->adadelta = adadelta<T>;
  table->lion = lion<T>;
  table->average = average<T>;
}

}  // namespace

void fill_updates(UpdateTables* tables) {
  fill(&tables->of_float);
  fill(&tables->of_double);
}

}  // namespace catena::cpu::CATENA_ISA
