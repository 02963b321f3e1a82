#include "catena/ops/resize.hpp"

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/shape.hpp"
#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// Each dimension of those at the end as a product with the weights of its entries. `op` is one for
// that dimension alone.
template <class Op, class Single>
void by_matrices(Emitter& e, const Op& op, const char* attribute, const Single& single) {
  const Value& given = e.in(0);
  const Shape target = e.fixed(e.sizes_of(attribute), "its size");
  const int first = given.rank() - target.rank();
  Value x = given;
  const NoGrad no_grad;
  for (int d = 0; d < target.rank(); ++d) {
    const std::int64_t n = e.fixed({x.size(first + d)}, "a size it starts from")[0];
    // What unit vectors become.
    Op one = op;
    if (!op.scales.empty()) one.scales = {op.scales[static_cast<std::size_t>(d)]};
    single(&one, target[d]);
    const Tensor units = reshape(eye(n, n, kFloat64), {1, n, n});
    const Tensor matrix = call(one, {units});
    x = e.apply_matrix(x, first + d, reshape(matrix, {n, target[d]}));
  }
  e.result(x);
}

}  // namespace

void export_op(Emitter& e, const op::Resize& op) {
  const Value& x = e.in(0);
  const SymbolicShape size = e.sizes_of("size");
  const int first = x.rank() - static_cast<int>(size.size());
  std::vector<double> scales(static_cast<std::size_t>(first), 1.0);
  bool scaled = !op.scales.empty(), fits = true;
  for (std::size_t d = 0; scaled && d < size.size(); ++d) {
    scales.push_back(op.scales[d]);
    // The scales say the size too: ONNX takes floor(size * scale).
    const SymbolicInt& in = x.size(first + static_cast<int>(d));
    fits = fits && in.is_constant() && size[d].is_constant() &&
           std::floor(static_cast<double>(in.offset()) * static_cast<float>(op.scales[d])) ==
               static_cast<double>(size[d].offset());
  }
  if (op.mode == "area" || !fits)
    return by_matrices(e, op, "size", [](op::Resize* one, std::int64_t n) { one->size = {n}; });
  Attributes attributes{{"coordinate_transformation_mode", op.coordinate_mode}, {"mode", op.mode}};
  if (op.mode == "nearest") attributes.push_back({"nearest_mode", op.nearest_mode});
  if (op.mode == "cubic") {
    attributes.push_back({"cubic_coeff_a", op.cubic_coeff_a});
    attributes.push_back({"exclude_outside", op.exclude_outside ? 1 : 0});
  }
  Value y;
  if (scaled) {
    const Value factors =
        e.constant(tensor(scales, Shape{static_cast<std::int64_t>(scales.size())}, kFloat32));
    y = e.node("Resize", {x, {}, factors}, x.dtype, e.out().shape, attributes);
  } else {
    SymbolicShape whole(x.shape.begin(), x.shape.begin() + first);
    whole.insert(whole.end(), size.begin(), size.end());
    y = e.node("Resize", {x, {}, {}, e.sizes(whole)}, x.dtype, e.out().shape, attributes);
  }
  e.result(y);
}

void export_op(Emitter& e, const op::ResizeAdjoint& op) {
  by_matrices(e, op, "input_size",
              [](op::ResizeAdjoint* one, std::int64_t n) { one->input_size = {n}; });
}

}  // namespace catena::onnx_export
