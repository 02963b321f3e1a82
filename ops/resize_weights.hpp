// One dimension of a resize as a sparse matrix, for kernels. Not a public header.
#pragma once

#include <cstdint>

namespace catena {
namespace op {
struct Resize;
struct ResizeAdjoint;
}  // namespace op

namespace detail {

// Entry i of the result is the sum of weight[k] x[index[k]] over k from first[i] up to first[i +
// 1]; each has as many as `taps` says, or a number of its own (0).
class ResizeWeights {
 public:
  // From `in` entries to `out`, dimension d of those resized; of the adjoint the transpose, from
  // the `in` entries of its argument.
  ResizeWeights(const op::Resize& op, int d, std::int64_t in, std::int64_t out);
  ResizeWeights(const op::ResizeAdjoint& op, int d, std::int64_t in, std::int64_t out);
  ~ResizeWeights();
  ResizeWeights(const ResizeWeights&) = delete;
  ResizeWeights& operator=(const ResizeWeights&) = delete;

  std::int64_t in, out, taps = 0;
  const std::int64_t* first = nullptr;
  const std::int64_t* index = nullptr;
  const double* weight = nullptr;

 private:
  struct Lists;
  void keep(Lists* lists);
  Lists* lists_ = nullptr;
};

// Whether entries are taken as they are.
bool is_nearest(const op::Resize& op);

}  // namespace detail
}  // namespace catena
