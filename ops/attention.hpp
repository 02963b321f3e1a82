// Scaled dot-product attention.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// Inputs: query [.., Hq, L, E], key [.., H, S, E], value [.., H, S, V], Hq a multiple of H: heads
// Hq / H i to Hq / H (i + 1) - 1 of the query read head i. mask broadcasts to the scores
// [.., Hq, L, S]: bool, true where a position takes part, or of the dtype of query and added.
// Outputs: y [.., Hq, L, V], and for the gradient log sum_j e^score of each row, [.., Hq, L]. A row
// without any position is 0. The scores are never stored: blocks of them are computed while rows
// keep a running maximum and sum (Dao et al., 2022), and again for the gradient.
struct Attention {
  double scale = 1;
  bool causal = false;
  std::int64_t causal_offset = 0;
  double dropout = 0;
  PhiloxState state;  // drawn anew at each call, unless given
  static constexpr int kStateMembers = 1;
  static constexpr const char* kFormula = "y = dropout(softmax(scale query key^T + mask)) value";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"scale", &Attention::scale, "factor of the products"},
      Attr{"causal", &Attention::causal, "row i sees positions up to i + causal_offset"},
      Attr{"causal_offset", &Attention::causal_offset, "how much farther causal rows see"},
      Attr{"dropout", &Attention::dropout, "probability that a weight becomes 0"}};
  static constexpr Inputs kInputs{"query", "key", "value", "mask?"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::all_inputs() | Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("MatMul, Mul, Where, Softmax, MatMul");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
  void draw(std::int64_t numel);
  void to_evaluation() { dropout = 0; }
};

}  // namespace op

// PyTorch's options and defaults.
struct AttentionOptions {
  Tensor attn_mask;  // bool, true where a position takes part; or floating, added to the scores
  double dropout_p = 0;
  bool is_causal = false;       // row i sees positions up to i + causal_offset
  std::optional<double> scale;  // default 1 / sqrt(E)
  bool enable_gqa = false;      // key and value may have fewer heads, a divisor of the query's
  // Rows that follow this many earlier positions, as with a cache of keys.
  std::int64_t causal_offset = 0;
};

// softmax(scale query key^T + mask) value: query [.., L, E], key [.., S, E], value [.., S, V] with
// equal leading dimensions, the last of which are heads; attn_mask broadcasts to [.., L, S].
// Weights are dropped with probability dropout_p (give 0 in evaluation). A row that sees no
// position gives 0. float32 or float64, equal dtypes. Errors: sizes or dtypes that do not fit,
// dropout_p outside [0, 1].
Tensor scaled_dot_product_attention(Operand query, Operand key, Operand value,
                                    const AttentionOptions& options = {});

namespace detail {
// The weights [.., Hq, L, S] that `op` gives the positions, before dropout, made of other ops.
// Not for programs.
Tensor attention_weights(const op::Attention& op, const Tensor& query, const Tensor& key,
                         const Tensor& mask);
}  // namespace detail

}  // namespace catena
