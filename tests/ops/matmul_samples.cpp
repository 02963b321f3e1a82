#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// NumPy's matmul, one sum after the other.
Array product(const List& in) {
  Array a = in[0], b = in[1];
  const bool vector_a = a.shape.rank() == 1, vector_b = b.shape.rank() == 1;
  if (vector_a) a.shape.insert(0, 1);
  if (vector_b) b.shape.push_back(1);
  const auto batch_of = [](const Shape& s) { return Shape(s.data(), s.rank() - 2); };
  Shape shape;
  broadcast_shapes(batch_of(a.shape), batch_of(b.shape), &shape);
  const int batch_rank = shape.rank();
  const std::int64_t inner = a.shape.back();
  shape.push_back(a.shape[a.shape.rank() - 2]);
  shape.push_back(b.shape.back());
  Array out(shape);
  const auto index = [&](const Array& x, const Shape& at, std::int64_t row, std::int64_t col) {
    Shape i = x.shape;
    const int rank = x.shape.rank();
    for (int d = 0; d < rank - 2; ++d) i[d] = x.shape[d] == 1 ? 0 : at[batch_rank - (rank - 2) + d];
    i[rank - 2] = row;
    i[rank - 1] = col;
    return i;
  };
  for_each_index(shape, [&](const Shape& at) {
    for (std::int64_t k = 0; k < inner; ++k)
      out.at(at) += a.at(index(a, at, at[batch_rank], k)) * b.at(index(b, at, k, at.back()));
  });
  if (vector_b) out.shape.erase(out.shape.rank() - 1);
  if (vector_a) out.shape.erase(batch_rank);
  return out;
}

OpSample of(const char* name, const Shape& a, const Shape& b) {
  return sample(name, op::Matmul{}, {uniform(a), uniform(b)}, product)
      .tolerance(2e-5, 1e-12)
      .in_blas_order();
}

// x weight^T + bias, one sum after the other.
Array layer(const List& in) {
  const Array &x = in[0], &weight = in[1];
  Shape shape = x.shape;
  shape[shape.rank() - 1] = weight.shape[0];
  Array out(shape);
  for_each_index(shape, [&](const Shape& at) {
    Shape from = at;
    const std::int64_t row = at.back();
    for (std::int64_t k = 0; k < weight.shape[1]; ++k) {
      from[from.rank() - 1] = k;
      out.at(at) += x.at(from) * weight.at({row, k});
    }
    if (in.size() > 2) out.at(at) += in[2].at({row});
  });
  return out;
}

OpSample layer_of(const char* name, const Shape& x, const Shape& weight, bool bias = true) {
  std::vector<InputSpec> in{uniform(x), uniform(weight)};
  if (bias) in.push_back(uniform({weight[0]}));
  return sample(name, op::Linear{}, in, layer).tolerance(2e-5, 1e-12).in_blas_order();
}

}  // namespace

std::vector<OpSample> samples_Linear() {
  return {
      layer_of("rows", {3, 4}, {5, 4}),
      layer_of("no_bias", {3, 4}, {5, 4}, false),
      layer_of("one_row", {1, 6}, {3, 6}),
      layer_of("vector", {4}, {3, 4}),
      layer_of("vector_no_bias", {4}, {3, 4}, false),
      layer_of("batches", {2, 3, 4}, {2, 4}),
      layer_of("four_dims", {2, 1, 3, 2}, {4, 2}),
      layer_of("one_output", {5, 3}, {1, 3}),
      layer_of("long", {5, 67}, {9, 67}),
      layer_of("no_rows", {0, 4}, {3, 4}),
      layer_of("no_inputs", {2, 0}, {3, 0}),
      layer_of("no_outputs", {2, 3}, {0, 3}),
      fails("sizes", op::Linear{}, {uniform({5, 3}), uniform({3, 2})},
            "x is [5, 3] and weight [3, 2]; expected x [.., k] and weight [n, k]; check the "
            "order of the arguments or transpose one"),
      fails("weight_rank", op::Linear{}, {uniform({3}), uniform({3})},
            "x is [3] and weight [3]; expected x [.., k] and weight [n, k]"),
      fails("scalar", op::Linear{}, {uniform({}), uniform({2, 3})},
            "x is [] and weight [2, 3]; expected x [.., k]"),
      fails("bias", op::Linear{}, {uniform({5, 3}), uniform({4, 3}), uniform({3})},
            "bias is [3]; expected [4], an entry for each row of weight [4, 3]"),
      fails("dtypes", op::Linear{}, {uniform({2, 2}), uniform({2, 2}), uniform({2}).as(kFloat64)},
            "dtypes differ: x is float32, bias is float64; expected equal")};
}

std::vector<OpSample> samples_Matmul() {
  return {of("matrices", {3, 4}, {4, 5}),
          of("vectors", {4}, {4}),
          of("matrix_vector", {3, 4}, {4}),
          of("vector_matrix", {4}, {4, 3}),
          of("batch", {2, 3, 4}, {2, 4, 2}),
          of("batch_matrix", {2, 3, 4}, {4, 2}),
          of("matrix_batch", {3, 4}, {2, 4, 2}),
          of("batch_vector", {2, 3, 4}, {4}),
          of("vector_batch", {4}, {2, 4, 3}),
          of("broadcast_batch", {2, 1, 2, 3}, {3, 3, 2}),
          of("broadcast_one", {1, 2, 3}, {2, 3, 2}),
          of("rows_of_one", {5, 1, 3}, {3, 2}),
          of("columns_of_one", {3, 1}, {1, 4}),
          of("two_batch_dims", {2, 3, 2, 4}, {4, 3}),
          of("long", {5, 67}, {67, 9}),
          of("no_columns", {2, 0}, {0, 3}),
          of("no_rows", {0, 4}, {4, 3}),
          of("no_batches", {0, 2, 3}, {3, 2}),
          of("empty_vectors", {0}, {0}),
          fails("inner", op::Matmul{}, {uniform({5, 3}), uniform({4, 2})},
                "inner sizes differ: a [5, 3] has 3 columns, b [4, 2] has 4 rows; expected equal; "
                "check the order of the arguments or transpose one"),
          fails("inner_vector", op::Matmul{}, {uniform({3}), uniform({4, 2})},
                "a [3] has 3 entries, b [4, 2] has 4 rows"),
          fails("inner_vectors", op::Matmul{}, {uniform({3}), uniform({4})},
                "a [3] has 3 entries, b [4] has 4 entries"),
          fails("batches", op::Matmul{}, {uniform({2, 3, 4}), uniform({3, 4, 2})},
                "batch sizes do not broadcast: a [2, 3, 4] has [2], b [3, 4, 2] has [3]; expected "
                "sizes that are equal or 1"),
          fails("scalar", op::Matmul{}, {uniform({}), uniform({4})},
                "a is 0-d; expected at least one dimension; multiply by a scalar with *"),
          fails("dtypes", op::Matmul{}, {uniform({2, 2}), uniform({2, 2}).as(kFloat64)},
                "dtypes differ: a is float32, b is float64; expected equal; convert one with "
                "to(dtype)"),
          fails("integers", op::Matmul{}, {integers({2, 2}, 0, 3), integers({2, 2}, 0, 3)},
                "no kernel for int64 on cpu; expected one of float32, float64")};
}

}  // namespace catena::test
