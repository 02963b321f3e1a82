// Numbers per spatial dimension, as convolutions and pooling take them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <source_location>

#include "catena/graph/shape.hpp"

namespace catena {

// One number for all spatial dimensions, or one for each: `2`, `{2, 1}`.
class Sizes {
 public:
  Sizes(std::int64_t all) : values_{all} {}  // NOLINT: implicit on purpose
  Sizes(std::initializer_list<std::int64_t> each) : values_(each), each_(true) {}  // NOLINT
  Sizes(const Shape& each) : values_(each), each_(true) {}                         // NOLINT

  // `count` numbers. Errors, in the name of `op` and `what`: another count was given; one is below
  // `least`.
  Shape of(int count, const char* op, const char* what, std::int64_t least,
           const std::source_location& location) const;

 private:
  Shape values_;
  bool each_ = false;
};

}  // namespace catena
