// Enters everything built in: one description per line of ops.def, the CPU backend, and the few ops
// the core calls itself.
#include <mutex>

#include "catena/backends/cpu/backend.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/registry.hpp"
#include "catena/ops/all.hpp"
#include "catena/ops/pointwise_gradients.hpp"

namespace catena {
namespace {

template <class Op>
OpInfo built_in() {
  OpInfo info = describe_op<Op>();
  info.built_in = true;
  if constexpr (requires { Op::kPointwise; }) {
    info.vjp = detail::pointwise_gradient<Op>();
    info.differentiable = info.vjp != nullptr;
  }
  return info;
}

void enter_all() {
#define CATENA_OP(Struct, name, stem) detail::register_info(built_in<op::Struct>());
#include "catena/ops/ops.def"
#undef CATENA_OP

  detail::CoreOps& core = detail::core_ops();
  core.add = [](const Tensor& a, const Tensor& b) { return add(a, b); };
  core.sum_to = [](Tensor x, const Shape& shape) { return sum_to(std::move(x), shape); };
  core.cast = [](const Tensor& x, DType dtype) { return cast(x, dtype); };
  core.scale = [](const Tensor& x, Scalar factor) { return x * factor; };
  core.slice_adjoint = [](const Tensor& x, const Shape& shape, const SliceSpec& where) {
    return call(op::SliceAdjoint{shape, where.start, where.step}, {x});
  };
  core.transpose = [](const Tensor& x) { return transpose(x, 0, 1); };
  core.dot = [](const Tensor& a, const Tensor& b) { return sum(a * b); };
  core.product = [](const Tensor& a, const Tensor& b) { return matmul(a, b); };
  core.product_tn = [](const Tensor& a, const Tensor& b) { return matmul(transpose(a, 0, 1), b); };
  core.concat_rows = [](std::span<const Tensor> tensors) { return concat(tensors, 0); };
}

}  // namespace

void init() {
  // Registering asks the registry, which calls init() again: the flag lets that pass.
  static std::once_flag once;
  static thread_local bool entering = false;
  if (entering) return;
  std::call_once(once, [] {
    entering = true;
    enter_all();
    cpu::enter_kernels();
    // Copying between devices takes no more than what every backend offers.
    KernelRow& to_cuda =
        detail::mutable_op(OpName<op::ToDevice>::value).rows[static_cast<int>(DeviceType::kCuda)];
    to_cuda.forward = detail::transfer;
    to_cuda.dtypes = kAllTypes;
    // Not op_info<op::Add>(): that may be what called init().
    detail::core_ops().add_loops = get_op(OpName<op::Add>::value).rows[0].loops;
    static constexpr op::Add kAdd;
    detail::core_ops().add_op = &kAdd;
    entering = false;
  });
}

}  // namespace catena
