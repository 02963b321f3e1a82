#include <algorithm>
#include <cmath>
#include <limits>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

Array reduced(const std::vector<double>& losses, const Shape& shape, const std::string& reduction) {
  if (reduction == "none") return Array(shape, losses);
  double sum = 0;
  for (double l : losses) sum += l;
  if (reduction == "mean") sum /= static_cast<double>(losses.size());
  return Array(Shape(), sum);
}

auto cross_entropy_of(std::string reduction) {
  return [=](const List& in) {
    const std::int64_t n = in[0].shape[0], classes = in[0].shape[1];
    const bool indices = in[1].shape.rank() == 1;
    std::vector<double> losses;
    Array log_sums(Shape{n});
    for (std::int64_t i = 0; i < n; ++i) {
      const double* x = in[0].values.data() + i * classes;
      const double top = *std::max_element(x, x + classes);
      double sum = 0, loss = 0;
      for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(x[c] - top);
      log_sums[i] = top + std::log(sum);
      for (std::int64_t c = 0; c < classes; ++c) {
        const double p =
            indices ? (in[1][i] == static_cast<double>(c) ? 1 : 0) : in[1][i * classes + c];
        if (p != 0) loss += p * (log_sums[i] - x[c]);
      }
      losses.push_back(loss);
    }
    return List{reduced(losses, Shape{n}, reduction), log_sums};
  };
}

// f(prediction, target) element by element.
template <class F>
auto entries(std::string reduction, F f) {
  return [=](const List& in) {
    std::vector<double> losses;
    for (std::size_t i = 0; i < in[0].values.size(); ++i)
      losses.push_back(f(in[0].values[i], in[1].values[i]));
    return reduced(losses, in[0].shape, reduction);
  };
}

template <class Op>
std::vector<OpSample> pair_errors(const char* op, const char* first) {
  const std::string name = std::string("[") + op + "] ";
  return {
      fails("shapes", Op{}, {uniform({5, 1}), uniform({5})},
            name + first + " has shape [5, 1] but target has shape [5]; expected equal shapes"),
      fails("integers", Op{}, {integers({3}, 0, 5), uniform({3})}, name + first + " is int64"),
      fails("reduction", Op{"meen"}, {uniform({3}), uniform({3})},
            name + "unknown reduction \"meen\"; expected \"mean\", \"sum\" or \"none\"; did you"),
  };
}

}  // namespace

