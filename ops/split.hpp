// A tensor in parts along a dimension. Every part is a view of x.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena {

// Parts of `size` entries each; the last one holds what is left. Errors: size < 1.
std::vector<Tensor> split(Operand x, std::int64_t size, int dim = 0);
// Parts of the given sizes. Errors: a negative size, sizes that do not add up to that of `dim`.
std::vector<Tensor> split(Operand x, std::span<const std::int64_t> sizes, int dim = 0);
std::vector<Tensor> split(Operand x, std::initializer_list<std::int64_t> sizes, int dim = 0);
// At most `chunks` parts of ceil(size / chunks) entries, the last one maybe shorter; fewer parts
// when fewer hold everything.
std::vector<Tensor> chunk(Operand x, std::int64_t chunks, int dim = 0);
// One tensor per entry of `dim`, without that dimension.
std::vector<Tensor> unbind(Operand x, int dim = 0);

}  // namespace catena
