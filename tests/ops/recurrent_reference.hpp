// The recurrent layers in doubles, sequence by sequence, for their samples.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "op_suite.hpp"

namespace catena::test {

using Vector = std::vector<double>;

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// matrix [rows, columns] times v, plus a bias where it has entries.
inline Vector times(const Array& matrix, const Vector& v, const Vector& bias = {}) {
  Vector out(static_cast<std::size_t>(matrix.shape[0]));
  for (std::size_t r = 0; r < out.size(); ++r) {
    out[r] = bias.empty() ? 0 : bias[r];
    for (std::size_t k = 0; k < v.size(); ++k) out[r] += matrix.values[r * v.size() + k] * v[k];
  }
  return out;
}

// One step's part of an array [T, N, size], or [N, size] with t = 0.
inline Vector row(const Array& a, std::int64_t t, std::int64_t n) {
  const std::int64_t batch = a.shape[a.shape.rank() - 2], size = a.shape.back();
  const auto begin = a.values.begin() + (t * batch + n) * size;
  return {begin, begin + size};
}
inline void set_row(Array* a, std::int64_t t, std::int64_t n, const Vector& v) {
  const std::int64_t batch = a->shape[a->shape.rank() - 2];
  for (std::size_t k = 0; k < v.size(); ++k)
    (*a)[(t * batch + n) * a->shape.back() + static_cast<std::int64_t>(k)] = v[k];
}

// step(t, n) for the steps of each sequence that count, in the order of the walk.
template <class Step>
void walk_sequences(const Shape& x, const Array* lengths, bool reverse, const Step& step) {
  for (std::int64_t n = 0; n < x[1]; ++n) {
    const std::int64_t length = lengths ? static_cast<std::int64_t>((*lengths)[n]) : x[0];
    for (std::int64_t s = 0; s < length; ++s) step(reverse ? length - 1 - s : s, n);
  }
}

inline InputSpec lengths_of(Vector lengths) {
  const Shape shape{static_cast<std::int64_t>(lengths.size())};
  return values(shape, std::move(lengths)).as(kInt64);
}

}  // namespace catena::test
