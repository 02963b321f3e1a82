// Scaling of features: fitted on the training data, applied to all. Values are scikit-learn's
// (StandardScaler, MinMaxScaler).
//
//   train::StandardScaler scaler;
//   scaler.fit(x);                                  // x: [n, features...]
//   net(scaler.transform(x));
//   State state = net.state();
//   state.add_part("scaler", scaler.state());       // saved with the model
//
// Statistics are taken over dimension 0, NaN left out; a NaN stays a NaN. Integers are taken as
// float64. Transforms are made of ops, so gradients pass through them and they run on any device.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::train {

// y = (x - mean) / scale; scale is the standard deviation (divided by n), or 1 for a feature whose
// variance is 0 up to rounding: it becomes 0, and comes back from inverse.
class StandardScaler {
 public:
  using Location = std::source_location;
  // Throws ArgumentError for no samples and for an infinite value.
  StandardScaler& fit(const Tensor& x, Location loc = Location::current());
  // x: [..., features...]. Throw ArgumentError for other features than those of fit.
  Tensor transform(const Tensor& x, Location loc = Location::current()) const;
  Tensor inverse(const Tensor& y, Location loc = Location::current()) const;
  // Of float64 and the features' shape; undefined before fit.
  const Tensor& mean() const { return mean_; }
  const Tensor& var() const { return var_; }
  const Tensor& scale() const { return scale_; }
  State state() const;
  void load_state(const State& state, Location loc = Location::current());

 private:
  Tensor mean_, var_, scale_;
};

struct MinMaxOptions {
  double low = 0, high = 1;  // where the least and the greatest value of each feature go
  bool clip = false;         // what lies outside, in other data, to low and high
};

// y = x * scale + offset with scale = (high - low) / (max - min), offset = low - min * scale; for a
// feature with max = min up to rounding, scale = high - low.
class MinMaxScaler {
 public:
  using Location = std::source_location;
  // Throws ArgumentError unless low < high.
  explicit MinMaxScaler(MinMaxOptions options = {}, Location loc = Location::current());
  // As those of StandardScaler. inverse does not undo clipping.
  MinMaxScaler& fit(const Tensor& x, Location loc = Location::current());
  Tensor transform(const Tensor& x, Location loc = Location::current()) const;
  Tensor inverse(const Tensor& y, Location loc = Location::current()) const;
  // Of the dtype of fit (integers: float64) and the features' shape; undefined before fit.
  const Tensor& data_min() const { return min_; }
  const Tensor& data_max() const { return max_; }
  const Tensor& scale() const { return scale_; }
  const Tensor& offset() const { return offset_; }
  State state() const;
  void load_state(const State& state, Location loc = Location::current());

 private:
  MinMaxOptions options_;
  Tensor min_, max_, scale_, offset_;
};

}  // namespace catena::train
