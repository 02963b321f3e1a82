#include "catena/train/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "catena/graph/error.hpp"
#include "catena/train/names.hpp"

namespace catena::train::detail {

namespace {

class Parser {
 public:
  Parser(std::string_view op, std::string_view text, const std::source_location& loc)
      : op_(op), text_(text), loc_(loc) {}

  Spec spec() {
    Spec out = item();
    if (!at_end()) fail("an end");
    return out;
  }
  // option=value, option=value, ... up to `close` (0: the end).
  void items(Spec& out, char close) {
    skip_space();
    while (close != 0 ? peek() != close : !at_end()) {
      const std::size_t start = at_;
      const std::string key = word();
      if (peek() == '=') {
        ++at_;
        const auto known = [&](const TextOption& o) { return o.first == key; };
        if (std::ranges::any_of(out.options, known))
          throw_argument(op_, fmt::format("option '{}' is given twice", key), loc_);
        out.options.emplace_back(key, value());
      } else if (close != 0) {
        at_ = start;
        out.parts.push_back(item());
      } else {
        fail("option=value");
      }
      if (peek() == ',') {
        ++at_;
        skip_space();
      } else if (close != 0 ? peek() != close : !at_end()) {
        fail("',' or an end");
      }
    }
  }

 private:
  Spec item() {
    if (++depth_ > 32) fail("fewer parentheses within each other");
    Spec out;
    out.name = word();
    if (peek() == '(') {
      ++at_;
      items(out, ')');
      ++at_;
      skip_space();
    }
    --depth_;
    return out;
  }
  std::string word() {
    skip_space();
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 ||
                                  text_[at_] == '_' || text_[at_] == '-'))
      ++at_;
    if (at_ == start) fail("a name");
    std::string out(text_.substr(start, at_ - start));
    skip_space();
    return out;
  }
  std::string value() {
    skip_space();
    const std::size_t start = at_;
    const bool list = peek() == '[';
    while (!at_end() && (list ? text_[at_] != ']' : text_[at_] != ',' && text_[at_] != ')')) ++at_;
    if (list) {
      if (at_end()) fail("']'");
      ++at_;
    }
    std::string_view out = text_.substr(start, at_ - start);
    while (!out.empty() && out.back() == ' ') out.remove_suffix(1);
    skip_space();
    if (out.empty()) fail("a value");
    return std::string(out);
  }
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  [[noreturn]] void fail(std::string_view expected) const {
    throw_argument(op_,
                   fmt::format("cannot read '{}' at character {}; expected {}, as in "
                               "\"name(option=value, ...)\"",
                               text_, at_ + 1, expected),
                   loc_);
  }

  std::string_view op_, text_;
  const std::source_location& loc_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

template <class T>
bool parse(std::string_view text, T* out) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *out);
  return !text.empty() && error == std::errc() && at == end;
}
bool parse(std::string_view text, bool* out) {
  *out = text == "true";
  return text == "true" || text == "false";
}
bool parse(std::string_view text, std::string* out) {
  *out = text;
  return true;
}
// "[1, 2]", or one number.
template <class T>
bool parse(std::string_view text, std::vector<T>* out) {
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  while (true) {
    const std::size_t comma = text.find(',');
    if (!parse(text.substr(0, comma), &out->emplace_back())) return false;
    if (comma == std::string_view::npos) return true;
    text = text.substr(comma + 1);
  }
}

struct Expected {
  const char* operator()(const double*) const { return "a number"; }
  const char* operator()(const std::int64_t*) const { return "an integer"; }
  const char* operator()(const bool*) const { return "true or false"; }
  const char* operator()(const std::string*) const { return "a word"; }
  const char* operator()(const std::vector<double>*) const { return "a number or [1.5, 2, ...]"; }
  const char* operator()(const std::vector<std::int64_t>*) const { return "[1, 2, ...]"; }
};

}  // namespace

Spec parse_spec(std::string_view op, std::string_view text, const std::source_location& loc) {
  return Parser(op, text, loc).spec();
}

std::vector<TextOption> parse_options(std::string_view op, std::string_view text,
                                      const std::source_location& loc) {
  Spec out;
  Parser(op, text, loc).items(out, 0);
  return std::move(out.options);
}

TextReader::TextReader(std::string_view op, std::span<const TextOption> options,
                       const std::source_location& loc)
    : op_(op), options_(options), loc_(loc) {}

void TextReader::visit_value(std::string_view name, optim::detail::Field field, bool /*optional*/) {
  shown_.emplace_back(name);
  for (const auto& [key, text] : options_) {
    if (key != name) continue;
    std::visit(
        [&]<class T>(T* v) {
          T read{};
          if (!parse(text, &read))
            throw_argument(
                op_, fmt::format("option '{}' is '{}'; expected {}", key, text, Expected()(v)),
                loc_);
          *v = std::move(read);
        },
        field);
  }
}

void TextReader::finish() const {
  for (const auto& [key, text] : options_)
    if (std::ranges::find(shown_, key) == shown_.end())
      throw_unknown_name(op_, "option", key, shown_, loc_);
}

}  // namespace catena::train::detail
