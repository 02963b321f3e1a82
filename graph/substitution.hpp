// Calls computed with other tensors than those they are given: what functional_call is made of.
#pragma once

#include <memory>
#include <source_location>
#include <span>
#include <unordered_map>

#include "catena/graph/tensor.hpp"

namespace catena {

// While one lives, every call on this thread that is given from[i] computes with to[i] instead,
// which has its shape, dtype and device; detach() is that of to[i], too. What is read outside of
// calls (item, data, grad, requires_grad) is still from's. Of several in force all count, the
// innermost first. A backward replaces nothing: it computes with what was recorded. Errors: a pair
// that differs in shape, dtype or device.
class Substitution {
 public:
  struct Pair {
    Tensor from, to;  // from is held, so that nothing else comes to stand at its address
  };
  using Map = std::unordered_map<const detail::TensorImpl*, Pair>;

  Substitution(std::span<const Tensor> from, std::span<const Tensor> to,
               std::source_location loc = std::source_location::current());
  // Puts in force again what current() gave, and nothing besides.
  explicit Substitution(std::shared_ptr<const Map> map);
  ~Substitution();
  Substitution(const Substitution&) = delete;
  Substitution& operator=(const Substitution&) = delete;

  // Null when the tensor stands for itself.
  const Tensor* find(const detail::TensorImpl* from) const;
  // All that is replaced on this thread; null: nothing.
  static std::shared_ptr<const Map> current();

 private:
  std::shared_ptr<const Map> map_;
  const Substitution* before_;
};

namespace detail {
// What a call that is given t computes with.
Tensor substituted(const Tensor& t);
}  // namespace detail

}  // namespace catena
