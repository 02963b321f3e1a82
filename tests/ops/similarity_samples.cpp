#include <algorithm>
#include <cmath>

#include "ops/loss_reference.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// sum(ab), sum(aa), sum(bb) along `dim` of the broadcast shape.
template <class F>
Array along_pairs(const List& in, int dim, F f) {
  Shape joined;
  broadcast_shapes(in[0].shape, in[1].shape, &joined);
  Shape kept = joined;
  kept[dim] = 1;
  Array ab(kept), aa(kept), bb(kept);
  for_each_index(joined, [&](const Shape& at) {
    Shape to = at;
    to[dim] = 0;
    const double a = broadcast_at(in[0], at), b = broadcast_at(in[1], at);
    ab.at(to) += a * b;
    aa.at(to) += a * a;
    bb.at(to) += b * b;
  });
  kept.erase(dim);
  Array y(kept);
  for (std::size_t i = 0; i < y.values.size(); ++i)
    y.values[i] = f(ab.values[i], aa.values[i], bb.values[i]);
  return y;
}

auto embedding_loss_of(const op::CosineEmbeddingLoss& op) {
  return [=](const List& in) {
    const Array cosine =
        along_pairs(in, in[0].shape.rank() - 1, [](double ab, double aa, double bb) {
          return ab / std::sqrt((aa + 1e-12) * (bb + 1e-12));
        });
    std::vector<double> losses;
    for (std::int64_t i = 0; i < cosine.shape.numel(); ++i) {
      const double t = in[2][i];
      losses.push_back(t == 1 ? 1 - cosine[i] : t == -1 ? std::max(0.0, cosine[i] - op.margin) : 0);
    }
    return reduced(losses, cosine.shape, op.reduction);
  };
}

}  // namespace

std::vector<OpSample> samples_CosineSimilarity() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Shape& a, const Shape& b, int dim,
                       double eps = 1e-8) {
    const int rank = std::max(a.rank(), b.rank());
    list.push_back(
        sample(name, op::CosineSimilarity{dim, eps}, {uniform(a), uniform(b)}, [=](const List& in) {
          return along_pairs(in, dim < 0 ? dim + rank : dim, [=](double ab, double aa, double bb) {
            return ab / (std::max(std::sqrt(aa), eps) * std::max(std::sqrt(bb), eps));
          });
        }).only(kFloatTypes));
  };
  add("rows", {3, 4}, {3, 4}, 1);
  add("columns", {3, 4}, {3, 4}, 0);
  add("vectors", {5}, {5}, -1);
  add("one_to_many", {3, 4}, {4}, -1);
  add("broadcast", {2, 1, 4}, {3, 4}, 2);
  add("short", {3, 4}, {3, 4}, 1, 1.5);
  add("no_rows", {0, 4}, {0, 4}, 1);
  const auto wrong = [&](const char* name, const op::CosineSimilarity& op, InputSpec a, InputSpec b,
                         const char* error) {
    list.push_back(fails(name, op, {std::move(a), std::move(b)}, error));
  };
  wrong("shapes", {}, uniform({3, 4}), uniform({3, 5}),
        "[cosine_similarity] shapes do not broadcast: a [3, 4], b [3, 5]");
  wrong("dim", {2}, uniform({3, 4}), uniform({3, 4}),
        "[cosine_similarity] dim is 2 but a and b have 2 dimensions; expected -2 to 1");
  wrong("scalars", {}, uniform({}), uniform({}), "0 dimensions; expected vectors");
  wrong("integers", {}, integers({3, 4}, 0, 3), uniform({3, 4}),
        "[cosine_similarity] a is int64; expected float32 or float64");
  return list;
}

std::vector<OpSample> samples_CosineEmbeddingLoss() {
  std::vector<OpSample> list;
  const auto add = [&](std::string name, const op::CosineEmbeddingLoss& op, const Shape& shape,
                       InputSpec target) {
    list.push_back(sample(std::move(name), op, {uniform(shape), uniform(shape), std::move(target)},
                          embedding_loss_of(op))
                       .only(kFloatTypes));
  };
  for (const char* reduction : {"mean", "sum", "none"}) {
    add(reduction, {reduction}, {4, 3}, values({4}, {1, -1, -1, 1}).as(kInt64));
    add(std::string("margin_") + reduction, {reduction, 0.3}, {4, 3},
        values({4}, {1, -1, -1, 0}).as(kFloat32));
  }
  add("one_pair", {}, {5}, values({}, {1}).as(kInt32));
  const auto wrong = [&](const char* name, const op::CosineEmbeddingLoss& op,
                         std::vector<InputSpec> in, const char* error) {
    list.push_back(fails(name, op, std::move(in), error));
  };
  wrong("target_length", {}, {uniform({4, 3}), uniform({4, 3}), integers({3}, 0, 2)},
        "[cosine_embedding_loss] a has shape [4, 3], b [4, 3], target [3]; expected [N, D], [N, D] "
        "and [N], or [D], [D] and []");
  wrong("shapes", {}, {uniform({4, 3}), uniform({4, 2}), integers({4}, 0, 2)},
        "[cosine_embedding_loss] a has shape [4, 3], b [4, 2]");
  wrong("integers", {}, {uniform({4, 3}), integers({4, 3}, 0, 2), integers({4}, 0, 2)},
        "[cosine_embedding_loss] b is int64; expected float32 or float64");
  wrong("reduction", {"meen"}, {uniform({4, 3}), uniform({4, 3}), integers({4}, 0, 2)},
        "[cosine_embedding_loss] unknown reduction \"meen\"");
  return list;
}

}  // namespace catena::test
