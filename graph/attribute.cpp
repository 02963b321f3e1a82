#include "catena/graph/attribute.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena {

const char* attr_type_name(const AttrValue& value) {
  static constexpr const char* kNames[] = {"int",   "float", "bool",  "string",
                                           "dtype", "ints",  "floats"};
  return kNames[value.index()];
}

std::string to_string(const AttrValue& value) {
  struct Print {
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(const std::string& v) const { return fmt::format("\"{}\"", v); }
    std::string operator()(DType v) const { return std::string(name_of(v)); }
    std::string operator()(const std::vector<std::int64_t>& v) const {
      return fmt::format("[{}]", fmt::join(v, ", "));
    }
    std::string operator()(const std::vector<double>& v) const {
      return fmt::format("[{}]", fmt::join(v, ", "));
    }
  };
  return std::visit(Print{}, value);
}

namespace detail {
namespace {

[[noreturn]] void wrong_type(const AttrValue& value, const char* name, const char* expected) {
  throw ArgumentError(fmt::format("[attribute] '{}' is {} {}; expected {}", name,
                                  attr_type_name(value), to_string(value), expected));
}

std::int64_t integer(const AttrValue& value, const char* name) {
  if (const auto* v = std::get_if<std::int64_t>(&value)) return *v;
  wrong_type(value, name, "an int");
}

double real(const AttrValue& value, const char* name) {
  if (const auto* v = std::get_if<double>(&value)) return *v;
  if (const auto* v = std::get_if<std::int64_t>(&value)) return static_cast<double>(*v);
  wrong_type(value, name, "a float");
}

bool is_empty_list(const AttrValue& value) {
  if (const auto* v = std::get_if<std::vector<double>>(&value)) return v->empty();
  if (const auto* v = std::get_if<std::vector<std::int64_t>>(&value)) return v->empty();
  return false;
}

}  // namespace

void from_attr(const AttrValue& value, const char* name, std::int64_t* out) {
  *out = integer(value, name);
}
void from_attr(const AttrValue& value, const char* name, int* out) {
  const std::int64_t v = integer(value, name);
  if (v < INT32_MIN || v > INT32_MAX) wrong_type(value, name, "an int of 32 bits");
  *out = static_cast<int>(v);
}
void from_attr(const AttrValue& value, const char* name, double* out) { *out = real(value, name); }
void from_attr(const AttrValue& value, const char* name, float* out) {
  *out = static_cast<float>(real(value, name));
}
void from_attr(const AttrValue& value, const char* name, bool* out) {
  const auto* v = std::get_if<bool>(&value);
  if (!v) wrong_type(value, name, "a bool");
  *out = *v;
}
void from_attr(const AttrValue& value, const char* name, std::string* out) {
  const auto* v = std::get_if<std::string>(&value);
  if (!v) wrong_type(value, name, "a string");
  *out = *v;
}
void from_attr(const AttrValue& value, const char* name, DType* out) {
  const auto* v = std::get_if<DType>(&value);
  if (!v) wrong_type(value, name, "a dtype");
  *out = *v;
}
void from_attr(const AttrValue& value, const char* name, std::vector<std::int64_t>* out) {
  if (is_empty_list(value)) return out->clear();
  const auto* v = std::get_if<std::vector<std::int64_t>>(&value);
  if (!v) wrong_type(value, name, "a list of ints");
  *out = *v;
}
void from_attr(const AttrValue& value, const char* name, Shape* out) {
  std::vector<std::int64_t> list;
  from_attr(value, name, &list);
  if (list.size() > kMaxRank)
    wrong_type(value, name, fmt::format("at most {} ints", kMaxRank).c_str());
  *out = Shape(std::span<const std::int64_t>(list));
}
void from_attr(const AttrValue& value, const char* name, std::vector<double>* out) {
  if (is_empty_list(value)) return out->clear();
  if (const auto* v = std::get_if<std::vector<std::int64_t>>(&value)) {
    out->assign(v->begin(), v->end());
    return;
  }
  const auto* v = std::get_if<std::vector<double>>(&value);
  if (!v) wrong_type(value, name, "a list of floats");
  *out = *v;
}

}  // namespace detail
}  // namespace catena
