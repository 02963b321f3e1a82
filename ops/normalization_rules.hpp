// What the normalisations share: checks, the composed gradient, statistics that follow the batches.
// Not a public header.
#pragma once

#include <source_location>
#include <utility>
#include <vector>

#include "catena/ops/composite.hpp"
#include "catena/ops/creation.hpp"

namespace catena::detail {

void expect_floating(const InferContext& c);
// Inputs 1 and 2, weight and bias, where they are given: of this shape and of the dtype of x.
void expect_affine(const InferContext& c, const Shape& shape);

// How a norm sees its input.
struct Normalization {
  Shape view;    // x is reshaped to this
  Shape over;    // the dimensions of the view normalised together
  Shape affine;  // the shape under which weight and bias broadcast against the view
  double eps;
  bool centred;  // whether the mean is taken away
};
// With h = (x - mean) / sqrt(var + eps), or h = x / sqrt(mean x^2 + eps), and gw = g weight:
//   dx = (gw - mean gw - h mean(gw h)) / sqrt(var + eps), dweight = g h, dbias = g;
// without `mean gw` where x is not centred.
void normalization_vjp(VjpContext& c, const Normalization& n);

// A call with the optional operands that are defined. A bias alone gets a weight of ones.
template <class Op>
std::vector<Tensor> call_affine(const Op& op, Operand& x, const Shape& shape, const Tensor& weight,
                                const Tensor& bias) {
  const bool bias_alone = bias.defined() && !weight.defined();
  const Tensor factor = bias_alone ? ones(shape, {bias.dtype(), bias.device()}) : weight;
  Operand w(factor, x.location()), b(bias, x.location());
  Operand* list[] = {&x, &w, &b};
  const int n = bias.defined() ? 3 : factor.defined() ? 2 : 1;
  return dispatch_multi(op_info<Op>(), &op, list, n, x.location());
}

// An argument that has one entry per feature of x [N, C, ...], where it is defined.
void check_per_feature(const char* op, const char* name, const Tensor& vector, const Tensor& x,
                       const std::source_location& location);

// running = (1 - momentum) running + momentum factor value, where it is defined.
void move_towards(const Tensor& running, const Tensor& value, double momentum, double factor,
                  const std::source_location& location);

}  // namespace catena::detail
