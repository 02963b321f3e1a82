#include "ops/normalization_reference.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

auto layer_norm_of(const op::LayerNorm& op) {
  return [=](const List& in) {
    const std::int64_t n = op.normalized_shape.numel();
    Array mean, var;
    return normalised(
        in, op.eps, in[0].shape.numel() / n, [=](std::int64_t i) { return i / n; },
        [=](std::int64_t i) { return i % n; }, &mean, &var);
  };
}

auto rms_norm_of(const op::RmsNorm& op) {
  return [=](const List& in) {
    const Array& x = in[0];
    const std::int64_t n = op.normalized_shape.numel();
    Array y(x.shape);
    for (std::int64_t r = 0; r < x.shape.numel() / n; ++r) {
      double squares = 0;
      for (std::int64_t i = 0; i < n; ++i) squares += x[r * n + i] * x[r * n + i];
      const double root = std::sqrt(squares / static_cast<double>(n) + op.eps);
      for (std::int64_t i = 0; i < n; ++i)
        y[r * n + i] = x[r * n + i] / root * (in.size() > 1 ? in[1][i] : 1);
    }
    return y;
  };
}

auto batch_norm_of(const op::BatchNorm& op) {
  return [=](const List& in) {
    const std::int64_t features = in[0].shape[1];
    std::int64_t line = 1;
    for (int d = 2; d < in[0].shape.rank(); ++d) line *= in[0].shape[d];
    const auto feature = [=](std::int64_t i) { return i / line % features; };
    Array mean, var;
    Array y = normalised(in, op.eps, features, feature, feature, &mean, &var);
    return List{y, mean, var};
  };
}

}  // namespace

std::vector<OpSample> samples_LayerNorm() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Shape& x, const Shape& last, int count = 3,
                       double eps = 1e-5) {
    const op::LayerNorm op{last, eps};
    list.push_back(
        sample(name, op, affine_inputs(x, last, count), layer_norm_of(op)).tolerance(5e-6, 1e-11));
    return &list.back();
  };
  add("rows", {3, 5}, {5});
  add("plain", {3, 5}, {5}, 1);
  add("weight", {3, 5}, {5}, 2);
  add("vector", {6}, {6});
  add("two_dims", {2, 3, 4}, {3, 4});
  add("all_dims", {2, 3}, {2, 3});
  add("outer_dims", {2, 2, 5}, {5});
  add("a_batch_and_more", {6, 19}, {19});
  add("large_eps", {3, 5}, {5}, 3, 0.5);
  add("constant_x", {3, 5}, {5})->no_grad = 1;
  add("constant_weight", {3, 5}, {5})->no_grad = 2;
  add("only_bias", {3, 5}, {5})->no_grad = 3;
  add("no_rows", {0, 4}, {4});
  // The derivative is steep where all entries are equal.
  list.push_back(sample("equal_entries", op::LayerNorm{{4}, 0.1},
                        {values({2, 4}, {3, 3, 3, 3, -1, -1, -1, -1}), uniform({4}), uniform({4})},
                        layer_norm_of({{4}, 0.1})));
  add("long_rows", {3, 9001}, {9001})->gradients = false;
  add("many_rows", {3000, 7}, {7})->gradients = false;

  const auto wrong = [&](const char* name, const op::LayerNorm& op, std::vector<InputSpec> in,
                         const char* error) {
    list.push_back(fails(name, op, std::move(in), error));
  };
  wrong("sizes", {{4}}, {uniform({3, 5})},
        "[layer_norm] x has shape [3, 5] but normalized_shape is [4]; expected the sizes of the "
        "last dimensions of x, one or more");
  wrong("no_sizes", {}, {uniform({3, 5})}, "normalized_shape is []");
  wrong("more_sizes", {{2, 3, 5}}, {uniform({3, 5})}, "normalized_shape is [2, 3, 5]");
  wrong("integers", {{5}}, {integers({3, 5}, 0, 4)},
        "[layer_norm] x is int64; expected float32 or float64");
  wrong("weight_length", {{5}}, {uniform({3, 5}), uniform({3})},
        "[layer_norm] weight has shape [3]; expected [5] for x [3, 5]");
  wrong("bias_length", {{5}}, {uniform({3, 5}), uniform({5}), uniform({4})},
        "[layer_norm] bias has shape [4]; expected [5] for x [3, 5]");
  wrong("weight_dtype", {{5}}, {uniform({3, 5}), uniform({5}).as(kFloat64)},
        "[layer_norm] weight is float64 but x is float32; expected equal dtypes");
  return list;
}

