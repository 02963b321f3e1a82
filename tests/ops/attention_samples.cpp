#include <cmath>
#include <limits>

#include "catena/graph/philox.hpp"
#include "op_suite.hpp"

namespace catena::test {
namespace {

const double kInf = std::numeric_limits<double>::infinity();

std::uint32_t number(std::int64_t i) {
  return philox_number(kSuiteSeed, static_cast<std::uint64_t>(i));
}

// The score of every position of one row, which comes `row`th and has the index `at`.
std::vector<double> scores_of(const op::Attention& op, const std::vector<Array>& in,
                              bool mask_allows, std::int64_t row, std::int64_t kv,
                              const Shape& at) {
  const Array &q = in[0], &k = in[1];
  const std::int64_t columns = k.shape[k.shape.rank() - 2], features = q.shape.back();
  std::vector<double> scores(static_cast<std::size_t>(columns), -kInf);
  for (std::int64_t j = 0; j < columns; ++j) {
    if (op.causal && j > at.back() + op.causal_offset) continue;
    double score = 0;
    for (std::int64_t e = 0; e < features; ++e)
      score += op.scale * q[row * features + e] * k[(kv * columns + j) * features + e];
    if (in.size() > 3) {
      Shape index = at;
      index.push_back(j);
      const double mask = broadcast_at(in[3], index);
      score = !mask_allows ? score + mask : mask != 0 ? score : -kInf;
    }
    scores[static_cast<std::size_t>(j)] = score;
  }
  return scores;
}

auto attention_of(const op::Attention& op, bool mask_allows) {
  return [=](const std::vector<Array>& in) {
    const Array &q = in[0], &k = in[1], &v = in[2];
    const int rank = q.shape.rank();
    const std::int64_t columns = k.shape[rank - 2], values = v.shape.back();
    const std::int64_t group = rank > 2 ? q.shape[rank - 3] / k.shape[rank - 3] : 1;
    Shape y_shape = q.shape, rows = q.shape;
    y_shape[rank - 1] = values;
    rows.erase(rank - 1);
    Array y(y_shape), log_sums(rows, kInf);
    std::int64_t row = 0;
    for_each_index(rows, [&](const Shape& at) {
      const std::int64_t kv = row / rows.back() / group;
      const std::vector<double> scores = scores_of(op, in, mask_allows, row, kv, at);
      double largest = -kInf, sum = 0;
      for (double s : scores) largest = std::max(largest, s);
      for (double s : scores) sum += s == -kInf ? 0 : std::exp(s - largest);
      if (sum > 0) log_sums[row] = largest + std::log(sum);
      for (std::int64_t j = 0; j < columns; ++j) {
        double p = std::exp(scores[static_cast<std::size_t>(j)] - log_sums[row]);
        if (op.dropout > 0)
          p *= number(row * columns + j) < op.dropout * 4294967296.0 ? 0 : 1 / (1 - op.dropout);
        for (std::int64_t e = 0; e < values; ++e)
          y[row * values + e] += p * v[(kv * columns + j) * values + e];
      }
      ++row;
    });
    return std::vector<Array>{y, log_sums};
  };
}

struct Sizes {
  std::int64_t batch = 2, heads = 2, kv_heads = 2, rows = 3, columns = 4, features = 2, values = 3;
};
std::vector<InputSpec> inputs(const Sizes& s) {
  return {uniform({s.batch, s.heads, s.rows, s.features}),
          uniform({s.batch, s.kv_heads, s.columns, s.features}),
          uniform({s.batch, s.kv_heads, s.columns, s.values})};
}
std::vector<InputSpec> masked(const Sizes& s, const InputSpec& mask) {
  std::vector<InputSpec> list = inputs(s);
  list.push_back(mask);
  return list;
}

}  // namespace

std::vector<OpSample> samples_Attention() {
  using op::Attention;
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Attention& op, std::vector<InputSpec> in) {
    const bool mask_allows = in.size() > 3 && in[3].has_dtype;
    list.push_back(sample(name, op, std::move(in), attention_of(op, mask_allows))
                       .tolerance(1e-5, 1e-12)
                       .in_blas_order());
    return &list.back();
  };
  const Attention plain{.scale = 0.7}, causal{.causal = true};
  const Sizes small;
  add("plain", plain, inputs(small));
  add("causal", causal, inputs({.rows = 4, .columns = 4}));
  add("causal_few_rows", causal, inputs(small));
  add("causal_offset", {.causal = true, .causal_offset = 2}, inputs(small));
  add("causal_empty_rows", {.causal = true, .causal_offset = -2}, inputs({.rows = 4}));
  add("grouped", plain, inputs({.heads = 4, .kv_heads = 2}));
  add("one_head", plain, {uniform({3, 2}), uniform({4, 2}), uniform({4, 5})});
  add("no_batch", causal, {uniform({2, 3, 2}), uniform({1, 3, 2}), uniform({1, 3, 2})});
  add("added_mask", plain, masked(small, uniform({2, 2, 3, 4})));
  add("added_mask_of_all_heads", causal, masked(small, uniform({3, 4})));
  add("added_mask_of_columns", plain, masked(small, uniform({2, 1, 1, 4})));
  add("added_infinity", plain, masked(small, values({1, 4}, {0.5, -kInf, 0, -kInf})))->no_grad = 8;
  add("bool_mask", plain,
      masked(small, values({3, 4}, {1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 1}).as(kBool)));
  add("bool_mask_empty_row", plain,
      masked(small, values({3, 4}, {1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1}).as(kBool)));
  add("bool_mask_of_columns", causal,
      masked(small, values({2, 1, 1, 4}, {1, 1, 0, 0, 1, 0, 1, 1}).as(kBool)));
  add("dropout", {.scale = 0.7, .dropout = 0.4}, inputs(small));
  add("dropout_causal_grouped", {.causal = true, .dropout = 0.3},
      inputs({.heads = 4, .kv_heads = 2, .rows = 4}));
  add("constant_query", plain, inputs(small))->no_grad = 1;
  add("only_values", plain, inputs(small))->no_grad = 3;
  add("no_positions", plain, inputs({.columns = 0}));
  add("no_rows", plain, inputs({.rows = 0}));
  add("no_batches", plain, inputs({.batch = 0}));
  // Several blocks of rows and of columns.
  const Sizes large{.batch = 1,
                    .heads = 2,
                    .kv_heads = 1,
                    .rows = 150,
                    .columns = 600,
                    .features = 5,
                    .values = 19};
  add("blocks", plain, inputs(large))->gradients = false;
  add("blocks_causal", {.causal = true, .causal_offset = 300, .dropout = 0.2}, inputs(large))
      ->gradients = false;
  add("blocks_masked", plain, masked(large, uniform({150, 600}, -3, 3)))->gradients = false;

