#include "catena/serialization/onnx/import/operators.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace catena::onnx {

std::span<const Operator> all_operators() {
  static const std::vector<Operator> all = [] {
    std::vector<Operator> rows;
    for (const auto family :
         {pointwise_operators, activation_operators, linear_algebra_operators,
          convolution_operators, pooling_operators, normalization_operators, reduction_operators,
          shape_operators, index_operators, creation_operators, resize_operators, loss_operators,
          quantize_operators, recurrent_operators, sampling_operators, control_flow_operators,
          attention_operators})
      for (const Operator& row : family()) rows.push_back(row);
    std::sort(rows.begin(), rows.end(), [](const Operator& a, const Operator& b) {
      const int order = std::strcmp(a.name, b.name);
      return order != 0 ? order < 0 : a.since < b.since;
    });
    return rows;
  }();
  return all;
}

const Operator* find_operator(std::string_view name, int opset) {
  const Operator* found = nullptr;
  if (opset > kNewestOpset) return found;
  for (const Operator& row : all_operators())
    if (name == row.name && row.since <= opset) found = &row;
  return found;
}

std::string why_unsupported(const std::string& name, int opset) {
  const Operator *first = nullptr, *changed = nullptr;
  for (const Operator& row : all_operators()) {
    if (name != row.name) continue;
    if (!first) first = &row;
    if (!row.run && row.since <= opset) changed = &row;
  }
  if (!first) return name;
  if (opset > kNewestOpset)
    return fmt::format("{} (opset {}; known up to {})", name, opset, kNewestOpset);
  if (opset < first->since)
    return fmt::format("{} (opset {}; known from {})", name, opset, first->since);
  if (changed) return fmt::format("{} (opset {}; changed in {})", name, opset, changed->since);
  return name;
}

}  // namespace catena::onnx