std::vector<OpSample> samples_RmsNorm() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Shape& x, const Shape& last, int count = 2,
                       double eps = 1e-5) {
    const op::RmsNorm op{last, eps};
    list.push_back(
        sample(name, op, affine_inputs(x, last, count), rms_norm_of(op)).tolerance(5e-6, 1e-11));
    return &list.back();
  };
  add("rows", {3, 5}, {5});
  add("plain", {3, 5}, {5}, 1);
  add("two_dims", {2, 3, 4}, {3, 4});
  add("a_batch_and_more", {6, 19}, {19});
  add("large_eps", {3, 5}, {5}, 2, 0.5);
  add("constant_x", {3, 5}, {5})->no_grad = 1;
  add("constant_weight", {3, 5}, {5})->no_grad = 2;
  add("no_rows", {0, 4}, {4});
  add("long_rows", {3, 9001}, {9001})->gradients = false;
  add("many_rows", {3000, 7}, {7})->gradients = false;

  list.push_back(fails("sizes", op::RmsNorm{{4}}, {uniform({3, 5})},
                       "[rms_norm] x has shape [3, 5] but normalized_shape is [4]; expected the "
                       "sizes of the last dimensions of x, one or more"));
  list.push_back(fails("integers", op::RmsNorm{{5}}, {integers({3, 5}, 0, 4)},
                       "[rms_norm] x is int64; expected float32 or float64"));
  list.push_back(fails("weight_length", op::RmsNorm{{5}}, {uniform({3, 5}), uniform({3})},
                       "[rms_norm] weight has shape [3]; expected [5] for x [3, 5]"));
  return list;
}

std::vector<OpSample> samples_BatchNorm() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Shape& x, int count = 3, double eps = 1e-5) {
    const op::BatchNorm op{eps};
    list.push_back(sample(name, op, affine_inputs(x, {x[1]}, count), batch_norm_of(op))
                       .tolerance(5e-6, 1e-11));
    return &list.back();
  };
  add("rows", {5, 3});
  add("plain", {5, 3}, 1);
  add("weight", {5, 3}, 2);
  add("lines", {4, 3, 2});
  add("images", {2, 3, 2, 3});
  add("images_plain", {2, 3, 2, 3}, 1);
  add("one_sample", {1, 2, 4});
  add("more_than_a_batch", {4, 19});
  add("lines_of_more", {2, 2, 19});
  add("large_eps", {5, 3}, 3, 0.5);
  add("constant_x", {4, 3, 2})->no_grad = 1;
  add("only_bias", {4, 3, 2})->no_grad = 3;
  add("no_features", {4, 0, 2});
  add("many_rows", {3001, 21})->gradients = false;
  add("large_images", {3, 40, 33, 41})->gradients = false;

  const auto wrong = [&](const char* name, std::vector<InputSpec> in, const char* error) {
    list.push_back(fails(name, op::BatchNorm{}, std::move(in), error));
  };
  wrong("rank", {uniform({5})}, "[batch_norm] x has shape [5]; expected [N, C] or [N, C, ...]");
  wrong("integers", {integers({3, 5}, 0, 4)},
        "[batch_norm] x is int64; expected float32 or float64");
  wrong("one_value", {uniform({1, 3})},
        "[batch_norm] x has shape [1, 3], one value per feature; expected two values or more in "
        "training");
  wrong("no_value", {uniform({0, 3, 4})}, "[batch_norm] x has shape [0, 3, 4], no value per");
  wrong("weight_length", {uniform({3, 5}), uniform({3})},
        "[batch_norm] weight has shape [3]; expected [5] for x [3, 5]");
  wrong("bias_dtype", {uniform({3, 5}), uniform({5}), uniform({5}).as(kFloat64)},
        "[batch_norm] bias is float64 but x is float32; expected equal dtypes");
  return list;
}

}  // namespace catena::test
