#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

Reference with_shape(const Shape& shape) {
  return reference([shape](const List& in) { return Array(shape, in[0].values); });
}
Reference permuted(const Shape& perm) {
  return reference([perm](const List& in) {
    Shape shape = perm;
    for (int i = 0; i < perm.rank(); ++i) shape[i] = in[0].shape[static_cast<int>(perm[i])];
    Array out(shape);
    for_each_index(shape, [&](const Shape& at) {
      Shape from = at;
      for (int i = 0; i < perm.rank(); ++i) from[static_cast<int>(perm[i])] = at[i];
      out.at(at) = in[0].at(from);
    });
    return out;
  });
}
Reference expanded(const Shape& shape) {
  return reference([shape](const List& in) {
    Array out(shape);
    for_each_index(shape, [&](const Shape& at) { out.at(at) = broadcast_at(in[0], at); });
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_Reshape() {
  return {
      sample("basic", op::Reshape{{4, 3}}, {uniform({3, 4})}, with_shape({4, 3})).exact(),
      sample("open_size", op::Reshape{{2, -1, 3}}, {uniform({4, 6})}, with_shape({2, 4, 3}))
          .exact(),
      sample("flat", op::Reshape{{-1}}, {uniform({2, 3, 4})}, with_shape({24})).exact(),
      sample("ones", op::Reshape{{1, 3, 1, 2}}, {uniform({3, 2})}, with_shape({1, 3, 1, 2}))
          .exact(),
      sample("to_scalar", op::Reshape{Shape{}}, {uniform({1, 1})}, with_shape({})).exact(),
      sample("from_scalar", op::Reshape{{1, 1}}, {uniform({})}, with_shape({1, 1})).exact(),
      sample("empty", op::Reshape{{3, 0}}, {uniform({0, 2})}, with_shape({3, 0})),
      fails("count", op::Reshape{{5}}, {uniform({2, 3})},
            "6 elements of [2, 3] do not fit shape [5] of 5; expected as many"),
      fails("two_open", op::Reshape{{-1, -1}}, {uniform({4})},
            "shape [-1, -1] leaves two sizes open; expected -1 at most once"),
      fails("indivisible", op::Reshape{{4, -1}}, {uniform({6})},
            "6 elements of [6] do not fill shape [4, -1]; expected a multiple of 4"),
      fails("open_among_none", op::Reshape{{0, -1}}, {uniform({0})}, "expected a multiple of 0"),
      fails("negative", op::Reshape{{-2, 3}}, {uniform({6})}, "size -2 in shape [-2, 3]")};
}

std::vector<OpSample> samples_Transpose() {
  return {
      sample("matrix", op::Transpose{{1, 0}}, {uniform({3, 4})}, permuted({1, 0})).exact(),
      sample("three", op::Transpose{{2, 0, 1}}, {uniform({2, 3, 4})}, permuted({2, 0, 1})).exact(),
      sample("same", op::Transpose{{0, 1}}, {uniform({2, 3})}, permuted({0, 1})).exact(),
      sample("scalar", op::Transpose{Shape{}}, {uniform({})}, permuted({})).exact(),
      sample("empty", op::Transpose{{1, 0}}, {uniform({0, 3})}, permuted({1, 0})),
      fails("rank", op::Transpose{{1, 0}}, {uniform({3})},
            "perm [1, 0] for shape [3]; expected each of 0 to 0 once"),
      fails("twice", op::Transpose{{0, 0}}, {uniform({3, 2})},
            "perm [0, 0] for shape [3, 2]; expected each of 0 to 1 once"),
      fails("range", op::Transpose{{0, 2}}, {uniform({3, 2})}, "perm [0, 2]")};
}

std::vector<OpSample> samples_Expand() {
  return {sample("rows", op::Expand{{2, 3, 4}}, {uniform({3, 1})}, expanded({2, 3, 4})).exact(),
          sample("kept", op::Expand{{-1, 5}}, {uniform({3, 1})}, expanded({3, 5})).exact(),
          sample("scalar", op::Expand{{2, 2}}, {uniform({})}, expanded({2, 2})).exact(),
          sample("to_none", op::Expand{{0, 3}}, {uniform({1, 3})}, expanded({0, 3})),
          sample("nothing_to_do", op::Expand{{3, 1}}, {uniform({3, 1})}, expanded({3, 1})).exact(),
          fails("size", op::Expand{{2, 4}}, {uniform({2, 3})},
                "x [2, 3] does not expand to [2, 4]: dimension 1 is 3, asked for 4; expected equal "
                "sizes, or 1 in x"),
          fails("rank", op::Expand{{3}}, {uniform({2, 3})},
                "shape [3] has fewer dimensions than x [2, 3]"),
          fails("new_open", op::Expand{{-1, 3}}, {uniform({3})}, "dimension 0 is 1, asked for -1")};
}

}  // namespace catena::test
