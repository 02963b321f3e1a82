// The network of W2 and W10.
#pragma once

#include <catena/catena.hpp>
#include <catena/nn/sequential.hpp>

namespace bench {

// 784-512-512-10 with ReLU.
catena::nn::Sequential make_mlp();
// Class indices [n] below `count`.
catena::Tensor classes(std::int64_t n, std::int64_t count);

}  // namespace bench
