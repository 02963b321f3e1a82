// Samples of ops. The author of an op writes them in tests/ops/<stem>_samples.cpp, one function per
// op; tests/op_suite.cpp does the rest (values, strides, broadcasting, empty and 0-d shapes,
// gradients of first and second order, guards, deferral, threads, errors, CPU = CUDA).
//
//   std::vector<OpSample> samples_Tanh() {
//     return {sample("basic", op::Tanh{}, {uniform({2, 3}, -2, 2)},
//                    [](double x) { return std::tanh(x); }),
//             fails("bool", op::Tanh{}, {booleans({2})}, "bool")};
//   }
//
// Every op of ops/ops.def needs its function: a missing one is an undefined reference to
// samples_<Struct>.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catena/graph/op.hpp"
#include "catena/graph/registry.hpp"
#include "catena/ops/all.hpp"

namespace catena::test {

// --- Inputs ---

// How to make one input. Values are drawn from a fixed stream, so that a sample is the same at
// every run. An input without a dtype of its own takes the dtype under test; integers and bool then
// get the whole numbers of the range.
struct InputSpec {
  enum class Kind { kUniform, kExplicit };
  Kind kind = Kind::kUniform;
  Shape shape;
  double low = -2, high = 2;
  bool whole = false;         // whole numbers of [low, high) for every dtype
  std::vector<double> avoid;  // no value is closer than `distance` to one of these
  double distance = 0.1;
  std::vector<double> values;  // explicit ones, row-major
  bool has_dtype = false;
  DType dtype = kFloat32;  // when has_dtype

  // Keeps values away from a point without a derivative.
  InputSpec away_from(double point, double by = 0.1) const {
    InputSpec s = *this;
    s.avoid.push_back(point);
    s.distance = by;
    return s;
  }
  // This dtype whatever the dtype under test is.
  InputSpec as(DType t) const {
    InputSpec s = *this;
    s.has_dtype = true;
    s.dtype = t;
    return s;
  }
};

// Uniform in [low, high).
inline InputSpec uniform(const Shape& shape, double low = -2, double high = 2) {
  InputSpec s;
  s.shape = shape;
  s.low = low;
  s.high = high;
  return s;
}
// Whole numbers of [low, high) as int64 (another dtype with .as()).
inline InputSpec integers(const Shape& shape, std::int64_t low, std::int64_t high) {
  InputSpec s = uniform(shape, static_cast<double>(low), static_cast<double>(high));
  s.whole = true;
  return s.as(kInt64);
}
inline InputSpec booleans(const Shape& shape) { return integers(shape, 0, 2).as(kBool); }
inline InputSpec values(const Shape& shape, std::vector<double> v) {
  InputSpec s;
  s.kind = InputSpec::Kind::kExplicit;
  s.shape = shape;
  s.values = std::move(v);
  return s;
}

// --- References ---

// A plain array of doubles, row-major.
struct Array {
  Shape shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(const Shape& s, double value = 0)
      : shape(s), values(static_cast<std::size_t>(s.numel()), value) {}
  Array(const Shape& s, std::vector<double> v) : shape(s), values(std::move(v)) {}

