#include "catena/train/clip_grad.hpp"

#include <fmt/format.h>

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"

namespace catena::optim {

namespace {

std::vector<Tensor> gradients(const std::vector<Tensor>& params) {
  std::vector<Tensor> out;
  for (const Tensor& p : params)
    if (const Tensor g = p.grad(); g.defined()) out.push_back(g.detach());
  return out;
}

}  // namespace

double grad_norm(const std::vector<Tensor>& params, double norm_type, std::source_location loc) {
  if (std::isnan(norm_type))
    throw_argument("clip_grad_norm_", "norm_type is nan; expected a number or infinity", loc);
  NoGrad no_grad;
  std::vector<Tensor> norms;
  for (const Tensor& g : gradients(params)) {
    if (g.numel() == 0) continue;
    // Half precision would overflow in the squares.
    const Tensor wide = g.dtype() == kFloat64 ? g : g.to(kFloat32);
    const Tensor n = norm(wide, norm_type).to(kFloat64).reshape({1});
    norms.push_back(norms.empty() ? n : n.to(norms.front().device()));
  }
  return norms.empty() ? 0 : norm(concat(norms), norm_type).item();
}

double clip_grad_norm_(const std::vector<Tensor>& params, double max_norm, double norm_type,
                       bool error_if_nonfinite, std::source_location loc) {
  if (!(max_norm >= 0))
    throw_argument("clip_grad_norm_",
                   fmt::format("max_norm is {}; expected a number >= 0", max_norm), loc);
  const double total = grad_norm(params, norm_type, loc);
  if (error_if_nonfinite && !std::isfinite(total))
    throw_argument(
        "clip_grad_norm_",
        fmt::format("the norm of order {} of the gradients is {}; expected a finite one; "
                    "leave error_if_nonfinite off to clip all the same",
                    norm_type, total),
        loc);
  const double factor = max_norm / (total + 1e-6);
  if (factor >= 1) return total;
  NoGrad no_grad;
  for (Tensor& g : gradients(params)) g.mul_(factor, loc);
  return total;
}

void clip_grad_value_(const std::vector<Tensor>& params, double clip_value,
                      std::source_location loc) {
  if (!(clip_value >= 0))
    throw_argument("clip_grad_value_",
                   fmt::format("clip_value is {}; expected a number >= 0", clip_value), loc);
  NoGrad no_grad;
  for (Tensor& g : gradients(params)) g.copy_(clamp(g, -clip_value, clip_value), loc);
}

}  // namespace catena::optim
