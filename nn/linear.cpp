#include "catena/nn/linear.hpp"

#include <fmt/format.h>

#include <cmath>

#include "catena/graph/error.hpp"
#include "catena/nn/init.hpp"
#include "catena/nn/module_state.hpp"
#include "catena/nn/packed_weights.hpp"
#include "catena/ops/linear_packed.hpp"
#include "catena/ops/matmul.hpp"

namespace catena::nn {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, bool bias, Location loc)
    : in_(in_features), out_(out_features) {
  if (in_ <= 0 || out_ <= 0)
    throw_argument("linear",
                   fmt::format("Linear({}, {}): sizes must be positive", in_features, out_features),
                   loc);
  // kaiming_uniform_ with a = sqrt(5) has this bound too.
  const double bound = 1 / std::sqrt(static_cast<double>(in_));
  weight_ = register_parameter("weight", init::uniform_(empty({out_, in_}), -bound, bound));
  if (bias) bias_ = register_parameter("bias", init::uniform_(empty({out_}), -bound, bound));
  shared_state()->packed_weight.emplace();
  set_description(fmt::format("in_features={}, out_features={}, bias={}", in_, out_, bias));
}

Tensor Linear::forward(Tensor x) {
  if (!x.defined() || x.rank() == 0 || x.shape().back() != in_)
    throw_argument(
        "linear",
        fmt::format("{}x is {}, but Linear({}, {}) takes [.., {}]; its weight is [{}, {}]", label(),
                    x.defined() ? catena::to_string(x.shape()) : "undefined", in_, out_, in_, out_,
                    in_),
        call_location());
  if (x.dtype() != weight_.dtype())
    throw_argument("linear",
                   fmt::format("{}x is {}, but the weight is {}; convert one with to()", label(),
                               name_of(x.dtype()), name_of(weight_.dtype())),
                   call_location());
  if (const Tensor packed = detail::packed_weight(*shared_state(), x, weight_); packed.defined())
    return linear_packed(std::move(x), packed, out_, bias_);
  return bias_.defined() ? linear(std::move(x), weight_, bias_) : linear(std::move(x), weight_);
}

}  // namespace catena::nn
