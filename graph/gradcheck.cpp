#include "catena/graph/gradcheck.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace catena {
namespace {

using Values = std::vector<double>;

// A copy of an input, as a leaf; with other values if given.
Tensor copy_of(const Tensor& t, const Values* values = nullptr) {
  const Values own = values ? Values() : t.to_vector<double>();
  return tensor(values ? *values : own, t.shape(),
                {t.dtype(), t.device(), values == nullptr && t.requires_grad()});
}

// An integer does not survive the way through double above 2^53, so other inputs are passed on.
std::vector<Tensor> fresh_inputs(std::span<const Tensor> inputs) {
  std::vector<Tensor> list;
  for (const Tensor& t : inputs) list.push_back(t.requires_grad() ? copy_of(t) : t);
  return list;
}

std::string index_text(const Shape& shape, std::int64_t flat) {
  Shape index = shape;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    index[d] = flat % shape[d];
    flat /= shape[d];
  }
  return to_string(index);
}

// d(outputs[k][e]) / d(input) for all e: rows by e, one after the other.
Values analytic_jacobian(const std::vector<Tensor>& outputs, std::size_t k, const Tensor& input) {
  const Tensor& out = outputs[k];
  const auto rows = static_cast<std::size_t>(out.numel());
  const auto columns = static_cast<std::size_t>(input.numel());
  Values jacobian(rows * columns);
  Values one_hot(rows);
  for (std::size_t e = 0; e < rows; ++e) {
    one_hot[e] = 1;
    const Tensor seed = tensor(one_hot, out.shape(), {out.dtype(), out.device()});
    one_hot[e] = 0;
    const Tensor g =
        grad({&out, 1}, {&input, 1}, {.retain_graph = true, .allow_unused = true}, {&seed, 1})[0];
    if (!g.defined()) continue;
    const Values row = g.to_vector<double>();
    std::copy(row.begin(), row.end(), jacobian.begin() + static_cast<std::ptrdiff_t>(e * columns));
  }
  return jacobian;
}

std::vector<Values> values_of(const Function& fn, std::span<const Tensor> inputs) {
  NoGrad off;
  std::vector<Values> list;
  for (const Tensor& t : fn(inputs)) list.push_back(t.to_vector<double>());
  return list;
}

// The same by central differences, for every output.
std::vector<Values> numeric_jacobians(const Function& fn, std::vector<Tensor> inputs, std::size_t i,
                                      double eps) {
  const Tensor original = inputs[i];
  Values x = original.to_vector<double>();
  std::vector<Values> jacobians;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double center = x[j];
    x[j] = center + eps;
    inputs[i] = copy_of(original, &x);
    const std::vector<Values> above = values_of(fn, inputs);
    x[j] = center - eps;
    inputs[i] = copy_of(original, &x);
    const std::vector<Values> below = values_of(fn, inputs);
    x[j] = center;
    jacobians.resize(above.size());
    for (std::size_t k = 0; k < above.size(); ++k) {
      jacobians[k].resize(above[k].size() * x.size());
      for (std::size_t e = 0; e < above[k].size(); ++e)
        jacobians[k][e * x.size() + j] = (above[k][e] - below[k][e]) / (2 * eps);
    }
  }
  return jacobians;
}

bool agree(double analytic, double numeric, const GradcheckOptions& o) {
  return analytic == numeric || std::abs(analytic - numeric) <= o.atol + o.rtol * std::abs(numeric);
}

struct Place {
  std::size_t output, input;
  const Shape& output_shape;
  const Shape& input_shape;
  std::string text(std::size_t flat) const {
    const auto columns = static_cast<std::size_t>(input_shape.numel());
    return fmt::format("d output {} {} / d input {} {}", output,
                       index_text(output_shape, static_cast<std::int64_t>(flat / columns)), input,
                       index_text(input_shape, static_cast<std::int64_t>(flat % columns)));
  }
};

std::string compare(const Values& analytic, const Values& numeric, const Place& place,
                    const GradcheckOptions& options) {
  std::size_t wrong = 0, first = 0;
  for (std::size_t j = analytic.size(); j-- > 0;)
    if (!agree(analytic[j], numeric[j], options)) {
      ++wrong;
      first = j;
    }
  if (wrong == 0) return {};
  return fmt::format(
      "[gradcheck] {}: analytic {:.10g}, numeric {:.10g}; {} of {} elements of this Jacobian "
      "differ "
      "by more than {} + {} * |numeric|",
      place.text(first), analytic[first], numeric[first], wrong, analytic.size(), options.atol,
      options.rtol);
}

