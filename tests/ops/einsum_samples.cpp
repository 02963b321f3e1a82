#include <map>

#include "op_suite.hpp"

namespace catena::test {
namespace {

// The sum over all letters, one product at a time. `expanded` is the equation with letters in place
// of "..." and an explicit result.
OpSample summed(const std::string& name, const std::string& equation, const std::string& expanded,
                const std::vector<Shape>& shapes) {
  std::vector<InputSpec> inputs;
  for (const Shape& s : shapes) inputs.push_back(uniform(s));
  return sample(name, op::Einsum{equation}, inputs,
                [expanded](const std::vector<Array>& in) {
                  std::vector<std::string> lists(1);
                  for (const char c : expanded)
                    if (c == ',' || c == '>')
                      lists.emplace_back();
                    else if (c != '-')
                      lists.back() += c;
                  std::map<char, int> number;
                  Shape all;
                  for (std::size_t k = 0; k < in.size(); ++k)
                    for (std::size_t i = 0; i < lists[k].size(); ++i) {
                      const auto [it, fresh] = number.try_emplace(lists[k][i], all.rank());
                      const std::int64_t size = in[k].shape[static_cast<int>(i)];
                      if (fresh)
                        all.push_back(size);
                      else if (all[it->second] == 1)
                        all[it->second] = size;
                    }
                  const auto place = [&](const std::string& list, const Shape& shape,
                                         const Shape& at) {
                    Shape index = shape;
                    for (int i = 0; i < shape.rank(); ++i)
                      index[i] = shape[i] == 1 ? 0 : at[number[list[static_cast<std::size_t>(i)]]];
                    return index;
                  };
                  Shape shape;
                  for (const char c : lists.back()) shape.push_back(all[number[c]]);
                  Array out(shape);
                  for_each_index(all, [&](const Shape& at) {
                    double product = 1;
                    for (std::size_t k = 0; k < in.size(); ++k)
                      product *= in[k].at(place(lists[k], in[k].shape, at));
                    out.at(place(lists.back(), shape, at)) += product;
                  });
                  return out;
                })
      .only(DTypeSet(kFloat32, kFloat64, kInt32, kInt64))
      .tolerance(3e-5, 1e-12);
}

OpSample wrong(const std::string& name, const std::string& equation,
               const std::vector<Shape>& shapes, const std::string& error) {
  std::vector<InputSpec> inputs;
  for (const Shape& s : shapes) inputs.push_back(uniform(s));
  return fails(name, op::Einsum{equation}, inputs, error);
}

}  // namespace

std::vector<OpSample> samples_Einsum() {
  return {
      summed("product", "ij,jk->ik", "ij,jk->ik", {{2, 3}, {3, 4}}),
      summed("product_transposed", "ij,kj->ki", "ij,kj->ki", {{2, 3}, {4, 3}}),
      summed("implicit", "ij,jk", "ij,jk->ik", {{2, 3}, {3, 4}}),
      summed("implicit_order", "ba", "ba->ab", {{2, 3}}),
      summed("implicit_capitals", "aB,Bc,cD", "aB,Bc,cD->Da", {{2, 3}, {3, 2}, {2, 4}}),
      summed("batched", "bij,bjk->bik", "bij,bjk->bik", {{2, 3, 2}, {2, 2, 3}}),
      summed("heads", "bqhd,bkhd->bhqk", "bqhd,bkhd->bhqk", {{2, 3, 2, 2}, {2, 4, 2, 2}}),
      summed("two_summed", "aij,bji->ab", "aij,bji->ab", {{2, 3, 2}, {4, 2, 3}}),
      summed("sum", "ij->j", "ij->j", {{3, 2}}),
      summed("sum_all", "ij->", "ij->", {{3, 2}}),
      summed("trace", "ii", "ii->", {{3, 3}}),
      summed("diagonal", "ii->i", "ii->i", {{3, 3}}),
      summed("diagonal_batched", "ibi->bi", "ibi->bi", {{3, 2, 3}}),
      summed("diagonal_of_three", "iii->i", "iii->i", {{3, 3, 3}}),
      summed("diagonal_product", "iij,jk->ik", "iij,jk->ik", {{2, 2, 3}, {3, 2}}),
      summed("transposed", "abc->cab", "abc->cab", {{2, 3, 4}}),
      summed("outer", "i,j->ij", "i,j->ij", {{3}, {4}}),
      summed("elementwise", "ij,ij->ij", "ij,ij->ij", {{2, 3}, {2, 3}}),
      summed("inner", "i,i", "i,i->", {{4}, {4}}),
      summed("summed_in_one", "ijk,jl->il", "ijk,jl->il", {{2, 3, 2}, {3, 2}}),
      summed("bilinear", "bi,oij,bj->bo", "bi,oij,bj->bo", {{2, 3}, {2, 3, 2}, {2, 2}}),
      summed("scalar", ",ij->ij", ",ij->ij", {{}, {2, 3}}),
      summed("dots", "...ij,...jk->...ik", "xij,xjk->xik", {{2, 2, 3}, {2, 3, 2}}),
      summed("dots_broadcast", "...ij,jk->...ik", "xyij,jk->xyik", {{2, 2, 2, 3}, {3, 2}}),
      summed("dots_of_two_ranks", "...i,...i->...", "xyi,yi->xy", {{2, 3, 2}, {3, 2}}),
      summed("dots_implicit", "...ij->...ji", "xij->xji", {{2, 2, 3}}),
      summed("dots_in_front", "i...->...", "ixy->xy", {{2, 3, 2}}),
      summed("dots_summed", "...i->i", "xi->i", {{3, 2}}),
      summed("ones_broadcast", "ij,ij->ij", "ij,ij->ij", {{1, 3}, {2, 1}}),
      summed("ones_summed", "ij,jk->ik", "ij,jk->ik", {{2, 1}, {3, 4}}),
      summed("spaces", " ij , jk -> i k ", "ij,jk->ik", {{2, 3}, {3, 2}}),
      summed("empty", "ij,jk->ik", "ij,jk->ik", {{0, 3}, {3, 2}}),
      summed("empty_sum", "ij,jk->ik", "ij,jk->ik", {{2, 0}, {0, 3}}),
      wrong(
          "unknown_result", "ij,jk->iz", {{2, 3}, {3, 4}},
          "\"ij,jk->iz\": letter 'z' at position 8 of the result is in no tensor; expected one of "
          "theirs"),
      wrong("twice_in_result", "ij,jk->ii", {{2, 3}, {3, 4}},
            "letter 'i' at position 8 comes twice in the result; expected once"),
      wrong("character", "i1,j", {{2}, {3}},
            "'1' at position 1 is not understood; expected letters, \"...\", ',' and one \"->\""),
      wrong("second_arrow", "i->i->i", {{2}}, "'-' at position 4 is not understood"),
      wrong("comma_in_result", "i->i,", {{2}}, "',' at position 4 is not understood"),
      wrong("letters", "ij", {{2, 3, 4}},
            "tensor 0 has shape [2, 3, 4] and 2 letters; expected one per dimension"),
      wrong("too_many_letters", "...ijk", {{2, 3}},
            "tensor 0 has shape [2, 3] and 3 letters; expected at most one per dimension"),
      wrong("tensors", "ij,jk->ik", {{2, 3}},
            "2 lists of letters for 1 tensors; expected one for each"),
      wrong("sizes", "ij,jk->ik", {{2, 3}, {4, 2}},
            "letter 'j' has size 3 in tensor 0 [2, 3] and 4 in tensor 1 [4, 2]; expected equal "
            "sizes, or 1"),
      wrong("diagonal_sizes", "ii->i", {{2, 3}},
            "letter 'i' has size 2 in tensor 0 [2, 3] and 3 in tensor 0 [2, 3]; expected equal "
            "sizes"),
      wrong(
          "dots_sizes", "...,...", {{2, 3}, {4}},
          "dimension 1 from the end under \"...\" has size 3 in tensor 0 [2, 3] and 4 in tensor 1 "
          "[4]"),
      wrong("two_dots", "...i...", {{2}}, "\"...\" at position 4 is the second one of its list"),
      wrong("rank", "abcde,fghij->abcdefghij", {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
            "a product of two tensors has 10 dimensions; expected at most 8"),
      fails("dtypes", op::Einsum{"i,i"}, {uniform({2}), uniform({2}).as(kFloat64)},
            "dtypes differ: tensor 0 float32, tensor 1 float64; expected equal; convert one with "
            "to(dtype)")};
}

}  // namespace catena::test
