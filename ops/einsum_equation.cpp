#include "catena/ops/einsum_equation.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/ops/op_list.hpp"

namespace catena::detail {
namespace {

constexpr int kDots = -1;  // "..." before it is known how many dimensions it stands for

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A label and where it stands in the text.
struct Term {
  int label;
  std::size_t position;
};

class Parser {
 public:
  Parser(std::string_view text, const std::source_location& loc) : text_(text), loc_(loc) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw_argument(OpName<op::Einsum>::value, fmt::format("\"{}\": {}", text_, what), loc_);
  }
  // The term in words: letter 'j' at position 4.
  static std::string name(const Term& t) {
    return t.label == kDots
               ? fmt::format("\"...\" at position {}", t.position)
               : fmt::format("letter '{}' at position {}", static_cast<char>(t.label), t.position);
  }

  // The lists between commas up to "->" or the end, and the one behind it.
  void run() {
    inputs.emplace_back();
    std::vector<Term>* list = &inputs.back();
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == ' ') continue;
      if (is_letter(c)) {
        list->push_back({c, i});
      } else if (text_.substr(i, 3) == "...") {
        for (const Term& t : *list)
          if (t.label == kDots)
            fail(fmt::format("{} is the second one of its list; expected one at most",
                             name({kDots, i})));
        list->push_back({kDots, i});
        i += 2;
      } else if (c == ',' && !has_output) {
        list = &inputs.emplace_back();
      } else if (text_.substr(i, 2) == "->" && !has_output) {
        has_output = true;
        list = &output;
        ++i;
      } else {
        fail(
            fmt::format("'{}' at position {} is not understood; expected letters, \"...\", ',' "
                        "and one \"->\"",
                        c, i));
      }
    }
  }

  std::vector<std::vector<Term>> inputs;
  std::vector<Term> output;
  bool has_output = false;

 private:
  std::string_view text_;
  const std::source_location& loc_;
};

// `dims` labels, the last of which is the last one there is.
void append_dots(Labels& labels, int dims) {
  for (int i = 0; i < dims; ++i) labels.push_back(kNumLabels - dims + i);
}

}  // namespace

Equation parse_equation(std::string_view text, std::span<const Tensor> tensors,
                        const std::source_location& loc) {
  Parser p(text, loc);
  p.run();
  if (p.inputs.size() != tensors.size())
    p.fail(fmt::format("{} lists of letters for {} tensors; expected one for each", p.inputs.size(),
                       tensors.size()));

  Equation e;
  e.sizes.assign(kNumLabels, -1);
  std::vector<int> count(kNumLabels);
  std::vector<std::size_t> given_by(kNumLabels);
  int dots = 0;  // the most dimensions that a "..." stands for
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const Shape& shape = tensors[k].shape();
    const std::vector<Term>& terms = p.inputs[k];
    const bool has_dots =
        std::any_of(terms.begin(), terms.end(), [](const Term& t) { return t.label == kDots; });
    const int letters = static_cast<int>(terms.size()) - has_dots;
    if (has_dots ? letters > shape.rank() : letters != shape.rank())
      p.fail(fmt::format(
          "tensor {} has shape {} and {} letters; expected {}", k, to_string(shape), letters,
          has_dots ? "at most one per dimension" : "one per dimension, or \"...\" for the others"));
    Labels labels;
    for (const Term& t : terms) {
      if (t.label != kDots) {
        labels.push_back(t.label);
        continue;
      }
      dots = std::max(dots, shape.rank() - letters);
      append_dots(labels, shape.rank() - letters);
    }
    int d = 0;
    for (const int label : labels) {
      const std::int64_t size = shape[d++];
      const auto at = static_cast<std::size_t>(label);
      ++count[at];
      std::int64_t& known = e.sizes[at];
      // Twice in one tensor there is no broadcasting.
      const auto first = std::find(labels.begin(), labels.end(), label);
      const std::int64_t twin = shape[static_cast<int>(first - labels.begin())];
      const bool here = twin != size;
      if (here) {
        known = twin;
        given_by[at] = k;
      } else if (known < 0 || known == 1) {
        known = size;
        given_by[at] = k;
      }
      if (here || (size != known && size != 1)) {
        const std::string what =
            label < kFirstBroadcast
                ? fmt::format("letter '{}'", static_cast<char>(label))
                : fmt::format("dimension {} from the end under \"...\"", kNumLabels - label);
        p.fail(
            fmt::format("{} has size {} in tensor {} {} and {} in tensor {} {}; expected equal "
                        "sizes{}",
                        what, known, given_by[at], to_string(tensors[given_by[at]].shape()), size,
                        k, to_string(shape), here ? "" : ", or 1"));
      }
    }
    e.inputs.push_back(std::move(labels));
  }

  if (!p.has_output) {
    append_dots(e.output, dots);
    for (int label = 0; label < kFirstBroadcast; ++label)
      if (count[static_cast<std::size_t>(label)] == 1) e.output.push_back(label);
    return e;
  }
  unsigned char seen[kFirstBroadcast] = {};
  for (const Term& t : p.output) {
    if (t.label == kDots) {
      append_dots(e.output, dots);
      continue;
    }
    if (count[static_cast<std::size_t>(t.label)] == 0)
      p.fail(
          fmt::format("{} of the result is in no tensor; expected one of theirs", Parser::name(t)));
    if (seen[t.label]++)
      p.fail(fmt::format("{} comes twice in the result; expected once", Parser::name(t)));
    e.output.push_back(t.label);
  }
  return e;
}

}  // namespace catena::detail