  std::int64_t position(const Shape& index) const {
    std::int64_t p = 0;
    for (int d = 0; d < shape.rank(); ++d) p = p * shape[d] + index[d];
    return p;
  }
  double& at(const Shape& index) { return values[static_cast<std::size_t>(position(index))]; }
  double at(const Shape& index) const { return values[static_cast<std::size_t>(position(index))]; }
  double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
};

// Calls f(index) for every index of `shape` in row-major order.
template <class F>
void for_each_index(const Shape& shape, F&& f) {
  if (shape.numel() == 0) return;
  Shape index = Shape::filled(shape.rank(), 0);
  for (;;) {
    f(static_cast<const Shape&>(index));
    int d = shape.rank() - 1;
    while (d >= 0 && ++index[d] == shape[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

// The value at `index` of a result that `a` was broadcast to.
double broadcast_at(const Array& a, const Shape& index);

// What the op computes, in doubles and without any of Catena's kernels: all outputs from all
// inputs. The result is then rounded (or wrapped) to the output's dtype before it is compared.
using Reference = std::function<std::vector<Array>(const std::vector<Array>&)>;

// From f(double...) applied element by element with broadcasting, or from a function of the arrays
// that returns an Array or several.
template <class F>
Reference reference(F f) {
  using List = const std::vector<Array>&;
  auto elementwise = [](auto compute) {
    return [compute](List in) {
      Shape shape;
      for (const Array& a : in) broadcast_shapes(shape, a.shape, &shape);
      Array out(shape);
      std::size_t i = 0;
      for_each_index(shape, [&](const Shape& at) { out.values[i++] = compute(in, at); });
      return std::vector<Array>{out};
    };
  };
  if constexpr (std::is_same_v<F, std::nullptr_t>) {
    return {};
  } else if constexpr (std::is_invocable_r_v<std::vector<Array>, F, List>) {
    return f;
  } else if constexpr (std::is_invocable_r_v<Array, F, List>) {
    return [f](List in) { return std::vector<Array>{f(in)}; };
  } else if constexpr (std::is_invocable_v<F, double>) {
    return elementwise([f](List in, const Shape& at) { return f(broadcast_at(in[0], at)); });
  } else if constexpr (std::is_invocable_v<F, double, double>) {
    return elementwise([f](List in, const Shape& at) {
      return f(broadcast_at(in[0], at), broadcast_at(in[1], at));
    });
  } else {
    static_assert(std::is_invocable_v<F, double, double, double>,
                  "a reference is f(double...) or f(const std::vector<Array>&)");
    return elementwise([f](List in, const Shape& at) {
      return f(broadcast_at(in[0], at), broadcast_at(in[1], at), broadcast_at(in[2], at));
    });
  }
}

// --- Samples ---

// Before each call the suite seeds the generator with this, so that random ops repeat: element i of
// the call draws from philox(kSuiteSeed, ...) at offset 0.
inline constexpr std::uint64_t kSuiteSeed = 20090207;

struct OpSample {
  std::string name;  // letters, digits and underscores
  OpValue op;
  std::vector<InputSpec> inputs;
  Reference reference;  // none: values are not compared (say why in a comment)
  DTypeSet dtypes;      // dtypes under test; empty: those of the op's kernel row
  // |got - expected| <= atol + rtol * |expected|.
  double rtol32 = 2e-6, atol32 = 1e-6, rtol64 = 1e-12, atol64 = 1e-13;
  bool gradients = true;      // compare with central differences (float64)
  bool second_order = true;   // and the gradient's gradient
  bool blas_order = false;    // BLAS chooses the order of sums, by memory layout too
  std::uint32_t no_grad = 0;  // bit i: input i is not differentiated
  std::string skip_reason;    // not empty: skipped, and counted as such
  std::string error;          // not empty: the call throws ArgumentError that contains this

  OpSample only(DTypeSet set) const {
    return with([&](OpSample& s) { s.dtypes = set; });
  }
  // Both relative and absolute.
  OpSample tolerance(double float32, double float64) const {
    return with([&](OpSample& s) {
      s.rtol32 = s.atol32 = float32;
      s.rtol64 = s.atol64 = float64;
    });
  }
  OpSample exact() const { return tolerance(0, 0); }
  OpSample no_gradient() const {
    return with([](OpSample& s) { s.gradients = false; });
  }
  OpSample no_second_order() const {
    return with([](OpSample& s) { s.second_order = false; });
  }
  // Inputs in another layout give close results, not the same bits.
  OpSample in_blas_order() const {
    return with([](OpSample& s) { s.blas_order = true; });
  }
  // Input i is treated as a constant.
  OpSample constant(int i) const {
    return with([&](OpSample& s) { s.no_grad |= 1u << i; });
  }
  OpSample skip(std::string why) const {
    return with([&](OpSample& s) { s.skip_reason = std::move(why); });
  }

 private:
  template <class F>
  OpSample with(F f) const {
    OpSample s = *this;
    f(s);
    return s;
  }
};

// `compute` as in reference().
template <OpStruct Op, class F>
OpSample sample(std::string name, const Op& op, std::vector<InputSpec> inputs, F compute) {
  OpSample s;
  s.name = std::move(name);
  s.op = OpValue(op_info<Op>(), &op);
  s.inputs = std::move(inputs);
  s.reference = reference(std::move(compute));
  return s;
}

// A call that must fail with a message that contains `error`. Inputs are float32 unless .as().
template <OpStruct Op>
OpSample fails(std::string name, const Op& op, std::vector<InputSpec> inputs, std::string error) {
  OpSample s = sample(std::move(name), op, std::move(inputs), nullptr);
  s.error = std::move(error);
  return s;
}

#define CATENA_OP(Struct, name, stem) std::vector<OpSample> samples_##Struct();
#include "catena/ops/ops.def"
#undef CATENA_OP

// --- For the suite and for others that run samples (benchmarks) ---

struct OpEntry {
  const char* name;
  std::vector<OpSample> (*samples)();
};
// Every built-in op with its samples.
const std::vector<OpEntry>& op_entries();

// The inputs of a sample for a dtype under test.
std::vector<Tensor> make_inputs(const OpSample& sample, DType dtype);
// The dtypes a sample is run with.
std::vector<DType> dtypes_of(const OpSample& sample);
Array to_array(const Tensor& t);

}  // namespace catena::test
