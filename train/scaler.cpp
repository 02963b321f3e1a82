#include "catena/train/scaler.hpp"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"

namespace catena::train {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

DType float_dtype(DType dtype) { return dtype == kFloat32 ? kFloat32 : kFloat64; }

// Samples as rows of doubles.
struct Rows {
  std::size_t count = 0, width = 0;
  Shape features;
  std::vector<double> values;
  const double* operator[](std::size_t row) const { return values.data() + row * width; }
};

Rows rows_of(std::string_view op, const Tensor& x, const std::source_location& loc) {
  if (!x.defined() || x.rank() == 0 || x.numel() == 0)
    throw_argument(op,
                   fmt::format("x is {}; expected [samples, features...] with at least one sample",
                               x.defined() ? to_string(x.shape()) : "undefined"),
                   loc);
  Rows rows;
  rows.count = static_cast<std::size_t>(x.shape()[0]);
  rows.width = static_cast<std::size_t>(x.numel()) / rows.count;
  rows.features = x.shape();
  rows.features.erase(0);
  rows.values = x.to_vector<double>(loc);
  for (std::size_t i = 0; i < rows.values.size(); ++i)
    if (std::isinf(rows.values[i]))
      throw_argument(op,
                     fmt::format("sample {}, feature {} is {}; expected finite values or NaN",
                                 i / rows.width, i % rows.width, rows.values[i]),
                     loc);
  return rows;
}

// x as a floating tensor, checked against what was fitted.
Tensor checked(std::string_view op, const Tensor& x, const Tensor& fitted,
               const std::source_location& loc) {
  if (!fitted.defined()) throw_argument(op, "it has no statistics yet; call fit first", loc);
  bool fits = x.defined() && x.rank() >= fitted.rank();
  for (int d = 1; fits && d <= fitted.rank(); ++d)
    fits = x.shape()[x.rank() - d] == fitted.shape()[fitted.rank() - d];
  if (!fits)
    throw_argument(
        op,
        fmt::format("x is {}; expected [...] followed by {}, the features of fit",
                    x.defined() ? to_string(x.shape()) : "undefined", to_string(fitted.shape())),
        loc);
  return is_floating(x.dtype()) ? x : x.to(kFloat64);
}

Tensor like(const Tensor& statistic, const Tensor& x) {
  return statistic.to(x.dtype()).to(x.device());
}

Tensor statistic(const std::vector<double>& values, const Shape& shape, DType dtype) {
  return tensor(values, shape, dtype);
}

// Fills `parts` from tensors that must all be there and of one shape.
void load_parts(std::string_view op, const State& state,
                std::initializer_list<std::pair<const char*, Tensor*>> parts,
                const std::source_location& loc) {
  const Tensor* first = nullptr;
  for (const auto& [name, part] : parts) {
    const Tensor* found = state.find_tensor(name);
    if (found == nullptr)
      throw_argument(
          op, fmt::format("the state has no tensor '{}'; expected that of a {}", name, op), loc);
    if (first == nullptr) first = found;
    if (!is_floating(found->dtype()) || !(found->shape() == first->shape()))
      throw_argument(op,
                     fmt::format("'{}' is {} {}; expected a floating dtype and {}", name,
                                 name_of(found->dtype()), to_string(found->shape()),
                                 to_string(first->shape())),
                     loc);
  }
  for (const auto& [name, part] : parts) *part = state.find_tensor(name)->clone(loc);
}

}  // namespace

StandardScaler& StandardScaler::fit(const Tensor& x, Location loc) {
  const Rows rows = rows_of("standard_scaler", x, loc);
  constexpr double eps = std::numeric_limits<double>::epsilon();
  std::vector<double> count(rows.width), mean(rows.width), error(rows.width), var(rows.width),
      scale(rows.width);
  const auto each = [&](auto&& body) {
    for (std::size_t r = 0; r < rows.count; ++r)
      for (std::size_t c = 0; c < rows.width; ++c)
        if (!std::isnan(rows[r][c])) body(c, rows[r][c]);
  };
  each([&](std::size_t c, double v) {
    mean[c] += v;
    ++count[c];
  });
  for (std::size_t c = 0; c < rows.width; ++c) mean[c] = count[c] > 0 ? mean[c] / count[c] : kNaN;
  // Two passes, corrected for the rounding of the mean (Chan, Golub and LeVeque 1983).
  each([&](std::size_t c, double v) {
    const double d = v - mean[c];
    error[c] += d;
    var[c] += d * d;
  });
  for (std::size_t c = 0; c < rows.width; ++c) {
    var[c] = (var[c] - error[c] * error[c] / count[c]) / count[c];
    const double rounding = count[c] * mean[c] * eps;
    const bool constant = var[c] <= count[c] * eps * var[c] + rounding * rounding;
    scale[c] = constant ? 1 : std::sqrt(var[c]);
  }
  mean_ = statistic(mean, rows.features, kFloat64);
  var_ = statistic(var, rows.features, kFloat64);
  scale_ = statistic(scale, rows.features, kFloat64);
  return *this;
}

