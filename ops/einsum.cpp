#include "catena/ops/einsum.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/thread_state.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/einsum_equation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace {

using detail::Labels;

bool has(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}
int place_of(const Labels& labels, int label) {
  return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
}
Labels joined(std::initializer_list<const Labels*> lists) {
  Labels all;
  for (const Labels* l : lists) all.insert(all.end(), l->begin(), l->end());
  return all;
}

// A tensor with a label for each of its dimensions.
struct Term {
  Tensor x;
  Labels labels;

  // Two dimensions of one label become their diagonal: every (size + 1)-th entry of both as one.
  void take_diagonals() {
    for (int i = 0; i < x.rank(); ++i) {
      const auto first = labels.begin() + i;
      const auto twin = std::find(first + 1, labels.end(), *first);
      if (twin == labels.end()) continue;
      const int j = static_cast<int>(twin - labels.begin());
      const std::int64_t size = x.shape()[i];
      const Tensor last = movedim(x, Shape{i, j}, Shape{-2, -1});
      const Tensor line = flatten(last, -2);
      x = movedim(slice(line, -1, 0, size * size, size + 1), -1, i);
      labels.erase(twin);
      --i;  // the label may come a third time
    }
  }
  // Dimensions of size 1 that broadcast against another tensor are of no use.
  void drop_broadcast(const std::vector<std::int64_t>& sizes) {
    Shape dims;
    Labels kept;
    for (int d = 0; d < x.rank(); ++d) {
      const int label = labels[static_cast<std::size_t>(d)];
      if (x.shape()[d] == 1 && sizes[static_cast<std::size_t>(label)] != 1)
        dims.push_back(d);
      else
        kept.push_back(label);
    }
    if (!dims.empty()) x = squeeze(x, dims);
    labels = kept;
  }
  // Sums over the labels that nobody needs.
  template <class Needed>
  void sum_rest(const Needed& needed) {
    Shape dims;
    Labels kept;
    for (int d = 0; d < x.rank(); ++d) {
      const int label = labels[static_cast<std::size_t>(d)];
      if (needed(label))
        kept.push_back(label);
      else
        dims.push_back(d);
    }
    if (!dims.empty()) x = cast(sum(x, dims), x.dtype());
    labels = kept;
  }
  // The dimensions in the order of `order`, which names each once.
  Tensor in_order(const Labels& order) const {
    if (order == labels) return x;
    Shape perm;
    for (const int label : order) perm.push_back(place_of(labels, label));
    return permute(x, perm);
  }
  // The same for an order with labels it lacks: dimensions of size 1 there.
  Tensor spread(const Labels& order) const {
    Labels own;
    for (const int label : order)
      if (has(labels, label)) own.push_back(label);
    const Tensor y = in_order(own);
    Shape shape;
    for (const int label : order)
      shape.push_back(has(own, label) ? y.shape()[place_of(own, label)] : 1);
    return reshape(y, shape);
  }
  Shape sizes_of(const Labels& some) const {
    Shape shape;
    for (const int label : some) shape.push_back(x.shape()[place_of(labels, label)]);
    return shape;
  }
};

void check_product(const Labels& labels) {
  if (labels.size() > static_cast<std::size_t>(kMaxRank))
    throw_argument(OpName<op::Einsum>::value,
                   fmt::format("a product of two tensors has {} dimensions; expected at most {}; "
                               "sum in several steps",
                               labels.size(), kMaxRank),
                   detail::thread_state.call_site);
}

// a and b as one, with the labels that are needed later.
template <class Needed>
Term contract(Term a, Term b, const Needed& needed) {
  a.sum_rest([&](int label) { return needed(label) || has(b.labels, label); });
  b.sum_rest([&](int label) { return needed(label) || has(a.labels, label); });
  Labels batch, inner, left, right;
  for (const int label : a.labels)
    (!has(b.labels, label) ? left : needed(label) ? batch : inner).push_back(label);
  for (const int label : b.labels)
    if (!has(a.labels, label)) right.push_back(label);

  const Labels result = joined({&batch, &left, &right});
  if (inner.empty() || !is_floating(a.x.dtype())) {
    const Labels all = joined({&result, &inner});
    check_product(all);
    Term y{a.spread(all) * b.spread(all), all};
    y.sum_rest([&](int label) { return has(result, label); });
    return y;
  }
  check_product(result);
  const Shape batch_sizes = a.sizes_of(batch), left_sizes = a.sizes_of(left),
              right_sizes = b.sizes_of(right), inner_sizes = a.sizes_of(inner);
  Shape rows,
      columns;  // [batch, left, inner] and [batch, inner, right], no batch when there is none
  if (!batch.empty()) rows.push_back(batch_sizes.numel());
  columns = rows;
  rows.push_back(left_sizes.numel());
  rows.push_back(inner_sizes.numel());
  columns.push_back(inner_sizes.numel());
  columns.push_back(right_sizes.numel());
  const Tensor product = matmul(reshape(a.in_order(joined({&batch, &left, &inner})), rows),
                                reshape(b.in_order(joined({&batch, &inner, &right})), columns));
  Shape shape = batch_sizes;
  for (const std::int64_t size : left_sizes) shape.push_back(size);
  for (const std::int64_t size : right_sizes) shape.push_back(size);
  return {reshape(product, shape), result};
}

}  // namespace

namespace op {

Tensor Einsum::compose(std::span<const Tensor> in) const {
  const std::source_location& loc = detail::thread_state.call_site;
  for (std::size_t k = 1; k < in.size(); ++k)
    if (in[k].dtype() != in[0].dtype())
      throw_argument(
          OpName<Einsum>::value,
          fmt::format("dtypes differ: tensor 0 {}, tensor {} {}; expected equal; convert "
                      "one with to(dtype)",
                      name_of(in[0].dtype()), k, name_of(in[k].dtype())),
          loc);
  const detail::Equation e = detail::parse_equation(equation, in, loc);
  std::vector<Term> terms;
  for (std::size_t k = 0; k < in.size(); ++k) {
    Term t{in[k], e.inputs[k]};
    t.take_diagonals();
    t.drop_broadcast(e.sizes);
    terms.push_back(std::move(t));
  }
  // What the result or a tensor from number k on still reads.
  const auto needed_from = [&](std::size_t k) {
    return [&, k](int label) {
      for (std::size_t i = k; i < terms.size(); ++i)
        if (has(terms[i].labels, label)) return true;
      return has(e.output, label);
    };
  };
  Term y = terms[0];
  for (std::size_t k = 1; k < terms.size(); ++k)
    y = contract(std::move(y), terms[k], needed_from(k + 1));
  y.sum_rest(needed_from(terms.size()));
  return y.in_order(e.output);
}

}  // namespace op

Tensor einsum(std::string_view equation, std::span<const Tensor> tensors,
              std::source_location loc) {
  return call(op::Einsum{std::string(equation)}, tensors, loc);
}
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> tensors,
              std::source_location loc) {
  return einsum(equation, std::span<const Tensor>(tensors.begin(), tensors.size()), loc);
}

}  // namespace catena
