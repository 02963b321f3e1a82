#include "attributes.hpp"

#include <charconv>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command.hpp"

namespace catena::tool {
namespace {

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

template <class T>
bool parse_number(std::string_view text, T* out) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *out);
  return !text.empty() && error == std::errc() && at == end;
}

bool parse_bool(std::string_view text, bool* out) {
  if (text != "true" && text != "false" && text != "1" && text != "0") return false;
  *out = text == "true" || text == "1";
  return true;
}

template <class T>
bool parse_list(std::string_view text, std::vector<T>* out) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
    text = trimmed(text.substr(1, text.size() - 2));
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    T value{};
    if (!parse_number(text.substr(0, comma), &value)) return false;
    out->push_back(value);
    if (comma == std::string_view::npos) break;
    text = text.substr(comma + 1);
  }
  return true;
}

// Reads `text` as a value of the kind that `kind` holds.
struct Reader {
  std::string_view text;
  AttrValue* out;
  bool operator()(std::int64_t v) const { return parse_number(text, &v) && store(v); }
  bool operator()(double v) const { return parse_number(text, &v) && store(v); }
  bool operator()(bool v) const { return parse_bool(text, &v) && store(v); }
  bool operator()(const std::string&) const { return store(std::string(text)); }
  bool operator()(DType) const { return store(dtype_from_name(text)); }
  bool operator()(const std::vector<std::int64_t>&) const {
    std::vector<std::int64_t> v;
    return parse_list(text, &v) && store(std::move(v));
  }
  bool operator()(const std::vector<double>&) const {
    std::vector<double> v;
    return parse_list(text, &v) && store(std::move(v));
  }
  template <class T>
  bool store(T value) const {
    *out = std::move(value);
    return true;
  }
};

}  // namespace

void set_attribute(OpValue* op, std::string_view argument) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos)
    throw UsageError(fmt::format("--attr {}: expected name=value", argument));
  const std::string_view name = argument.substr(0, equals);
  std::vector<std::string> known;
  for (const AttrInfo& attr : op->info().attrs) {
    known.emplace_back(attr.name);
    if (name != attr.name) continue;
    AttrValue value;
    if (!std::visit(Reader{trimmed(argument.substr(equals + 1)), &value}, attr.default_value))
      throw UsageError(fmt::format("--attr {}: expected a value of type {}", argument,
                                   attr_type_name(attr.default_value)));
    op->set(name, value);
    return;
  }
  throw UsageError(fmt::format("--attr {}: {} has no attribute '{}'; it has: {}", argument,
                               op->info().name, name,
                               known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))));
}

}  // namespace catena::tool
