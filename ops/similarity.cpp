#include "catena/ops/similarity.hpp"

#include "catena/ops/composite.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/statistics.hpp"

namespace catena {
namespace {

using detail::fail;

template <class Op>
void check_floating(const Op& op, std::span<const Tensor> in) {
  for (int i = 0; i < 2; ++i) {
    const DType dtype = in[static_cast<std::size_t>(i)].dtype();
    if (!is_floating(dtype)) fail(op, detail::not_floating(i == 0 ? "a" : "b", dtype));
  }
}

}  // namespace

namespace op {

Tensor CosineSimilarity::compose(std::span<const Tensor> in) const {
  check_floating(*this, in);
  Shape joined;
  if (!broadcast_shapes(in[0].shape(), in[1].shape(), &joined))
    fail(*this, fmt::format("shapes do not broadcast: a {}, b {}; expected sizes that are equal or "
                            "1, counted from the right",
                            to_string(in[0].shape()), to_string(in[1].shape())));
  const int rank = joined.rank();
  if (dim < -rank || dim >= rank)
    fail(*this, fmt::format(
                    "dim is {} but a and b have {} dimensions; expected {}", dim, rank,
                    rank == 0 ? std::string("vectors") : fmt::format("{} to {}", -rank, rank - 1)));
  const Shape over{dim < 0 ? dim + rank : dim};
  const auto unit = [&](const Tensor& given) {
    const Tensor x = given.shape() == joined ? given : expand(given, joined);
    const Tensor length = norm(x, 2, over, true);
    return x / where(length < eps, eps, length);
  };
  return sum(unit(in[0]) * unit(in[1]), over);
}

Tensor CosineEmbeddingLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = detail::checked_reduction(*this);
  check_floating(*this, in);
  const Tensor &a = in[0], &b = in[1], &target = in[2];
  const int rank = a.rank();
  bool fits = (rank == 1 || rank == 2) && a.shape() == b.shape() && target.rank() == rank - 1;
  if (fits && rank == 2) fits = target.shape()[0] == a.shape()[0];
  if (!fits)
    fail(*this, fmt::format("a has shape {}, b {}, target {}; expected [N, D], [N, D] and [N], or "
                            "[D], [D] and []",
                            to_string(a.shape()), to_string(b.shape()), to_string(target.shape())));
  constexpr double kLeast = 1e-12;
  const Shape over{rank - 1};
  const Tensor cosine =
      sum(a * b, over) / sqrt((sum(a * a, over) + kLeast) * (sum(b * b, over) + kLeast));
  const Tensor losses =
      where(target == 1, 1 - cosine, where(target == -1, relu(cosine - margin), 0));
  return detail::reduced(losses, kind);
}

}  // namespace op

Tensor cosine_similarity(Operand a, Operand b, int dim, double eps) {
  return detail::call_op(op::CosineSimilarity{dim, eps}, a, b);
}

Tensor cosine_embedding_loss(Operand a, Operand b, Operand target, Reduction reduction,
                             double margin) {
  return detail::call_op(op::CosineEmbeddingLoss{name_of(reduction), margin}, a, b, target);
}

}  // namespace catena
