// One optimizer step on dense CPU arrays in a single pass on one thread, per instruction set;
// train/ shares out the work. Tensors elsewhere, or with gaps, are updated through ops.
#pragma once

#include <cstdint>

namespace catena::cpu {

// p is the parameter, g its gradient; the other arrays are the optimizer's state. What every
// update begins with, where it has these fields:
//   g = maximize ? -g : g;  p = shrink p (decoupled weight decay);  g = g + weight_decay p

// PyTorch's SGD:
//   b = first ? g : momentum b + (1 - dampening) g      (with a momentum buffer b)
//   p -= lr (nesterov ? g + momentum b : b)             (without one: p -= lr g)
struct SgdUpdate {
  double lr = 0;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool first = false;
  bool maximize = false;
};

// Adam and AdamW with the two bias corrections already taken:
//   m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g g
//   p -= step_size m / (sqrt(v) inverse_sqrt_correction2 + eps)
// With `max_v` (AMSGrad) the denominator uses max_v = max(max_v, v).
struct AdamUpdate {
  double step_size = 0;  // lr / (1 - beta1^t)
  double beta1 = 0, beta2 = 0;
  double inverse_sqrt_correction2 = 1;  // 1 / sqrt(1 - beta2^t)
  double eps = 0;
  double weight_decay = 0;
  double shrink = 1;
  bool maximize = false;
};

// m, v as in Adam;  p -= (grad_step g + avg_step m) / (sqrt(v) inverse_sqrt_correction2 + eps)
struct NAdamUpdate {
  double grad_step = 0, avg_step = 0;
  double beta1 = 0, beta2 = 0;
  double inverse_sqrt_correction2 = 1;
  double eps = 0;
  double weight_decay = 0;
  double shrink = 1;
  bool maximize = false;
};

// m as in Adam;  u = max(beta2 u, |g| + eps);  p -= step_size m / u
struct AdamaxUpdate {
  double step_size = 0;  // lr / (1 - beta1^t)
  double beta1 = 0, beta2 = 0;
  double eps = 0;
  double weight_decay = 0;
  bool maximize = false;
};

//   v = alpha v + (1 - alpha) g g;  a += (1 - alpha)(g - a) (with an array a, "centered")
//   s = g / (sqrt(v - a a) + eps);  b = momentum b + s;  p -= lr b   (without b: p -= lr s)
struct RmsPropUpdate {
  double lr = 0;
  double alpha = 0;
  double eps = 0;
  double weight_decay = 0;
  double momentum = 0;
  bool maximize = false;
};

// s += g g;  p -= step_size g / (sqrt(s) + eps)
struct AdagradUpdate {
  double step_size = 0;  // lr / (1 + (t - 1) lr_decay)
  double eps = 0;
  double weight_decay = 0;
  bool maximize = false;
};

//   v = rho v + (1 - rho) g g;  d = g sqrt(u + eps) / sqrt(v + eps)
//   u = rho u + (1 - rho) d d;  p -= lr d
struct AdadeltaUpdate {
  double lr = 0;
  double rho = 0;
  double eps = 0;
  double weight_decay = 0;
  bool maximize = false;
};

// p -= lr sign(beta1 m + (1 - beta1) g);  m += (1 - beta2)(g - m)
struct LionUpdate {
  double lr = 0;
  double beta1 = 0, beta2 = 0;
  double shrink = 1;
  bool maximize = false;
};

// The kernels of one instruction set for T, float or double; arrays that may be null say so.
template <class T>
struct UpdateTable {
  using N = std::int64_t;
  void (*sgd)(T* p, const T* g, T* b_or_null, N n, const SgdUpdate&) = nullptr;
  void (*adam)(T* p, const T* g, T* m, T* v, T* max_v_or_null, N n, const AdamUpdate&) = nullptr;
  void (*nadam)(T* p, const T* g, T* m, T* v, N n, const NAdamUpdate&) = nullptr;
  void (*adamax)(T* p, const T* g, T* m, T* u, N n, const AdamaxUpdate&) = nullptr;
  void (*rmsprop)(T* p, const T* g, T* v, T* a_or_null, T* b_or_null, N n,
                  const RmsPropUpdate&) = nullptr;
  void (*adagrad)(T* p, const T* g, T* s, N n, const AdagradUpdate&) = nullptr;
  void (*adadelta)(T* p, const T* g, T* v, T* u, N n, const AdadeltaUpdate&) = nullptr;
  void (*lion)(T* p, const T* g, T* m, N n, const LionUpdate&) = nullptr;
  // average += weight (p - average)
  void (*average)(T* average, const T* p, N n, double weight) = nullptr;
};
struct UpdateTables {
  UpdateTable<float> of_float;
  UpdateTable<double> of_double;
};
namespace baseline {
void fill_updates(UpdateTables* tables);
}
namespace avx2 {
void fill_updates(UpdateTables* tables);
}
namespace avx512 {
void fill_updates(UpdateTables* tables);
}

// Those of the instruction set in use.
const UpdateTables& update_tables();
template <class T>
const UpdateTable<T>& updates() {
  if constexpr (sizeof(T) == sizeof(float))
    return update_tables().of_float;
  else
    return update_tables().of_double;
}

}  // namespace catena::cpu
