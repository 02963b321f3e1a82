// An op of our own: y = x * sigmoid(beta * x).
#pragma once

#include <catena/catena.hpp>

// The whole op but for its kernel. The attributes are the members; kAttrs names them once, and
// printing, comparing, saving and the command line follow from that.
struct Swish {
  double beta = 1;

  static constexpr const char* kName = "swish";
  static constexpr const char* kFormula = "y = x / (1 + e^(-beta x))";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{catena::Attr{"beta", &Swish::beta, "steepness at 0"}};
  static constexpr catena::Inputs kInputs{"x"};
  static constexpr catena::Saves kSaves = catena::Saves::inputs(0);  // what the gradient reads
  static constexpr catena::OnnxRow kOnnx = catena::OnnxRow::expands("Mul, Sigmoid, Mul");

  // Shape and dtype of the result, and the errors.
  void infer(catena::InferContext& c) const {
    c.expect_dtype(0, catena::kFloatTypes, "x");
    c.output(c.shape(0), c.dtype(0));
  }
  // The gradient, written with ops: derivatives of any order follow.
  void vjp(catena::VjpContext& c) const {
    const catena::Tensor x = c.input(0);
    const catena::Tensor s = catena::sigmoid(x * beta);
    c.accumulate(0, c.grad() * (s + x * beta * s * (1 - s)));
  }
};

// Enters the op and its CPU kernel; call it once before the first use.
void register_swish();

inline catena::Tensor swish(const catena::Tensor& x, double beta = 1) {
  return catena::call(Swish{beta}, {x});
}
