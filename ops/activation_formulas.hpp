// The formulas of activation.hpp; see formula.hpp. A branch that is not chosen must stay finite
// too: through it the gradient's gradient would be 0 * inf.
#pragma once

#include "catena/ops/activation.hpp"
#include "catena/ops/formula.hpp"
#include "catena/ops/math.hpp"

namespace catena::formula::CATENA_ISA {

// min(x, bound) and max(x, bound), NaN for NaN.
template <class T>
CATENA_FN T at_most(const T& x, const T& bound) {
  return select(x > bound, bound, x);
}
template <class T>
CATENA_FN T at_least(const T& x, const T& bound) {
  return select(x < bound, bound, x);
}
// ln(1 + e^x).
template <class T>
CATENA_FN T log1p_exp(const T& x) {
  return at_least(x, constant(x, 0)) + log1p(exp(-abs(x)));
}
// scale (e^(x / width) - 1) for x <= 0, slope x above; and g times its derivative.
template <class T>
CATENA_FN T exponential_unit(const T& x, double slope, double scale, double width) {
  const T e = expm1(at_most(x, constant(x, 0)) / constant(x, width));
  return select(x > constant(x, 0), constant(x, slope) * x, constant(x, scale) * e);
}
template <class T>
CATENA_FN T exponential_unit_gradient(const T& g, const T& x, double slope, double scale,
                                      double width) {
  const T e = exp(at_most(x, constant(x, 0)) / constant(x, width));
  return g * select(x > constant(x, 0), constant(x, slope), constant(x, scale / width) * e);
}

template <>
struct Formula<op::LeakyRelu> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return select(x > constant(x, 0), x, x * constant(x, op.negative_slope)); }
  CATENA_GRAD1 { return select(x > constant(x, 0), g, g * constant(g, op.negative_slope)); }
};
template <>
struct Formula<op::Elu> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return exponential_unit(x, 1, op.alpha, 1); }
  CATENA_GRAD1 { return exponential_unit_gradient(g, x, 1, op.alpha, 1); }
};
template <>
struct Formula<op::Selu> {
  static constexpr std::uint32_t identity = 0;
  static constexpr double scale = 1.0507009873554804934193349852946;
  static constexpr double alpha = 1.6732632423543772848170429916717;
  CATENA_VALUE1 { return exponential_unit(x, scale, scale * alpha, 1); }
  CATENA_GRAD1 { return exponential_unit_gradient(g, x, scale, scale * alpha, 1); }
};
template <>
struct Formula<op::Celu> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return exponential_unit(x, 1, op.alpha, op.alpha); }
  CATENA_GRAD1 { return exponential_unit_gradient(g, x, 1, op.alpha, op.alpha); }
};
template <>
struct Formula<op::Gelu> {
  static constexpr std::uint32_t identity = 0;
  static constexpr double root_half = 0.70710678118654752440;   // sqrt(1 / 2)
  static constexpr double peak = 0.39894228040143267794;        // 1 / sqrt(2 pi)
  static constexpr double twice_root = 1.59576912160573071176;  // 2 sqrt(2 / pi)
  static constexpr double cubic = 0.044715;
  CATENA_VALUE1 {
    if (op.tanh) return x * logistic(argument(x));
    return x * normal_cdf(x);
  }
  CATENA_GRAD1 {
    if (op.tanh) {
      // Beyond 30 the derivative is 0 or 1 to the last digit.
      const T h = at_most(at_least(x, constant(x, -30)), constant(x, 30));
      const T s = logistic(argument(h)), one = constant(x, 1);
      const T slope = constant(x, twice_root) * (one + constant(x, 3 * cubic) * (h * h));
      return g * (s * (one + h * ((one - s) * slope)));
    }
    return g * (normal_cdf(x) + x * (constant(x, peak) * exp(constant(x, -0.5) * (x * x))));
  }
  // 1 / 2 (1 + tanh u) is 1 / (1 + e^-2u).
  template <class T>
  CATENA_FN static T argument(const T& x) {
    return constant(x, twice_root) * (x * (constant(x, 1) + constant(x, cubic) * (x * x)));
  }
  template <class T>
  CATENA_FN static T normal_cdf(const T& x) {
    return constant(x, 0.5) * erfc(constant(x, -root_half) * x);
  }
};
template <>
struct Formula<op::Silu> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return x * logistic(x); }
  CATENA_GRAD1 {
    const T s = logistic(x), one = constant(x, 1);
    return g * (s * (one + x * (one - s)));
  }
};
// tanh(ln(1 + e)) = n / (n + 2) with n = e (e + 2); 1 in both precisions for x > 20.
template <>
struct Formula<op::Mish> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 {
    const T e = exp(at_most(x, constant(x, 20))), n = e * (e + constant(x, 2));
    return select(x > constant(x, 20), x, x * (n / (n + constant(x, 2))));
  }
  CATENA_GRAD1 {
    const T two = constant(x, 2), e = exp(at_most(x, constant(x, 20)));
    const T n = e * (e + two), d = n + two;
    const T bend = constant(x, 4) * (x * (e * (e + constant(x, 1)))) / (d * d);
    return select(x > constant(x, 20), g, g * (n / d + bend));
  }
};
template <>
struct Formula<op::Softplus> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 {
    const T z = x * constant(x, op.beta);
    return select(z > constant(x, op.threshold), x, log1p_exp(z) / constant(x, op.beta));
  }
  CATENA_GRAD1 {
    const T z = x * constant(x, op.beta);
    return select(z > constant(x, op.threshold), g, g * logistic(z));
  }
};
template <>
struct Formula<op::Softsign> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return x / (constant(x, 1) + abs(x)); }
  CATENA_GRAD1 {
    const T d = constant(x, 1) + abs(x);
    return g / (d * d);
  }
};
template <>
struct Formula<op::Hardtanh> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return at_most(at_least(x, constant(x, op.min)), constant(x, op.max)); }
  CATENA_GRAD1 {
    const T zero = constant(g, 0);
    return select(x <= constant(x, op.min), zero, select(x >= constant(x, op.max), zero, g));
  }
};
template <>
struct Formula<op::Hardsigmoid> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return ramp(x) / constant(x, 6); }
  CATENA_GRAD1 {
    const T zero = constant(g, 0);
    return select(x > constant(x, -3), select(x < constant(x, 3), g / constant(g, 6), zero), zero);
  }
  template <class T>
  CATENA_FN static T ramp(const T& x) {
    return at_most(at_least(x + constant(x, 3), constant(x, 0)), constant(x, 6));
  }
};
template <>
struct Formula<op::Hardswish> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return x * (Formula<op::Hardsigmoid>::ramp(x) / constant(x, 6)); }
  CATENA_GRAD1 {
    const T middle = x / constant(x, 3) + constant(x, 0.5);
    return select(x < constant(x, -3), zeros_like(g), select(x > constant(x, 3), g, g * middle));
  }
};
template <>
struct Formula<op::Step> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 {
    const T zero = constant(x, 0);
    return select(x > zero, constant(x, 1), select(x == zero, constant(x, op.at_zero), zero));
  }
  CATENA_GRAD1 { return zeros_like(g); }
};
template <>
struct Formula<op::LogSigmoid> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return -log1p_exp(-x); }
  CATENA_GRAD1 { return g * logistic(-x); }
};

}  // namespace catena::formula::CATENA_ISA
