// Reverse-mode differentiation of the tape, and the switches that govern recording.
#pragma once

#include <functional>
#include <source_location>
#include <span>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena {

struct BackwardOptions {
  bool retain_graph = false;  // keep the tape for another backward
  // Record the backward itself, for higher derivatives (retains). A recorded gradient that a tensor
  // keeps in grad() refers back to that tensor: both stay until zero_grad().
  bool create_graph = false;
};

// Adds d(sum_k <gradients[k], outputs[k]>)/d(leaf) to grad() of every leaf that requires it. An
// output without a gradient given must hold one element. The tape is freed on the way.
void backward(const Tensor& output, const Tensor& gradient = {}, BackwardOptions options = {},
              std::source_location loc = std::source_location::current());
void backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients,
              BackwardOptions options = {},
              std::source_location loc = std::source_location::current());

struct GradOptions {
  bool retain_graph = false;
  bool create_graph = false;
  // Return undefined for an input the outputs do not depend on, instead of failing.
  bool allow_unused = false;
};

// The gradients of the inputs (any tensors of the tape) instead of grad() of the leaves, which is
// left alone. Shapes are the inputs'.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         GradOptions options = {}, std::span<const Tensor> grad_outputs = {},
                         std::source_location loc = std::source_location::current());
std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs,
                         GradOptions options = {},
                         std::source_location loc = std::source_location::current());
Tensor grad(const Tensor& output, const Tensor& input, GradOptions options = {},
            std::source_location loc = std::source_location::current());

using Function = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

// fn(inputs) and cotangents^T J, the vector-Jacobian product.
struct VjpResult {
  std::vector<Tensor> outputs;
  std::vector<Tensor> gradients;
};
VjpResult vjp(const Function& fn, std::span<const Tensor> inputs,
              std::span<const Tensor> cotangents,
              std::source_location loc = std::source_location::current());

// Nothing is recorded on this thread while one lives.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

// As NoGrad, and nothing inside can switch recording on again: an EnableGrad there is an error. For
// code that must not build a tape whatever it calls.
class InferenceMode {
 public:
  InferenceMode();
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;

 private:
  NoGrad off_;
  bool before_;
};

// Recording is on again on this thread while one lives.
class EnableGrad {
 public:
  EnableGrad();
  ~EnableGrad();
  EnableGrad(const EnableGrad&) = delete;
  EnableGrad& operator=(const EnableGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

// While one lives, every value computed on this thread, forward or backward, is searched for NaN
// and infinity; the first is an ArgumentError that names the op, its line and the pass.
class DetectAnomaly {
 public:
  DetectAnomaly();
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  bool before_;
};

}  // namespace catena
