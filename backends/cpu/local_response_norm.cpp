// CPU kernels of local_response_norm. A sample is worked on in strips: the same few positions of
// all channels, which stay in cache while neighbouring channels are added up.
#include "catena/ops/local_response_norm.hpp"

#include "catena/backends/cpu/features.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kStrip = 256;

struct Neighbours {
  Extent e;
  std::int64_t before, after;
  double share, beta, k;  // share: alpha / size

  Neighbours(const op::LocalResponseNorm& op, const TensorView& x)
      : e(extent_of(x)),
        before(op.size / 2),
        after((op.size - 1) / 2),
        share(op.alpha / static_cast<double>(op.size)),
        beta(op.beta),
        k(op.k) {}

  // Calls f(position, width) for the strips of all samples; the position is that of channel 0.
  template <class F>
  CATENA_INLINE void for_strips(const F& f) const {
    const std::int64_t strips = (e.line + kStrip - 1) / kStrip;
    const std::int64_t work = min_of(kStrip, e.line) * e.features * (before + after + 4);
    parallel(e.batch * strips, max_of<std::int64_t>(1, kRowGrain / max_of<std::int64_t>(1, work)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t u = begin; u < end; ++u) {
                 const std::int64_t first = u % strips * kStrip;
                 f(u / strips * e.features * e.line + first, min_of(kStrip, e.line - first));
               }
             });
  }
};

// The sum of term(j) over the channels from c - before to c + after that there are.
template <class T, class Term>
CATENA_INLINE Batch<T> sum_around(std::int64_t c, std::int64_t before, std::int64_t after,
                                  std::int64_t channels, const Term& term) {
  const std::int64_t first = before < c ? c - before : 0;
  const std::int64_t last = after < channels - 1 - c ? c + after : channels - 1;
  Batch<T> total(T(0));
  for (std::int64_t j = first; j <= last; ++j) total = total + term(j);
  return total;
}

// d = k + share sum x^2, and d^-beta.
template <class T>
struct Divisor {
  Batch<T> d, power;
};
template <class T>
CATENA_INLINE Divisor<T> divisor_of(const Neighbours& s, std::int64_t c, const T* x,
                                    std::int64_t lanes) {
  using B = Batch<T>;
  const B squares = sum_around<T>(c, s.before, s.after, s.e.features, [&](std::int64_t j) {
    const B v = load(x + j * s.e.line, lanes);
    return v * v;
  });
  const B d = B(static_cast<T>(s.k)) + B(static_cast<T>(s.share)) * squares;
  return {d, xsimd::exp(B(static_cast<T>(-s.beta)) * xsimd::log(d))};
}

void forward(const void* op, const KernelContext& context) {
  const Neighbours s(*static_cast<const op::LocalResponseNorm*>(op), context.inputs[0]);
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = static_cast<const T*>(context.inputs[0].data);
    T* y = static_cast<T*>(context.outputs[0].data);
    s.for_strips([&](std::int64_t start, std::int64_t width) {
      for (std::int64_t c = 0; c < s.e.features; ++c)
        for_batches<T>(width, [&](std::int64_t i, std::int64_t lanes) {
          const std::int64_t at = start + c * s.e.line + i;
          store(y + at, load(x + at, lanes) * divisor_of(s, c, x + start + i, lanes).power, lanes);
        });
    });
  });
}

// dx = g d^-beta - 2 beta share x sum(g x d^(-beta - 1)), over the channels that have x around
// them.
void backward(const void* op, const KernelContext& context) {
  const Neighbours s(*static_cast<const op::LocalResponseNorm*>(op), context.inputs[0]);
  visit_float(context.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    const T *g = static_cast<const T*>(context.inputs[0].data),
            *x = static_cast<const T*>(context.inputs[1].data);
    T* dx = static_cast<T*>(context.outputs[0].data);
    const B slope(static_cast<T>(2 * s.beta * s.share));
    s.for_strips([&](std::int64_t start, std::int64_t width) {
      const Scratch<T> terms(s.e.features * width);
      for (std::int64_t c = 0; c < s.e.features; ++c)
        for_batches<T>(width, [&](std::int64_t i, std::int64_t lanes) {
          const std::int64_t at = start + c * s.e.line + i;
          const Divisor<T> by = divisor_of(s, c, x + start + i, lanes);
          const B first = load(g + at, lanes) * by.power;
          store(dx + at, first, lanes);
          store(&terms[c * width + i], first * load(x + at, lanes) / by.d, lanes);
        });
      for (std::int64_t c = 0; c < s.e.features; ++c)
        for_batches<T>(width, [&](std::int64_t i, std::int64_t lanes) {
          const std::int64_t at = start + c * s.e.line + i;
          const B sum = sum_around<T>(c, s.after, s.before, s.e.features, [&](std::int64_t j) {
            return load(&terms[j * width + i], lanes);
          });
          store(dx + at, load(dx + at, lanes) - slope * load(x + at, lanes) * sum, lanes);
        });
    });
  });
}

}  // namespace

KernelRow row_LocalResponseNorm() {
  return {.forward = forward, .backward = backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
