// Batches: samples put together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "catena/graph/scalar.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/train/dataset.hpp"

namespace catena::train {

// `auto [x, y] = batch` takes samples and targets apart. The lengths are those before padding,
// [batch] of int64; undefined where nothing was padded.
struct Batch {
  Tensor x, y;
  Tensor x_lengths, y_lengths;

  // The protocol of structured bindings.
  template <std::size_t I>
  Tensor& get() & {
    return I == 0 ? x : y;
  }
  template <std::size_t I>
  const Tensor& get() const& {
    return I == 0 ? x : y;
  }
  template <std::size_t I>
  Tensor&& get() && {
    return std::move(I == 0 ? x : y);
  }
};

// Makes a batch of samples; called from several threads at once.
using Collate = std::function<Batch(std::span<const Sample>)>;

// x and y stacked along a new first dimension. Throws ArgumentError when shapes or dtypes differ,
// or some samples have a target and others have none.
Batch stack_samples(std::span<const Sample> samples);

struct PadOptions {
  Scalar value = 0;    // behind the end of a shorter x
  Scalar y_value = 0;  // behind the end of a shorter y
};

// Samples whose first dimension varies, e.g. [time, features], stacked to [batch, longest, ...]
// with their lengths. Targets of at least one dimension are padded the same way, others are
// stacked. Throws ArgumentError when the other dimensions or dtypes differ.
Collate pad_samples(PadOptions options = {});

}  // namespace catena::train

template <>
struct std::tuple_size<catena::train::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, catena::train::Batch> {
  using type = catena::Tensor;
};
