// What a chain of pointwise calls is measured against: one loop per pass written by hand, with the
// library's own vector functions (the formulas of ops/), on one thread.
#pragma once

#include <cstdint>

namespace bench::fused {

// Whether the loops were compiled for the instruction set that the library has chosen.
bool comparable();

// W3: the sum of tanh(1.5 x + 0.25) sigmoid(x) + relu(x), and its gradient.
float w3_forward(const float* x, std::int64_t n);
void w3_backward(const float* x, float* gx, std::int64_t n);

// y = dropout(gelu(h + b), p) + r over rows of n; and, with g = dL/dy, gh = dL/dh and gb = dL/db.
// dL/dr is g. The mask is drawn in both.
void block_forward(const float* h, const float* b, const float* r, float* y, std::int64_t rows,
                   std::int64_t n, double p, std::uint64_t seed);
void block_backward(const float* h, const float* b, const float* g, float* gh, float* gb,
                    std::int64_t rows, std::int64_t n, double p, std::uint64_t seed);

// One step of an LSTM from its gates [rows, 4n] (i, f, g, o): c' and h'; and from dL/dh' the
// gradients of gates and c.
void lstm_forward(const float* gates, const float* c, float* next_c, float* h, std::int64_t rows,
                  std::int64_t n);
void lstm_backward(const float* gates, const float* c, const float* gh, float* ggates, float* gc,
                   std::int64_t rows, std::int64_t n);

// Adam in place.
struct AdamRates {
  float beta1, beta2, step, root_scale, eps;  // p -= step m / (root_scale sqrt(v) + eps)
};
void adam(float* p, const float* g, float* m, float* v, std::int64_t n, AdamRates rates);

// (x - mean[c]) / stddev[c] for images [count, channels, pixels].
void normalize(const float* x, const float* mean, const float* stddev, float* y, std::int64_t count,
               std::int64_t channels, std::int64_t pixels);

}  // namespace bench::fused