std::string compare_bits(const Values& first, const Values& second, const Place& place) {
  for (std::size_t j = 0; j < first.size(); ++j)
    if (std::bit_cast<std::uint64_t>(first[j]) != std::bit_cast<std::uint64_t>(second[j]))
      return fmt::format(
          "[gradcheck] {}: a first backward gave {:.17g}, a second one {:.17g}; expected the same "
          "bits",
          place.text(j), first[j], second[j]);
  return {};
}

void check_inputs(std::span<const Tensor> inputs, const char* name,
                  const std::source_location& loc) {
  bool any = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined())
      throw_argument(name, fmt::format("input {} is an undefined tensor; give it a value first", i),
                     loc);
    if (!inputs[i].requires_grad()) continue;
    any = true;
    if (inputs[i].dtype() != kFloat64)
      throw_argument(name,
                     fmt::format("input {} is {}; expected float64, since differences of lower "
                                 "precision say nothing; convert it with to(kFloat64)",
                                 i, name_of(inputs[i].dtype())),
                     loc);
  }
  if (!any)
    throw_argument(
        name, "no input requires a gradient; expected one at least; call set_requires_grad()", loc);
}

}  // namespace

GradcheckResult gradcheck(const Function& fn, std::span<const Tensor> inputs,
                          GradcheckOptions options, std::source_location loc) {
  check_inputs(inputs, "gradcheck", loc);
  EnableGrad on;
  const std::vector<Tensor> fresh = fresh_inputs(inputs);
  const std::vector<Tensor> outputs = fn(fresh);
  bool any_output = false;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (!fresh[i].requires_grad() || fresh[i].numel() == 0) continue;
    const std::vector<Values> numeric = numeric_jacobians(fn, fresh, i, options.eps);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].requires_grad()) continue;
      any_output = true;
      const Place place{k, i, outputs[k].shape(), fresh[i].shape()};
      const Values analytic = analytic_jacobian(outputs, k, fresh[i]);
      std::string report = compare(analytic, numeric[k], place, options);
      if (report.empty())
        report = compare_bits(analytic, analytic_jacobian(outputs, k, fresh[i]), place);
      if (!report.empty()) return {false, std::move(report)};
    }
  }
  for (const Tensor& out : outputs) any_output |= out.requires_grad();
  if (!any_output)
    return {false, "[gradcheck] no output depends on an input that requires a gradient"};
  return {};
}

GradcheckResult gradgradcheck(const Function& fn, std::span<const Tensor> inputs,
                              GradcheckOptions options, std::source_location loc) {
  check_inputs(inputs, "gradgradcheck", loc);
  EnableGrad on;
  std::vector<std::size_t> wanted;  // inputs
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].requires_grad()) wanted.push_back(i);

  // The gradients of the outputs join the arguments.
  std::vector<Tensor> arguments(inputs.begin(), inputs.end());
  std::vector<std::size_t> differentiable;  // outputs
  const std::vector<Tensor> outputs = fn(fresh_inputs(inputs));
  std::uint64_t state = 1;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k].requires_grad()) continue;
    differentiable.push_back(k);
    Values g(static_cast<std::size_t>(outputs[k].numel()));
    for (double& v : g) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      v = static_cast<double>(state >> 11) * 0x1p-52 - 1;
    }
    arguments.push_back(
        tensor(g, outputs[k].shape(), {outputs[k].dtype(), outputs[k].device(), true}));
  }
  if (differentiable.empty())
    return {false, "[gradgradcheck] no output depends on an input that requires a gradient"};

  const std::size_t n = inputs.size();
  const Function gradient = [&](std::span<const Tensor> all) {
    // The differences are taken under NoGrad; the inner gradient is recorded all the same.
    EnableGrad inner;
    std::vector<Tensor> x(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    for (std::size_t i : wanted)
      if (!x[i].requires_grad()) x[i].set_requires_grad();
    const std::vector<Tensor> out = fn(x);
    std::vector<Tensor> chosen, at;
    for (std::size_t k : differentiable) chosen.push_back(out[k]);
    for (std::size_t i : wanted) at.push_back(x[i]);
    std::vector<Tensor> result =
        grad(chosen, at, {.create_graph = true, .allow_unused = true}, all.subspan(n));
    for (std::size_t i = 0; i < result.size(); ++i)
      if (!result[i].defined()) result[i] = zeros_like(at[i]);
    return result;
  };
  GradcheckResult result = gradcheck(gradient, arguments, options, loc);
  if (!result.passed)
    result.report +=
        " (of the gradient: outputs are the gradients of the inputs "
        "that require one; the last inputs are those of the outputs)";
  return result;
}

}  // namespace catena
