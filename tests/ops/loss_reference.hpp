// References shared by the samples of losses.
#pragma once

#include <string>
#include <vector>

#include "op_suite.hpp"

namespace catena::test {

inline Array reduced(const std::vector<double>& losses, const Shape& shape,
                     const std::string& reduction) {
  if (reduction == "none") return Array(shape, losses);
  double sum = 0;
  for (double l : losses) sum += l;
  if (reduction == "mean") sum /= static_cast<double>(losses.size());
  return Array(Shape(), sum);
}

}  // namespace catena::test
