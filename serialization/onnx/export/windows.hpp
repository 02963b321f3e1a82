// Sizes around windows as ONNX has them. Not a public header.
#pragma once

#include <cstdint>
#include <vector>

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

// The attribute `pads`: of all spatial dimensions first before, then after.
inline std::vector<std::int64_t> pads(const Shape& before, const Shape& after) {
  std::vector<std::int64_t> list = to_vector(before);
  list.insert(list.end(), after.begin(), after.end());
  return list;
}

// Spatial numbers with zeros for batch and channels in front.
inline SymbolicShape with_batch_and_channels(const Shape& sizes) {
  SymbolicShape shape{0, 0};
  for (const std::int64_t s : sizes) shape.push_back(s);
  return shape;
}

}  // namespace catena::onnx_export
