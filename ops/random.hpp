// Random numbers: dropout, uniform and normal. The numbers come from Philox counters, so a mask
// is the same for a seed on every device and thread count. Which numbers of the stream an element
// takes, and what it makes of them, stands in random_formulas.hpp.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// y = x * m / (1 - p) with m = 0 with probability p, else 1; 0 with p = 1. The mask is never
// stored: the gradient is the same op with the same counters.
struct Dropout {
  double p = 0.5;
  PhiloxState state;  // drawn anew at each call, unless given
  static constexpr int kStateMembers = 1;
  static constexpr bool kIdentityInEvaluation = true;
  static constexpr const char* kFormula = "y = x * mask / (1 - p)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"p", &Dropout::p, "probability of a zero, in [0, 1]"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Dropout");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
  void draw(std::int64_t numel);  // reserves the numbers of a call on `numel` elements
};

// Independent numbers, uniform in [low, high).
struct RandomUniform {
  Shape shape;
  double low = 0, high = 1;
  DType dtype = kFloat32;
  PhiloxState state;
  static constexpr int kStateMembers = 1;
  static constexpr const char* kFormula = "y ~ U[low, high)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"shape", &RandomUniform::shape, "shape of the result"},
                                     Attr{"low", &RandomUniform::low, "lower end, included"},
                                     Attr{"high", &RandomUniform::high, "upper end, excluded"},
                                     Attr{"dtype", &RandomUniform::dtype, "float32 or float64"}};
  static constexpr Inputs kInputs{};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("RandomUniform");
  void infer(InferContext& c) const;
  void draw(std::int64_t numel);  // reserves the numbers of `shape`
};

// Independent numbers, normal with the given mean and standard deviation (Box-Muller).
struct RandomNormal {
  Shape shape;
  double mean = 0, stddev = 1;
  DType dtype = kFloat32;
  PhiloxState state;
  static constexpr int kStateMembers = 1;
  static constexpr const char* kFormula = "y ~ N(mean, stddev^2)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"shape", &RandomNormal::shape, "shape of the result"},
                                     Attr{"mean", &RandomNormal::mean, "mean"},
                                     Attr{"stddev", &RandomNormal::stddev, "standard deviation"},
                                     Attr{"dtype", &RandomNormal::dtype, "float32 or float64"}};
  static constexpr Inputs kInputs{};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("RandomNormal");
  void infer(InferContext& c) const;
  void draw(std::int64_t numel);  // reserves the numbers of `shape`
};

}  // namespace op

// x with each element set to 0 with probability p in [0, 1], the others times 1 / (1 - p); float32
// or float64. x itself when not training or p = 0.
Tensor dropout(Operand x, double p = 0.5, bool training = true);
// Drawn on the CPU, so that initial weights are the same on every device, and then moved to the
// device of the options. float32 or float64. Errors: low > high, stddev < 0, ends not finite.
Tensor random_uniform(const Shape& shape, double low = 0, double high = 1,
                      TensorOptions options = {},
                      std::source_location loc = std::source_location::current());
Tensor random_normal(const Shape& shape, double mean = 0, double stddev = 1,
                     TensorOptions options = {},
                     std::source_location loc = std::source_location::current());
// Uniform in [0, 1) and standard normal, by their usual names.
Tensor rand(const Shape& shape, TensorOptions options = {},
            std::source_location loc = std::source_location::current());
Tensor randn(const Shape& shape, TensorOptions options = {},
             std::source_location loc = std::source_location::current());
// The same in the shape, dtype and device of t.
Tensor rand_like(const Tensor& t, std::source_location loc = std::source_location::current());
Tensor randn_like(const Tensor& t, std::source_location loc = std::source_location::current());

}  // namespace catena
