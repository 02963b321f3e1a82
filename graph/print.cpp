// Tensors as text, laid out as NumPy prints arrays.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/deferral.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"

namespace catena {
namespace {

// NumPy's defaults.
constexpr int kPrecision = 8;
constexpr std::int64_t kThreshold = 1000;  // elements, above which only the edges are shown
constexpr std::int64_t kEdge = 3;
constexpr int kLineWidth = 75;

// --- Which elements ---

// The entries shown of a dimension: all, or the first and last kEdge.
struct Shown {
  bool summary = false;
  std::int64_t leading(std::int64_t size) const { return cut(size) ? kEdge : 0; }
  std::int64_t trailing(std::int64_t size) const { return cut(size) ? kEdge : size; }
  bool cut(std::int64_t size) const { return summary && size > 2 * kEdge; }
};

// Calls f(position in elements) for each element shown, in row-major order.
template <class F>
void for_each_shown(const Shape& shape, const Shape& strides, Shown shown, int dim,
                    std::int64_t offset, const F& f) {
  if (dim == shape.rank()) return f(offset);
  const std::int64_t size = shape[dim];
  for (std::int64_t i = 0; i < shown.leading(size); ++i)
    for_each_shown(shape, strides, shown, dim + 1, offset + i * strides[dim], f);
  for (std::int64_t i = size - shown.trailing(size); i < size; ++i)
    for_each_shown(shape, strides, shown, dim + 1, offset + i * strides[dim], f);
}

// --- One element as text, all of one width ---

template <class... Args>
std::string chars(Args... args) {
  char buffer[512];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, args...);
  return error == std::errc{} ? std::string(buffer, end) : std::string("?");
}

// The digits that tell x from its neighbours, but at most kPrecision after the point, without
// trailing zeros: "1.", "-0.25", "1.5e-07" in scientific notation.
template <class T>
std::string digits(T x, std::chars_format format) {
  std::string s = chars(x, format);
  std::string exponent;
  const auto split = [&] {
    const std::size_t e = s.find('e');
    exponent = e == std::string::npos ? "" : s.substr(e);
    s.resize(std::min(s.size(), e));
  };
  split();
  const std::size_t point = s.find('.');
  if (point != std::string::npos && s.size() - point - 1 > kPrecision) {
    s = chars(x, format, kPrecision);
    split();
  }
  if (s.find('.') == std::string::npos) s += '.';
  while (s.back() == '0') s.pop_back();
  return s + exponent;
}

struct Parts {
  std::string whole, fraction, exponent;  // "-1", "25", "e-07"
};
Parts split(const std::string& s) {
  const std::size_t point = s.find('.'), e = std::min(s.find('e'), s.size());
  return {s.substr(0, point), s.substr(point + 1, e - point - 1), s.substr(e)};
}

std::string padded(const std::string& s, std::size_t width) {
  return std::string(width > s.size() ? width - s.size() : 0, ' ') + s;
}

template <class T>
std::vector<std::string> real_words(const std::vector<T>& values) {
  T largest = 0, smallest = 0;
  bool special = false, negative_infinity = false;
  for (const T x : values) {
    if (!std::isfinite(x)) {
      special = true;
      negative_infinity |= std::isinf(x) && x < 0;
      continue;
    }
    const T a = std::abs(x);
    if (a == 0) continue;
    largest = std::max(largest, a);
    smallest = smallest == 0 ? a : std::min(smallest, a);
  }
  const bool scientific =
      largest != 0 && (largest >= T(1e8) || smallest < T(0.0001) || largest / smallest > T(1000));
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;

  std::size_t left = 0, right = 0, exponent = 0;
  std::vector<Parts> parts(values.size());
  bool any = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    any = true;
    parts[i] = split(digits(values[i], format));
    left = std::max(left, parts[i].whole.size());
    right = std::max(right, parts[i].fraction.size());
    exponent = std::max(exponent, parts[i].exponent.size());
  }
  // The width behind the point; without finite values there is no point.
  const std::size_t behind = any ? right + exponent + 1 : 1;
  if (special) {
    const std::size_t width = negative_infinity ? 4 : 3;
    left = std::max(left, width > behind ? width - behind : 0);
  }

  std::vector<std::string> words;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T x = values[i];
    if (std::isnan(x)) {
      words.push_back(padded("nan", left + behind));
    } else if (std::isinf(x)) {
      words.push_back(padded(x < 0 ? "-inf" : "inf", left + behind));
    } else {
      Parts& p = parts[i];
      // Scientific numbers are filled with zeros, plain ones with spaces behind.
      p.fraction.resize(right, scientific ? '0' : ' ');
      if (p.exponent.size() < exponent) p.exponent.insert(2, exponent - p.exponent.size(), '0');
      words.push_back(padded(p.whole, left) + '.' + p.fraction + p.exponent);
    }
  }
  return words;
}