Tensor StandardScaler::transform(const Tensor& x, Location loc) const {
  const Tensor v = checked("standard_scaler", x, mean_, loc);
  return (v - like(mean_, v)) / like(scale_, v);
}

Tensor StandardScaler::inverse(const Tensor& y, Location loc) const {
  const Tensor v = checked("standard_scaler", y, mean_, loc);
  return v * like(scale_, v) + like(mean_, v);
}

State StandardScaler::state() const {
  State out;
  if (!mean_.defined()) return out;
  out.add("mean", mean_);
  out.add("var", var_);
  out.add("scale", scale_);
  return out;
}

void StandardScaler::load_state(const State& state, Location loc) {
  load_parts("standard_scaler", state, {{"mean", &mean_}, {"var", &var_}, {"scale", &scale_}}, loc);
}

MinMaxScaler::MinMaxScaler(MinMaxOptions options, Location loc) : options_(options) {
  if (!(options.low < options.high))
    throw_argument(
        "min_max_scaler",
        fmt::format("low is {}, high is {}; expected low < high", options.low, options.high), loc);
}

MinMaxScaler& MinMaxScaler::fit(const Tensor& x, Location loc) {
  const Rows rows = rows_of("min_max_scaler", x, loc);
  const DType dtype = float_dtype(x.dtype());
  std::vector<double> low(rows.width, kNaN), high(rows.width, kNaN);
  for (std::size_t r = 0; r < rows.count; ++r)
    for (std::size_t c = 0; c < rows.width; ++c) {
      low[c] = std::fmin(low[c], rows[r][c]);
      high[c] = std::fmax(high[c], rows[r][c]);
    }
  min_ = statistic(low, rows.features, dtype);
  max_ = statistic(high, rows.features, dtype);
  // In the dtype of the data from here on, as scikit-learn does.
  const double eps = dtype == kFloat32 ? double{std::numeric_limits<float>::epsilon()}
                                       : std::numeric_limits<double>::epsilon();
  const Tensor range = max_ - min_;
  scale_ = full({}, options_.high - options_.low, dtype) / where(range < 10 * eps, 1, range);
  offset_ = full({}, options_.low, dtype) - min_ * scale_;
  return *this;
}

Tensor MinMaxScaler::transform(const Tensor& x, Location loc) const {
  const Tensor v = checked("min_max_scaler", x, scale_, loc);
  const Tensor y = v * like(scale_, v) + like(offset_, v);
  return options_.clip ? clamp(y, options_.low, options_.high) : y;
}

Tensor MinMaxScaler::inverse(const Tensor& y, Location loc) const {
  const Tensor v = checked("min_max_scaler", y, scale_, loc);
  return (v - like(offset_, v)) / like(scale_, v);
}

State MinMaxScaler::state() const {
  State out;
  if (!scale_.defined()) return out;
  out.add("data_min", min_);
  out.add("data_max", max_);
  out.add("scale", scale_);
  out.add("offset", offset_);
  out.add_value("low", options_.low);
  out.add_value("high", options_.high);
  out.add_value("clip", options_.clip);
  return out;
}

void MinMaxScaler::load_state(const State& state, Location loc) {
  const MinMaxOptions options{state.get<double>("low", loc), state.get<double>("high", loc),
                              state.get<bool>("clip", loc)};
  load_parts("min_max_scaler", state,
             {{"data_min", &min_}, {"data_max", &max_}, {"scale", &scale_}, {"offset", &offset_}},
             loc);
  options_ = options;
}

}  // namespace catena::train
