// The attributes of an op as values: what is printed, compared, saved, exported and parsed.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "catena/graph/dtype.hpp"
#include "catena/graph/shape.hpp"

namespace catena {

using AttrValue = std::variant<std::int64_t, double, bool, std::string, DType,
                               std::vector<std::int64_t>, std::vector<double>>;

struct NamedAttr {
  std::string name;
  AttrValue value;
  friend bool operator==(const NamedAttr&, const NamedAttr&) = default;
};
using AttrList = std::vector<NamedAttr>;

// "int", "float", "bool", "string", "dtype", "ints", "floats".
const char* attr_type_name(const AttrValue& value);
// "-1", "true", "[1, 2]", "\"sum\"", "float32".
std::string to_string(const AttrValue& value);

namespace detail {

// How a member of an op struct becomes an AttrValue and comes back.
inline AttrValue to_attr(std::int64_t v) { return v; }
inline AttrValue to_attr(int v) { return static_cast<std::int64_t>(v); }
inline AttrValue to_attr(double v) { return v; }
inline AttrValue to_attr(float v) { return static_cast<double>(v); }
inline AttrValue to_attr(bool v) { return v; }
inline AttrValue to_attr(const std::string& v) { return v; }
inline AttrValue to_attr(DType v) { return v; }
inline AttrValue to_attr(const Shape& v) { return std::vector<std::int64_t>(v.begin(), v.end()); }
inline AttrValue to_attr(const std::vector<std::int64_t>& v) { return v; }
inline AttrValue to_attr(const std::vector<double>& v) { return v; }

// Throw ArgumentError when the value is of another type than the attribute; integers become reals
// and an empty list becomes either kind of list.
void from_attr(const AttrValue& value, const char* name, std::int64_t* out);
void from_attr(const AttrValue& value, const char* name, int* out);
void from_attr(const AttrValue& value, const char* name, double* out);
void from_attr(const AttrValue& value, const char* name, float* out);
void from_attr(const AttrValue& value, const char* name, bool* out);
void from_attr(const AttrValue& value, const char* name, std::string* out);
void from_attr(const AttrValue& value, const char* name, DType* out);
void from_attr(const AttrValue& value, const char* name, Shape* out);
void from_attr(const AttrValue& value, const char* name, std::vector<std::int64_t>* out);
void from_attr(const AttrValue& value, const char* name, std::vector<double>* out);

}  // namespace detail
}  // namespace catena
