#include "catena/graph/anomaly.hpp"

#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace catena::detail {

void check_finite(TensorImpl* t, const OpInfo& op, const std::source_location& location,
                  bool in_backward) {
  if (!is_floating(t->dtype)) return;
  std::vector<double> values(static_cast<std::size_t>(t->numel));
  copy_out(Tensor::share(t), kFloat64, values.data(), location);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw ArgumentError(fmt::format(
        "[{}] anomaly in the {} pass: element {} of a {} {} result is {}; expected finite numbers; "
        "look at the inputs of this call{}",
        op.name, in_backward ? "backward" : "forward", i, name_of(t->dtype), to_string(t->shape),
        std::isnan(values[i]) ? "NaN" : "infinite", called_at(location)));
  }
}

}  // namespace catena::detail
