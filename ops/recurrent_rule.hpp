// Shape rules and gradients that the recurrent ops share. Not a public header.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "catena/graph/dispatch.hpp"

namespace catena::detail {

struct RecurrentSizes {
  std::int64_t steps = 0, batch = 0, input = 0, hidden = 0;
};

// Of x (input 0) and weight_ih [gates * H, I] (input `weight_ih`); fails where they do not fit.
RecurrentSizes check_sequence(const InferContext& c, int weight_ih, int gates);
// Input i has this shape and the dtype of x.
void expect_input(const InferContext& c, int i, const Shape& shape);
// Input i, where it is given: int64 [batch].
void expect_lengths(const InferContext& c, int i, std::int64_t batch);

// One step: from the projected input [N, G] and the state to the next state, whose first part is
// the output.
using RecurrentStep =
    std::function<std::vector<Tensor>(const Tensor& projected, const std::vector<Tensor>& state)>;
// x with zeros beyond the ends of the sequences; x itself without lengths.
Tensor masked_sequence(const Tensor& x, const Tensor& lengths);
// The sequence step by step: the outputs [T, N, H], then the last state.
std::vector<Tensor> unroll(const Tensor& projected, std::vector<Tensor> state,
                           const Tensor& lengths, bool reverse, const RecurrentStep& step);

// --- What the public functions share ---

// The dimensions that a zero state is made from: N of x [T, N, I], and H of a weight [gates * H,
// ..] or all its rows. Empty where the tensor does not have them, which the shape rule then
// reports.
Shape batch_of(const Operand& x);
Shape hidden_of(const Tensor& weight, int gates);
inline Shape rows_of(const Tensor& weight) { return hidden_of(weight, 1); }
Shape joined(const Shape& a, const Shape& b);
// `given`, or zeros of this shape like x.
Tensor or_zeros(const Tensor& given, const Shape& shape, const Operand& x);
// A call with those of the optional operands, at the end, that are defined.
std::vector<Tensor> call_recurrent(const OpInfo& info, const void* op, Operand& x,
                                   std::initializer_list<Tensor> others);
// x weight^T, plus a bias that is defined.
Tensor affine(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace catena::detail