std::vector<OpSample> samples_CrossEntropy() {
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<OpSample> list;
  for (const char* reduction : {"mean", "sum", "none"}) {
    const op::CrossEntropy op{reduction};
    const auto add = [&](const char* what, std::vector<InputSpec> inputs) {
      list.push_back(sample(std::string(what) + "_" + reduction, op, std::move(inputs),
                            cross_entropy_of(reduction)));
    };
    add("indices", {uniform({4, 5}), integers({4}, 0, 5)});
    add("probabilities", {uniform({3, 4}), uniform({3, 4}, 0.05, 1)});
  }
  const op::CrossEntropy mean, sum{"sum"}, none{"none"};
  const auto add = [&](const char* name, const op::CrossEntropy& op, InputSpec x, InputSpec t) {
    list.push_back(sample(name, op, {std::move(x), std::move(t)}, cross_entropy_of(op.reduction)));
    return &list.back();
  };
  add("int32", mean, uniform({3, 7}), integers({3}, 0, 7).as(kInt32));
  add("a_batch_and_more", sum, uniform({2, 19}), integers({2}, 0, 19));
  add("one_class", sum, uniform({3, 1}), integers({3}, 0, 1));
  add("no_rows", sum, uniform({0, 3}), integers({0}, 0, 3));
  add("constant_target", mean, uniform({3, 4}), uniform({3, 4}, 0, 1))->no_grad = 2;
  add("far_apart", none, values({3, 3}, {1000, 0, -1000, -1e5, 1e5, 0, 5, 6, 7}),
      values({3}, {0, 1, 2}).as(kInt64))
      ->gradients = false;
  add("masked", none, values({2, 3}, {1, -inf, 2, -inf, 0, -inf}), values({2}, {2, 1}).as(kInt64))
      ->gradients = false;
  add("masked_probabilities", none, values({2, 3}, {1, -inf, 2, -inf, 0, -inf}),
      values({2, 3}, {0.5, 0, 0.5, 0, 1, 0}))
      ->gradients = false;
  add("many_classes", mean, uniform({5, 9001}, -4, 4), integers({5}, 0, 9001))->gradients = false;
  add("many_rows", mean, uniform({3000, 11}), integers({3000}, 0, 11))->gradients = false;

  const auto wrong = [&](const char* name, std::vector<InputSpec> inputs, const char* error,
                         const op::CrossEntropy& op = {}) {
    list.push_back(fails(name, op, std::move(inputs), error));
  };
  wrong("rows", {uniform({5, 10}), integers({4}, 0, 5)},
        "[cross_entropy] target has 4 rows but logits have 5: target [4], logits [5, 10]; expected "
        "one class index per row of logits");
  wrong("column_of_indices", {uniform({5, 10}), integers({5, 1}, 0, 5)},
        "[cross_entropy] target holds class indices and has shape [5, 1]");
  wrong("logits_rank", {uniform({10}), integers({1}, 0, 5)},
        "[cross_entropy] logits have shape [10]; expected [N, C]");
  wrong("logits_dtype", {integers({2, 3}, 0, 5), integers({2}, 0, 3)},
        "[cross_entropy] logits are int64; expected float32 or float64");
  wrong("no_classes", {uniform({2, 0}), integers({2}, 0, 3)}, "which has no classes");
  wrong("probability_rows", {uniform({5, 10}), uniform({4, 10})},
        "[cross_entropy] target has 4 rows but logits have 5");
  wrong("probability_columns", {uniform({5, 10}), uniform({5, 9})},
        "[cross_entropy] target holds probabilities (it is float32) and has shape [5, 9] but "
        "logits have [5, 10]");
  wrong("float_indices", {uniform({5, 10}), uniform({5})}, "class indices must be int32 or int64");
  wrong("probability_dtype", {uniform({5, 10}), uniform({5, 10}).as(kFloat64)},
        "[cross_entropy] target is float64 but logits are float32");
  wrong("target_dtype", {uniform({5, 10}), integers({5}, 0, 5).as(kUInt8)},
        "[cross_entropy] target is uint8; expected class indices (int32 or int64) or");
  wrong(
      "class_too_large", {uniform({3, 10}), values({3}, {0, 10, 2}).as(kInt64)},
      "[cross_entropy] target of row 1 is class 10, but logits have 10 classes; expected an index "
      "from 0 to 9");
  wrong("class_negative", {uniform({3, 10}), values({3}, {0, 1, -2}).as(kInt32)},
        "[cross_entropy] target of row 2 is class -2");
  wrong("reduction", {uniform({3, 10}), integers({3}, 0, 10)},
        "[cross_entropy] unknown reduction \"avg\"; expected \"mean\", \"sum\" or \"none\"",
        op::CrossEntropy{"avg"});
  return list;
}

std::vector<OpSample> samples_MseLoss() {
  const auto f = [](double p, double t) { return (p - t) * (p - t); };
  std::vector<OpSample> list = pair_errors<op::MseLoss>("mse_loss", "prediction");
  for (const char* reduction : {"mean", "sum", "none"})
    list.push_back(sample(reduction, op::MseLoss{reduction}, {uniform({3, 4}), uniform({3, 4})},
                          entries(reduction, f))
                       .only(kFloatTypes));
  list.push_back(sample("scalar", op::MseLoss{}, {uniform({}), uniform({})}, entries("mean", f))
                     .only(kFloatTypes));
  list.push_back(
      sample("empty_sum", op::MseLoss{"sum"}, {uniform({0, 3}), uniform({0, 3})}, entries("sum", f))
          .only(kFloatTypes));
  list.push_back(sample("integer_target", op::MseLoss{}, {uniform({5}), integers({5}, 0, 4)},
                        entries("mean", f))
                     .only(kFloatTypes));
  return list;
}

std::vector<OpSample> samples_BceWithLogits() {
  const auto f = [](double x, double t) {
    return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x)));
  };
  std::vector<OpSample> list = pair_errors<op::BceWithLogits>("bce_with_logits", "logits");
  for (const char* reduction : {"mean", "sum", "none"})
    list.push_back(sample(reduction, op::BceWithLogits{reduction},
                          {uniform({3, 4}, -4, 4), uniform({3, 4}, 0, 1)}, entries(reduction, f))
                       .only(kFloatTypes));
  // The formula has kinks at 0 that cancel: values and gradients must not notice.
  list.push_back(sample("zero", op::BceWithLogits{},
                        {values({4}, {0, 0, 0, -0.0}), values({4}, {0, 1, 0.25, 0.5})},
                        entries("mean", f))
                     .only(kFloatTypes));
  list.push_back(sample("far", op::BceWithLogits{"none"},
                        {values({4}, {1000, -1000, 1e30, -1e30}), values({4}, {1, 0, 0.5, 0.5})},
                        entries("none", f))
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(sample("bool_target", op::BceWithLogits{}, {uniform({5}, -4, 4), booleans({5})},
                        entries("mean", f))
                     .only(kFloatTypes));
  return list;
}

}  // namespace catena::test
