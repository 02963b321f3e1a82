// What the functions of batches in batch_*.hpp share. They are chosen before xsimd's of the same
// name because they are more specialised, and are included before the formulas, which look them up.
#pragma once

#include "catena/backends/cpu/kernel.hpp"

namespace catena::formula::CATENA_ISA {

template <class T>
using Lanes = xsimd::batch<T, cpu::CATENA_ISA::Arch>;

// a + b z + c z^2 + ...
template <class T, class... A>
CATENA_INLINE Lanes<T> polynomial(const Lanes<T>& z, double a, A... more) {
  if constexpr (sizeof...(A) == 0)
    return Lanes<T>(static_cast<T>(a));
  else
    return xsimd::fma(z, polynomial<T>(z, more...), Lanes<T>(static_cast<T>(a)));
}

}  // namespace catena::formula::CATENA_ISA