// The shortest decimal that a 16-bit float is nearest to, as a double that prints the same.
template <class Small>
double shortest(Small x) {
  const float value = static_cast<float>(x);
  if (!std::isfinite(value)) return value;
  for (int precision = 0; precision < 8; ++precision) {
    const double candidate =
        std::strtod(chars(value, std::chars_format::scientific, precision).c_str(), nullptr);
    if (Small(static_cast<float>(candidate)) == x) return candidate;
  }
  return value;
}

template <class T>
std::vector<std::string> words_of(const std::vector<T>& values) {
  std::vector<std::string> words;
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    return real_words(values);
  } else if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    std::vector<double> reals;
    for (const T x : values) reals.push_back(shortest(x));
    return real_words(reals);
  } else {
    std::size_t width = 0;
    for (const T x : values) {
      words.push_back(chars(x));
      width = std::max(width, words.back().size());
    }
    for (std::string& w : words) w = padded(w, width);
  }
  return words;
}

std::vector<std::string> collect(const Tensor& t, Shown shown) {
  const auto* bytes = static_cast<const char*>(detail::data_of(t.impl()));
  return visit_dtype(t.dtype(), [&]<class T>(T) -> std::vector<std::string> {
    // A byte of a bool need not be 0 or 1 to be true.
    using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
    std::vector<Stored> values;
    for_each_shown(t.shape(), t.strides(), shown, 0, 0, [&](std::int64_t position) {
      Stored v;
      std::memcpy(&v, bytes + position * static_cast<std::int64_t>(sizeof v), sizeof v);
      values.push_back(v);
    });
    if constexpr (std::is_same_v<T, bool>) {
      std::vector<std::string> words;
      for (const std::uint8_t v : values)
        words.push_back(v ? (t.rank() ? " True" : "True") : "False");
      return words;
    } else {
      return words_of(values);
    }
  });
}

// --- The layout ---

class Layout {
 public:
  Layout(const Shape& shape, Shown shown, std::vector<std::string> words)
      : shape_(shape), shown_(shown), words_(std::move(words)) {}

  std::string text() { return block(0, " ", kLineWidth); }

 private:
  std::string word() { return words_[next_++]; }

  // Adds `word` to `line`, first moving on to a new line when it would not fit.
  static void extend(std::string& done, std::string& line, const std::string& word, int width,
                     const std::string& indent) {
    if (static_cast<int>(line.size() + word.size()) > width && line.size() > indent.size()) {
      while (!line.empty() && line.back() == ' ') line.pop_back();
      done += line + "\n";
      line = indent;
    }
    line += word;
  }

  // Dimension `dim` at the current position, in brackets.
  std::string block(int dim, const std::string& indent, int width) {
    if (dim == shape_.rank()) return word();
    const std::int64_t size = shape_[dim];
    const std::int64_t leading = shown_.leading(size), trailing = shown_.trailing(size);
    std::string s;
    if (dim == shape_.rank() - 1) {
      std::string line = indent;
      for (std::int64_t i = 0; i < leading; ++i) {
        extend(s, line, word(), width - 1, indent);
        line += ", ";
      }
      if (leading) {
        extend(s, line, "...", width - 1, indent);
        line += ", ";
      }
      for (std::int64_t i = 0; i < trailing; ++i) {
        extend(s, line, word(), width - 1, indent);
        if (i + 1 < trailing) line += ", ";
      }
      s += line;
    } else {
      const std::string gap =
          "," + std::string(static_cast<std::size_t>(shape_.rank() - dim - 1), '\n');
      for (std::int64_t i = 0; i < leading; ++i)
        s += indent + block(dim + 1, indent + " ", width - 1) + gap;
      if (leading) s += indent + "..." + gap;
      for (std::int64_t i = 0; i < trailing; ++i)
        s += indent + block(dim + 1, indent + " ", width - 1) + (i + 1 < trailing ? gap : "");
    }
    return "[" + s.substr(indent.size()) + "]";
  }

  const Shape& shape_;
  Shown shown_;
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

}  // namespace

std::string Tensor::to_string() const {
  if (!defined()) return "undefined";
  // Looking at a tensor is no part of a trace or of the tape.
  Tracer* const tracer = std::exchange(detail::thread_state.tracer, nullptr);
  struct Restore {
    Tracer* tracer;
    ~Restore() { detail::thread_state.tracer = tracer; }
  } const restore{tracer};

  std::string s;
  if (numel() == 0) {
    s = "[]";
    if (rank() != 1) s += ", shape=" + catena::to_string(shape());
  } else {
    const Tensor host = device().is_cpu() ? *this : adopt(detail::alias_of(impl_)).to(kCpu);
    detail::ensure_ready(host.impl());
    const Shown shown{numel() > kThreshold};
    s = Layout(shape(), shown, collect(host, shown)).text();
  }
  if (dtype() != kFloat32 && dtype() != kInt64 && dtype() != kBool)
    s += ", dtype=" + std::string(name_of(dtype()));
  if (!device().is_cpu()) s += ", device=" + catena::to_string(device());
  return s;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  return out << tensor.to_string();
}

}  // namespace catena
