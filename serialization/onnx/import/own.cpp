#include "catena/serialization/onnx/import/own.hpp"

#include <variant>

#include <fmt/format.h>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/registry.hpp"

namespace catena::onnx {
namespace {

constexpr std::string_view kPrefix = "catena.";

std::string_view own_name(std::string_view type) {
  return type.starts_with(kPrefix) ? type.substr(kPrefix.size()) : std::string_view();
}

// What an attribute of the op's type is written as: reals are tensors of float64.
AttrValue read_as(Call& c, const std::string& name, const AttrValue& like) {
  const auto reals = [&] { return c.tensor_attribute(name).to_vector<double>(); };
  struct Reader {
    Call& c;
    const std::string& name;
    const decltype(reals)& numbers;
    AttrValue operator()(std::int64_t) const { return c.required_integer(name); }
    AttrValue operator()(bool) const { return c.required_integer(name) != 0; }
    AttrValue operator()(const std::string&) const { return c.attribute(name, ""); }
    AttrValue operator()(DType like) const { return c.dtype_attribute(name, like); }
    AttrValue operator()(const std::vector<std::int64_t>&) const {
      return c.integers(name).value_or(std::vector<std::int64_t>{});
    }
    AttrValue operator()(double) const {
      const std::vector<double> v = numbers();
      if (v.size() != 1) c.fail(fmt::format("attribute '{}' has {} values", name, v.size()));
      return v[0];
    }
    AttrValue operator()(const std::vector<double>&) const { return numbers(); }
  };
  return std::visit(Reader{c, name, reals}, like);
}

Values registered(Call& c) {
  const OpInfo& info = get_op(own_name(c.node().type));
  const std::int64_t version = c.attribute("op_version", std::int64_t{info.version});
  if (version != info.version)
    c.unsupported(
        fmt::format("version {} of the op; this process has version {}", version, info.version));
  OpValue op(info);
  for (const NamedAttr& a : op.attr_list())
    if (c.has_attribute(a.name)) op.set(a.name, read_as(c, a.name, a.value));
  Values inputs;
  for (int i = 0; i < c.count(); ++i) inputs.push_back(c.in(i));
  return catena::call(op, inputs);
}

}  // namespace

const Operator* find_own_operator(std::string_view type) {
  static constexpr Operator kPure{"catena", 1, registered, Types::kAny};
  static constexpr Operator kRandom{"catena", 1, registered, Types::kAny, 0, 0, true};
  const OpInfo* info = find_op(own_name(type));
  return !info ? nullptr : info->random ? &kRandom : &kPure;
}

}  // namespace catena::onnx
