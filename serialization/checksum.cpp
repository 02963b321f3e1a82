#include "catena/serialization/checksum.hpp"

#include <new>

#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // replaces the functions by those of the best instruction set
#endif

namespace catena::detail {
namespace {
XXH3_state_t* state_of(void* p) { return static_cast<XXH3_state_t*>(p); }
}  // namespace

std::uint64_t checksum(const void* data, std::size_t bytes) { return XXH3_64bits(data, bytes); }

Checksum::Checksum() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_64bits_reset(state_of(state_.get()));
}
void Checksum::add(const void* data, std::size_t bytes) {
  XXH3_64bits_update(state_of(state_.get()), data, bytes);
}
std::uint64_t Checksum::value() const { return XXH3_64bits_digest(state_of(state_.get())); }
void Checksum::Free::operator()(void* state) const { XXH3_freeState(state_of(state)); }

}  // namespace catena::detail
