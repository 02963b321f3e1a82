// One optimizer step on dense CPU arrays in a single pass, per instruction set. The only header of
// a backend that train/ includes; tensors elsewhere, or with gaps, are updated through ops.
#pragma once

#include <cstdint>

namespace catena::cpu {

// PyTorch's Adam with the two bias corrections already taken:
//   g += weight_decay p;  m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g g
//   p -= step_size m / (sqrt(v) inverse_sqrt_correction2 + eps)
// With `max_v` (AMSGrad) the denominator uses max_v = max(max_v, v).
struct AdamUpdate {
  double step_size = 0;  // lr / (1 - beta1^t)
  double beta1 = 0, beta2 = 0;
  double inverse_sqrt_correction2 = 1;  // 1 / sqrt(1 - beta2^t)
  double eps = 0;
  double weight_decay = 0;
};
void adam_update(float* p, const float* g, float* m, float* v, float* max_v, std::int64_t n,
                 const AdamUpdate& u);
void adam_update(double* p, const double* g, double* m, double* v, double* max_v, std::int64_t n,
                 const AdamUpdate& u);

// PyTorch's SGD:
//   g += weight_decay p
//   b = first ? g : momentum b + (1 - dampening) g      (with a momentum buffer b)
//   p -= lr (nesterov ? g + momentum b : b)             (without one: p -= lr g)
struct SgdUpdate {
  double lr = 0;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool first = false;
};
void sgd_update(float* p, const float* g, float* b, std::int64_t n, const SgdUpdate& u);
void sgd_update(double* p, const double* g, double* b, std::int64_t n, const SgdUpdate& u);

// The kernels of one instruction set.
struct UpdateTable {
  void (*adam_float)(float*, const float*, float*, float*, float*, std::int64_t,
                     const AdamUpdate&) = nullptr;
  void (*adam_double)(double*, const double*, double*, double*, double*, std::int64_t,
                      const AdamUpdate&) = nullptr;
  void (*sgd_float)(float*, const float*, float*, std::int64_t, const SgdUpdate&) = nullptr;
  void (*sgd_double)(double*, const double*, double*, std::int64_t, const SgdUpdate&) = nullptr;
};
namespace baseline {
void fill_updates(UpdateTable* table);
}
namespace avx2 {
void fill_updates(UpdateTable* table);
}
namespace avx512 {
void fill_updates(UpdateTable* table);
}

}  // namespace catena::cpu
