// Working memory of a kernel call, from the buffer cache.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/graph/memory.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

template <class T>
class Scratch {
 public:
  CATENA_INLINE explicit Scratch(std::int64_t count)
      : block_(detail::pool_allocate(
            static_cast<std::size_t>(max_of<std::int64_t>(1, count)) * sizeof(T), &size_class_)) {}
  CATENA_INLINE ~Scratch() { detail::pool_free(block_, size_class_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  CATENA_INLINE T* data() const { return static_cast<T*>(block_); }
  CATENA_INLINE T& operator[](std::int64_t i) const { return data()[i]; }

 private:
  std::uint8_t size_class_ = 0;  // set by the initialiser of block_
  void* block_;
};

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
