#include "catena/ops/resize_weights.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "catena/ops/resize.hpp"

namespace catena::detail {

struct ResizeWeights::Lists {
  std::vector<std::int64_t> first{0}, index;
  std::vector<double> weight;
  void add(std::int64_t i, double w) {
    index.push_back(i);
    weight.push_back(w);
  }
  void end() { first.push_back(static_cast<std::int64_t>(index.size())); }
};

namespace {

// Where entry i of `out` lies among the `in` entries. With scale = 0 the sizes say how much larger.
double coordinate(const std::string& mode, double i, double in, double out, double scale) {
  if (mode == "align_corners") return out > 1 ? i * (in - 1) / (out - 1) : 0;
  // A product is divided, so that whole results are whole.
  const auto shrunk = [&](double v) { return scale > 0 ? v / scale : v * in / out; };
  if (mode == "asymmetric") return shrunk(i);
  if (mode == "pytorch_half_pixel" && out <= 1) return 0;
  return shrunk(i + 0.5) - 0.5;
}

double rounded(const std::string& mode, double x) {
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  return mode == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

// Keys' convolution kernel at distance x >= 0.
double cubic(double x, double a) {
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

}  // namespace

template <class Op, class Lists>
static void fill(const Op& op, int d, std::int64_t in, std::int64_t out, Lists* lists) {
  const double n = static_cast<double>(in), m = static_cast<double>(out);
  const double scale = op.scales.empty() ? 0 : op.scales[static_cast<std::size_t>(d)];
  const auto within = [&](double x) {
    return static_cast<std::int64_t>(std::clamp(x, 0.0, n - 1));
  };
  for (std::int64_t i = 0; i < out; ++i) {
    if (op.mode == "area") {
      // floor(i in / out) and ceil((i + 1) in / out) without rounding.
      const std::int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
      for (std::int64_t k = begin; k < end; ++k)
        lists->add(k, 1 / static_cast<double>(end - begin));
      lists->end();
      continue;
    }
    const double x = coordinate(op.coordinate_mode, static_cast<double>(i), n, m, scale);
    if (op.mode == "nearest") {
      lists->add(within(rounded(op.nearest_mode, x)), 1);
    } else if (op.mode == "linear") {
      const double low = std::floor(x), part = x - low;
      lists->add(within(low), 1 - part);
      lists->add(within(low + 1), part);
    } else {
      const double low = std::floor(x), part = x - low;
      double w[4] = {cubic(part + 1, op.cubic_coeff_a), cubic(part, op.cubic_coeff_a),
                     cubic(1 - part, op.cubic_coeff_a), cubic(2 - part, op.cubic_coeff_a)};
      if (op.exclude_outside) {
        double total = 0;
        for (int k = 0; k < 4; ++k) {
          const double at = low + (k - 1);
          if (at < 0 || at > n - 1) w[k] = 0;
          total += w[k];
        }
        for (double& v : w) v /= total;
      }
      for (int k = 0; k < 4; ++k) lists->add(within(low + (k - 1)), w[k]);
    }
    lists->end();
  }
}

void ResizeWeights::keep(Lists* lists) {
  lists_ = lists;
  first = lists->first.data();
  index = lists->index.data();
  weight = lists->weight.data();
}

ResizeWeights::ResizeWeights(const op::Resize& op, int d, std::int64_t in, std::int64_t out)
    : in(in), out(out) {
  auto* lists = new Lists;
  fill(op, d, in, out, lists);
  keep(lists);
  taps = op.mode == "nearest" ? 1 : op.mode == "linear" ? 2 : op.mode == "cubic" ? 4 : 0;
}

ResizeWeights::ResizeWeights(const op::ResizeAdjoint& op, int d, std::int64_t in, std::int64_t out)
    : in(in), out(out) {
  Lists rows;
  fill(op, d, out, in, &rows);
  auto* columns = new Lists;
  columns->first.assign(static_cast<std::size_t>(out) + 1, 0);
  columns->index.resize(rows.index.size());
  columns->weight.resize(rows.index.size());
  for (const std::int64_t j : rows.index) ++columns->first[static_cast<std::size_t>(j) + 1];
  for (std::size_t j = 1; j < columns->first.size(); ++j)
    columns->first[j] += columns->first[j - 1];
  std::vector<std::int64_t> next(columns->first.begin(), columns->first.end() - 1);
  for (std::size_t i = 0; i + 1 < rows.first.size(); ++i)
    for (std::int64_t k = rows.first[i]; k < rows.first[i + 1]; ++k) {
      const auto from = static_cast<std::size_t>(k);
      const auto to = static_cast<std::size_t>(next[static_cast<std::size_t>(rows.index[from])]++);
      columns->index[to] = static_cast<std::int64_t>(i);
      columns->weight[to] = rows.weight[from];
    }
  keep(columns);
}

ResizeWeights::~ResizeWeights() { delete lists_; }

bool is_nearest(const op::Resize& op) { return op.mode == "nearest"; }

}  // namespace catena::detail
