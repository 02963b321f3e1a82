// References of the normalisations in plain doubles.
#pragma once

#include <cmath>

#include "op_suite.hpp"

namespace catena::test {

// y = (x - mean) / sqrt(var + eps) * weight + bias, where `group` and `entry` say for a row-major
// position which values are normalised together, and which entry of weight and bias belongs to it.
// Fills the mean and biased variance of each group.
template <class Group, class Entry>
Array normalised(const std::vector<Array>& in, double eps, std::int64_t groups, const Group& group,
                 const Entry& entry, Array* mean, Array* var) {
  const Array& x = in[0];
  const std::int64_t n = x.shape.numel();
  std::vector<double> count(static_cast<std::size_t>(groups));
  *mean = *var = Array(Shape{groups});
  for (std::int64_t i = 0; i < n; ++i) {
    (*mean)[group(i)] += x[i];
    count[static_cast<std::size_t>(group(i))] += 1;
  }
  for (std::int64_t k = 0; k < groups; ++k) (*mean)[k] /= count[static_cast<std::size_t>(k)];
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = x[i] - (*mean)[group(i)];
    (*var)[group(i)] += d * d;
  }
  for (std::int64_t k = 0; k < groups; ++k) (*var)[k] /= count[static_cast<std::size_t>(k)];
  Array y(x.shape);
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = (x[i] - (*mean)[group(i)]) / std::sqrt((*var)[group(i)] + eps);
    if (in.size() > 1) y[i] *= in[1][entry(i)];
    if (in.size() > 2) y[i] += in[2][entry(i)];
  }
  return y;
}

// x alone, with weight, with weight and bias.
inline std::vector<InputSpec> affine_inputs(const Shape& x, const Shape& affine, int count) {
  std::vector<InputSpec> list{uniform(x)};
  if (count > 1) list.push_back(uniform(affine, 0.5, 1.5));
  if (count > 2) list.push_back(uniform(affine, -1, 1));
  return list;
}

}  // namespace catena::test