  const auto wrong = [&](const char* name, std::vector<InputSpec> in, const char* error,
                         const Attention& op = {}) {
    list.push_back(fails(name, op, std::move(in), error));
  };
  wrong("integers", {integers({3, 2}, 0, 2), uniform({3, 2}), uniform({3, 2})},
        "query is int64; expected float32 or float64");
  wrong("dtypes", {uniform({3, 2}), uniform({3, 2}).as(kFloat64), uniform({3, 2})},
        "key is float64 but query is float32; expected equal dtypes");
  wrong("features", {uniform({3, 2}), uniform({3, 4}), uniform({3, 2})},
        "query [3, 2], key [3, 4], value [3, 2]; expected [.., Hq, L, E], [.., H, S, E]");
  wrong("positions", {uniform({3, 2}), uniform({3, 2}), uniform({4, 2})}, "value [4, 2]; expected");
  wrong("heads", inputs({.heads = 3}), "Hq a multiple of H");
  wrong("mask_shape", masked(small, uniform({4, 3})),
        "mask is [4, 3]; expected a shape that broadcasts to the scores [2, 2, 3, 4]");
  wrong("mask_dtype", masked(small, integers({3, 4}, 0, 2)),
        "mask is int64; expected bool, true where a position takes part, or float32");
  wrong("dropout_range", inputs(small), "dropout is 1.5; expected a probability in [0, 1]",
        {.dropout = 1.5});
  return list;
}

}  // namespace catena::test
