// Calls computed with other tensors than those they are given: what functional_call is made of.
#pragma once

#include <source_location>
#include <span>
#include <unordered_map>

#include "catena/graph/tensor.hpp"

namespace catena {

// While one lives, every call on this thread that is given from[i] computes with to[i] instead,
// which has its shape, dtype and device. Values read outside of calls (item, data) are still
// from's. The innermost counts. Errors: a pair that differs in shape, dtype or device.
class Substitution {
 public:
  Substitution(std::span<const Tensor> from, std::span<const Tensor> to,
               std::source_location loc = std::source_location::current());
  ~Substitution();
  Substitution(const Substitution&) = delete;
  Substitution& operator=(const Substitution&) = delete;

  // Null when the tensor stands for itself.
  const Tensor* find(const detail::TensorImpl* from) const;

 private:
  std::unordered_map<const detail::TensorImpl*, Tensor> map_;
  const Substitution* before_;
};

}  // namespace catena
