#include "catena/ops/one_hot.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

void one_hot(const void*, const KernelContext& c) {
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  const std::int64_t classes = y.shape.data()[y.shape.rank() - 1];
  visit_index(x.dtype, [&]<class I>(I) {
    const I* index = static_cast<const I*>(x.data);
    for (std::int64_t j = 0; j < x.numel; ++j)
      if (index[j] < 0 || index[j] >= classes)
        throw_index_out_of_range(OpName<op::OneHot>::value, index[j], j, x.shape, x.shape.rank(),
                                 classes, 0, c);
    visit_compute(y.dtype, [&]<class T>(T) {
      T* out = static_cast<T*>(y.data);
      parallel(x.numel, max_of<std::int64_t>(1, 65536 / max_of<std::int64_t>(1, classes)),
               [&](std::int64_t begin, std::int64_t end) {
                 std::memset(out + begin * classes, 0,
                             static_cast<std::size_t>((end - begin) * classes) * sizeof(T));
                 for (std::int64_t j = begin; j < end; ++j) out[j * classes + index[j]] = T(1);
               });
    });
  });
}

}  // namespace

KernelRow row_OneHot() { return {.forward = one_hot, .dtypes = DTypeSet(kInt32, kInt64)}; }

}  // namespace catena::cpu::CATENA_ISA
