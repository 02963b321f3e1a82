#include "catena/graph/transforms.hpp"

#include <fmt/format.h>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/stand_in.hpp"
#include "catena/graph/walk.hpp"

namespace catena {
namespace {

std::vector<Tensor> stand_ins(const char* transform, std::span<const Tensor> inputs,
                              bool create_graph, const std::source_location& loc) {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& t = inputs[i];
    if (!t.defined() || !is_differentiable(t.dtype()))
      throw_argument(transform,
                     fmt::format("input {} is {}; expected a floating tensor", i,
                                 t.defined() ? name_of(t.dtype()) : "undefined"),
                     loc);
    result.push_back(detail::stand_in(t, true, create_graph, loc));
  }
  return result;
}

void check_directions(const char* transform, const char* what, std::span<const Tensor> inputs,
                      std::span<const Tensor> directions, const std::source_location& loc) {
  if (inputs.size() != directions.size())
    throw_argument(transform,
                   fmt::format("{} {}s for {} inputs; expected one each", directions.size(), what,
                               inputs.size()),
                   loc);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!directions[i].defined() || !(directions[i].shape() == inputs[i].shape()) ||
        directions[i].dtype() != inputs[i].dtype())
      throw_argument(
          transform,
          fmt::format("{} {} is {}; expected {} {} like its input", what, i,
                      directions[i].defined() ? fmt::format("{} {}", name_of(directions[i].dtype()),
                                                            to_string(directions[i].shape()))
                                              : "undefined",
                      name_of(inputs[i].dtype()), to_string(inputs[i].shape())),
          loc);
}

Tensor only_output(const char* transform, const std::vector<Tensor>& outputs,
                   const std::source_location& loc) {
  if (outputs.size() != 1 || !outputs[0].defined() || outputs[0].numel() != 1)
    throw_argument(transform,
                   fmt::format("the function returned {}; expected one tensor of one element; "
                               "reduce it with sum() or mean()",
                               outputs.size() == 1 && outputs[0].defined()
                                   ? "a tensor of shape " + to_string(outputs[0].shape())
                                   : fmt::format("{} tensors", outputs.size())),
                   loc);
  return outputs[0];
}

void zeros_for_undefined(std::vector<Tensor>& gradients, std::span<const Tensor> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!gradients[i].defined()) gradients[i] = zeros_like(inputs[i]);
}

// Gradients in `inputs` of what may not depend on them at all.
std::vector<Tensor> grad_or_zeros(const Tensor& output, std::span<const Tensor> inputs,
                                  GradOptions options, const Tensor& direction,
                                  const std::source_location& loc) {
  options.allow_unused = true;
  std::vector<Tensor> gradients(inputs.size());
  if (output.requires_grad())
    gradients = grad(std::span(&output, 1), inputs, options, std::span(&direction, 1), loc);
  zeros_for_undefined(gradients, inputs);
  return gradients;
}

// <gradient of y from `start`, directions>, recorded; undefined where y does not depend on the
// inputs.
Tensor gradient_along(const Tensor& y, const Tensor& start, std::span<const Tensor> inputs,
                      std::span<const Tensor> directions, const std::source_location& loc) {
  const detail::ProfileScope scope("grad", loc);
  detail::Walk walk({.create_graph = true}, loc);
  walk.project({&y, 1}, inputs, directions);
  walk.start(y.impl(), start);
  walk.run();
  return walk.projection();
}

// Rows d y_k / d inputs for the elements k of y, each stacked to [y sizes.., input sizes..].
std::vector<Tensor> jacobian_of(const Tensor& y, std::span<const Tensor> inputs, bool create_graph,
                                const std::source_location& loc) {
  std::vector<Tensor> result;
  for (const Tensor& x : inputs) {
    if (y.rank() + x.rank() > kMaxRank)
      throw_argument(
          "jacobian",
          fmt::format("an output of shape {} and an input of shape {} give {} "
                      "dimensions; expected at most {}; flatten() them",
                      to_string(y.shape()), to_string(x.shape()), y.rank() + x.rank(), kMaxRank),
          loc);
    Shape shape = y.shape();
    for (const std::int64_t size : x.shape()) shape.push_back(size);
    result.push_back(zeros(shape, {x.dtype(), x.device()}));
  }
  // With a graph the rows must stay on the tape, so they are joined by an op; else they are written
  // into place.
  std::vector<std::vector<Tensor>> rows(inputs.size());
  for (std::int64_t k = 0; k < y.numel(); ++k) {
    Tensor one = zeros({y.numel()}, {y.dtype(), y.device()});
    one[k].fill_(1);
    const std::vector<Tensor> gradients =
        grad_or_zeros(y, inputs, {.retain_graph = true, .create_graph = create_graph},
                      one.reshape(y.shape(), loc), loc);
    for (std::size_t j = 0; j < inputs.size(); ++j) {
      if (create_graph) {
        rows[j].push_back(gradients[j].reshape({1, inputs[j].numel()}, loc));
      } else {
        result[j].reshape({y.numel(), inputs[j].numel()}, loc)[k].copy_(
            gradients[j].reshape({inputs[j].numel()}, loc));
      }
    }
  }
  if (create_graph && y.numel() > 0)
    for (std::size_t j = 0; j < inputs.size(); ++j)
      result[j] = call("concat", rows[j], {{"dim", std::int64_t{0}}}, loc)[0].reshape(
          result[j].shape(), loc);
  return result;
}

