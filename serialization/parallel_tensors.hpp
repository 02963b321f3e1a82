// Many tensors at once: while one thread waits for the system, another hashes. Not a public header.
#pragma once

#include <cstdint>
#include <functional>

namespace catena::detail {

// Calls work(i) for every i < count, from several threads when there are many `bytes` in all.
// Throws what the call with the smallest i threw.
void for_each_tensor(int count, std::uint64_t bytes, int threads,
                     const std::function<void(int)>& work);

}  // namespace catena::detail
