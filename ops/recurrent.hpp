// What the recurrent layers have in common: rnn, lstm and gru.
//
// Each is one layer over a sequence x [T, N, I] in one direction, T >= 1; `reverse` starts at the
// end. PyTorch's gate orders: i, f, g, o of lstm; r, z, n of gru.
#pragma once

#include "catena/graph/tensor.hpp"

namespace catena {

// `lengths` (int64, [N], each in 1..T) says how many steps of each sequence count, as a
// PackedSequence of PyTorch does, in any order: the output is 0 beyond the end, the final state is
// that of the last step that counts, `reverse` starts there, and what x holds beyond is not read.
struct RecurrentOptions {
  bool reverse = false;
  Tensor lengths;
};

// The output of every step, [T, N, H], and the last state, [N, H].
struct RecurrentOutput {
  Tensor y, h;
};

}  // namespace catena
