#include "catena/graph/state.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/view.hpp"

namespace catena {

void State::add_part(std::string_view prefix, const State& other) {
  for (const auto& [name, tensor] : other.tensors) add(fmt::format("{}.{}", prefix, name), tensor);
  for (const NamedAttr& v : other.values) add_value(fmt::format("{}.{}", prefix, v.name), v.value);
}

State State::part(std::string_view prefix) const {
  const std::string start = fmt::format("{}.", prefix);
  State out;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(start)) out.add(name.substr(start.size()), tensor);
  for (const NamedAttr& v : values)
    if (v.name.starts_with(start)) out.add_value(v.name.substr(start.size()), v.value);
  return out;
}

const Tensor* State::find_tensor(std::string_view name) const {
  for (const auto& [n, tensor] : tensors)
    if (n == name) return &tensor;
  return nullptr;
}

const AttrValue* State::find_value(std::string_view name) const {
  for (const NamedAttr& v : values)
    if (v.name == name) return &v.value;
  return nullptr;
}

const AttrValue& State::at(std::string_view name, const std::source_location& loc) const {
  if (const AttrValue* value = find_value(name)) return *value;
  throw_argument("state", fmt::format("there is no value '{}'", name), loc);
}

void State::wrong_type(std::string_view name, const AttrValue& value, const char* expected,
                       const std::source_location& loc) {
  throw_argument("state",
                 fmt::format("'{}' is {} ({}); expected {}", name, to_string(value),
                             attr_type_name(value), expected),
                 loc);
}

State State::clone() const {
  NoGrad no_grad;
  State out;
  std::unordered_map<const void*, std::vector<std::size_t>> at_address;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const auto& [name, tensor] = tensors[k];
    detail::ensure_ready(tensor.impl());
    auto& there = at_address[detail::view_of(tensor.impl()).data];
    const auto same = std::find_if(there.begin(), there.end(), [&, &tensor = tensor](auto other) {
      const Tensor& t = tensors[other].second;
      return t.shape() == tensor.shape() && t.strides() == tensor.strides() &&
             t.dtype() == tensor.dtype();
    });
    if (same != there.end()) {
      out.add(name, out.tensors[*same].second);
      continue;
    }
    there.push_back(k);
    Tensor copy = tensor.detach().clone();
    if (tensor.is_leaf() && tensor.requires_grad()) copy.set_requires_grad();
    out.add(name, std::move(copy));
  }
  out.values = values;
  return out;
}

}  // namespace catena
