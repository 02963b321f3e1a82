// Compiled for the machine it is built on, with the formulas as the library's kernels have them.
#define CATENA_ISA fused_loops
#if defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define CATENA_ISA_avx512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define CATENA_ISA_avx2 1
#endif
#include "fused_loops.hpp"

#include <catena/backends/cpu/batch_erf.hpp>
#include <catena/backends/cpu/batch_math.hpp>
#include <catena/backends/cpu/kernel_table.hpp>
#include <catena/backends/cpu/philox_lanes.hpp>
#include <catena/ops/activation_formulas.hpp>
#include <catena/ops/elementwise_formulas.hpp>
#include <catena/ops/math_formulas.hpp>
#include <catena/ops/random_formulas.hpp>
#include <string_view>

namespace bench::fused {
namespace {

using B = catena::cpu::CATENA_ISA::Batch<float>;
using catena::formula::CATENA_ISA::Formula;
namespace op = catena::op;
constexpr std::int64_t kWidth = B::size;

B load(const float* p) { return B::load_unaligned(p); }
void store(float* p, const B& v) { v.store_unaligned(p); }

B tanh_of(const B& x) { return Formula<op::Tanh>::value(op::Tanh{}, x); }
B sigmoid_of(const B& x) { return Formula<op::Sigmoid>::value(op::Sigmoid{}, x); }
B relu_of(const B& x) { return Formula<op::Relu>::value(op::Relu{}, x); }
B gelu_of(const B& x) { return Formula<op::Gelu>::value(op::Gelu{}, x); }
// dL/dx from dL/dy and y.
B tanh_gradient(const B& g, const B& y) { return Formula<op::Tanh>::grad<0>(op::Tanh{}, g, y, y); }
B sigmoid_gradient(const B& g, const B& y) {
  return Formula<op::Sigmoid>::grad<0>(op::Sigmoid{}, g, y, y);
}

// n is a multiple of the vector width in all workloads.
template <class F>
void each(std::int64_t n, const F& f) {
  for (std::int64_t i = 0; i < n; i += kWidth) f(i);
}

}  // namespace

bool comparable() {
#if defined(CATENA_ISA_avx512)
  return catena::cpu::instruction_set() == std::string_view("avx512");
#elif defined(CATENA_ISA_avx2)
  return catena::cpu::instruction_set() == std::string_view("avx2");
#else
  return catena::cpu::instruction_set() == std::string_view("baseline");
#endif
}

float w3_forward(const float* x, std::int64_t n) {
  B total(0.0f);
  each(n, [&](std::int64_t i) {
    const B v = load(x + i);
    total += tanh_of(v * B(1.5f) + B(0.25f)) * sigmoid_of(v) + relu_of(v);
  });
  return catena::cpu::CATENA_ISA::sum_of_lanes<float>(total);
}
void w3_backward(const float* x, float* gx, std::int64_t n) {
  const B one(1.0f);
  each(n, [&](std::int64_t i) {
    const B v = load(x + i), t = tanh_of(v * B(1.5f) + B(0.25f)), s = sigmoid_of(v);
    const B relu = Formula<op::Relu>::grad<0>(op::Relu{}, one, v, relu_of(v));
    store(gx + i, tanh_gradient(s, t) * B(1.5f) + sigmoid_gradient(t, s) + relu);
  });
}

namespace {

// Calls f(mask, i) with the factors of dropout, 0 or 1 / (1 - p), for elements i, i + 1, ... of n
// from `position`.
template <class F>
void each_dropped(double p, std::uint64_t seed, std::int64_t position, std::int64_t n, const F& f) {
  using namespace catena::cpu::CATENA_ISA;
  const float scale = static_cast<float>(catena::formulas::dropout_scale(p));
  const std::uint32_t threshold = catena::formulas::dropout_threshold(p);
  Numbers window;
  alignas(64) float mask[kChunk];
  for (std::int64_t begin = 0; begin < n; begin += kChunk) {
    const std::int64_t count = min_of(kChunk, n - begin);
    const std::uint32_t* numbers = window.fill({seed, 0}, position + begin, count);
    for (std::int64_t i = 0; i < count; ++i) mask[i] = numbers[i] < threshold ? 0.0f : scale;
    each(count, [&](std::int64_t i) { f(load(mask + i), begin + i); });
  }
}

}  // namespace

void block_forward(const float* h, const float* b, const float* r, float* y, std::int64_t rows,
                   std::int64_t n, double p, std::uint64_t seed) {
  for (std::int64_t row = 0; row < rows; ++row, h += n, r += n, y += n)
    each_dropped(p, seed, row * n, n, [&](const B& mask, std::int64_t i) {
      store(y + i, gelu_of(load(h + i) + load(b + i)) * mask + load(r + i));
    });
}
void block_backward(const float* h, const float* b, const float* g, float* gh, float* gb,
                    std::int64_t rows, std::int64_t n, double p, std::uint64_t seed) {
  each(n, [&](std::int64_t i) { store(gb + i, B(0.0f)); });
  for (std::int64_t row = 0; row < rows; ++row, h += n, g += n, gh += n)
    each_dropped(p, seed, row * n, n, [&](const B& mask, std::int64_t i) {
      const B a = load(h + i) + load(b + i);
      const B d = Formula<op::Gelu>::grad<0>(op::Gelu{}, load(g + i) * mask, a, a);
      store(gh + i, d);
      store(gb + i, load(gb + i) + d);
    });
}

void lstm_forward(const float* gates, const float* c, float* next_c, float* h, std::int64_t rows,
                  std::int64_t n) {
  for (std::int64_t row = 0; row < rows; ++row, gates += 4 * n, c += n, next_c += n, h += n)
    each(n, [&](std::int64_t k) {
      const B i = sigmoid_of(load(gates + k)), f = sigmoid_of(load(gates + n + k));
      const B g = tanh_of(load(gates + 2 * n + k)), o = sigmoid_of(load(gates + 3 * n + k));
      const B next = f * load(c + k) + i * g;
      store(next_c + k, next);
      store(h + k, o * tanh_of(next));
    });
}
void lstm_backward(const float* gates, const float* c, const float* gh, float* ggates, float* gc,
                   std::int64_t rows, std::int64_t n) {
  for (std::int64_t row = 0; row < rows;
       ++row, gates += 4 * n, c += n, gh += n, ggates += 4 * n, gc += n)
    each(n, [&](std::int64_t k) {
      const B i = sigmoid_of(load(gates + k)), f = sigmoid_of(load(gates + n + k));
      const B g = tanh_of(load(gates + 2 * n + k)), o = sigmoid_of(load(gates + 3 * n + k));
      const B t = tanh_of(f * load(c + k) + i * g), given = load(gh + k);
      const B gnext = tanh_gradient(given * o, t);
      store(ggates + k, sigmoid_gradient(gnext * g, i));
      store(ggates + n + k, sigmoid_gradient(gnext * load(c + k), f));
      store(ggates + 2 * n + k, tanh_gradient(gnext * i, g));
      store(ggates + 3 * n + k, sigmoid_gradient(given * t, o));
      store(gc + k, gnext * f);
    });
}

void adam(float* p, const float* g, float* m, float* v, std::int64_t n, AdamRates r) {
  const B beta1(r.beta1), beta2(r.beta2), rest1(1 - r.beta1), rest2(1 - r.beta2);
  each(n, [&](std::int64_t i) {
    const B d = load(g + i);
    const B first = load(m + i) * beta1 + d * rest1;
    const B second = load(v + i) * beta2 + d * d * rest2;
    store(m + i, first);
    store(v + i, second);
    store(p + i,
          load(p + i) - first * B(r.step) / (xsimd::sqrt(second) * B(r.root_scale) + B(r.eps)));
  });
}

void normalize(const float* x, const float* mean, const float* stddev, float* y, std::int64_t count,
               std::int64_t channels, std::int64_t pixels) {
  for (std::int64_t k = 0; k < count * channels; ++k, x += pixels, y += pixels) {
    const B m(mean[k % channels]), s(stddev[k % channels]);
    each(pixels, [&](std::int64_t i) { store(y + i, (load(x + i) - m) / s); });
  }
}

}  // namespace bench::fused
