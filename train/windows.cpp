#include "catena/train/windows.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"

namespace catena::train {

namespace {

Tensor windows_of(const char* caller, const Tensor& series, std::int64_t length,
                  std::int64_t stride, const std::source_location& loc) {
  if (!series.defined() || series.rank() == 0)
    throw_argument(caller,
                   fmt::format("the series is {}; expected [time, ..]",
                               series.defined() ? "a number" : "undefined"),
                   loc);
  if (length < 1 || stride < 1)
    throw_argument(caller,
                   fmt::format("length is {}, stride is {}; expected at least 1", length, stride),
                   loc);
  if (series.size(0) < length)
    throw_argument(caller,
                   fmt::format("the series has {} entries; expected at least {}, those of a window",
                               series.size(0), length),
                   loc);
  NoGrad no_grad;
  const std::int64_t n = (series.size(0) - length) / stride + 1;
  const Tensor index = (arange(n) * stride).unsqueeze(1) + arange(length);
  Shape shape = series.shape();
  shape[0] = length;
  shape.insert(0, n);
  return index_select(series, index.flatten().to(series.device())).reshape(shape);
}

}  // namespace

Tensor windows(const Tensor& series, std::int64_t length, std::int64_t stride,
               std::source_location loc) {
  return windows_of("windows", series, length, stride, loc);
}

Dataset next_steps(const Tensor& series, std::int64_t length, std::int64_t stride,
                   std::source_location loc) {
  const Tensor both =
      windows_of("next_steps", series, length + 1, stride == 0 ? length : stride, loc);
  return {both.slice({Slice(), Slice(0, length)}), both.slice({Slice(), Slice(1, length + 1)})};
}

}  // namespace catena::train