Function of_one(const std::function<Tensor(const Tensor&)>& fn) {
  return [&fn](std::span<const Tensor> in) { return std::vector<Tensor>{fn(in[0])}; };
}

}  // namespace

JvpResult jvp(const Function& fn, std::span<const Tensor> inputs, std::span<const Tensor> tangents,
              std::source_location loc) {
  EnableGrad on;
  const std::vector<Tensor> fresh = stand_ins("jvp", inputs, false, loc);
  check_directions("jvp", "tangent", inputs, tangents, loc);
  const std::vector<Tensor> outputs = fn(fresh);
  JvpResult result;
  for (const Tensor& y : outputs) {
    if (!y.defined()) throw_argument("jvp", "the function returned an undefined tensor", loc);
    result.outputs.push_back(y.detach());
    result.tangents.push_back(zeros_like(y));
    if (!y.requires_grad()) continue;
    // The vjp is linear in the cotangent u: its derivative in u along the tangents is J tangents.
    Tensor u = zeros_like(y);
    u.set_requires_grad(true, loc);
    const Tensor along = gradient_along(y, u, fresh, tangents, loc);
    if (!along.defined() || !along.requires_grad()) continue;
    const Tensor product = grad(std::span(&along, 1), std::span(&u, 1),
                                {.retain_graph = true, .allow_unused = true}, {}, loc)[0];
    if (product.defined()) result.tangents.back() = product;
  }
  return result;
}

std::vector<std::vector<Tensor>> jacobian(const Function& fn, std::span<const Tensor> inputs,
                                          TransformOptions options, std::source_location loc) {
  EnableGrad on;
  const std::vector<Tensor> fresh = stand_ins("jacobian", inputs, options.create_graph, loc);
  std::vector<std::vector<Tensor>> result;
  for (const Tensor& y : fn(fresh)) {
    if (!y.defined()) throw_argument("jacobian", "the function returned an undefined tensor", loc);
    result.push_back(jacobian_of(y, fresh, options.create_graph, loc));
  }
  return result;
}

Tensor jacobian(const std::function<Tensor(const Tensor&)>& fn, const Tensor& input,
                TransformOptions options, std::source_location loc) {
  return jacobian(of_one(fn), std::span(&input, 1), options, loc)[0][0];
}

std::vector<std::vector<Tensor>> hessian(const Function& fn, std::span<const Tensor> inputs,
                                         TransformOptions options, std::source_location loc) {
  EnableGrad on;
  const std::vector<Tensor> fresh = stand_ins("hessian", inputs, options.create_graph, loc);
  const Tensor y = only_output("hessian", fn(fresh), loc);
  const std::vector<Tensor> gradients =
      grad_or_zeros(y, fresh, {.create_graph = true}, ones_like(y), loc);
  std::vector<std::vector<Tensor>> result;
  for (const Tensor& g : gradients)
    result.push_back(jacobian_of(g, fresh, options.create_graph, loc));
  return result;
}

Tensor hessian(const std::function<Tensor(const Tensor&)>& fn, const Tensor& input,
               TransformOptions options, std::source_location loc) {
  return hessian(of_one(fn), std::span(&input, 1), options, loc)[0][0];
}

HvpResult hvp(const Function& fn, std::span<const Tensor> inputs, std::span<const Tensor> vectors,
              std::source_location loc) {
  EnableGrad on;
  const std::vector<Tensor> fresh = stand_ins("hvp", inputs, false, loc);
  check_directions("hvp", "vector", inputs, vectors, loc);
  const Tensor y = only_output("hvp", fn(fresh), loc);
  HvpResult result{y.detach(), std::vector<Tensor>(fresh.size())};
  Tensor along;
  if (y.requires_grad()) along = gradient_along(y, ones_like(y), fresh, vectors, loc);
  if (along.defined() && along.requires_grad())
    result.products = grad(along, fresh, {.allow_unused = true}, loc);
  zeros_for_undefined(result.products, fresh);
  return result;
}

}  // namespace catena
