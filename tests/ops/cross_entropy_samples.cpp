#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/loss_reference.hpp"

namespace catena::test {
namespace {

// sum_c w_c q_c l_c of each row with l = log sum e^x - x, or -x of log-probabilities; q as `op`
// says.
struct ClassLossReference {
  std::string reduction;
  std::int64_t ignore_index = -100;
  double smoothing = 0;
  bool log_probabilities = false;

  std::vector<Array> operator()(const std::vector<Array>& in) const {
    const std::int64_t n = in[0].shape[0], classes = in[0].shape[1];
    const bool indices = in[1].shape.rank() == 1;
    const auto weight = [&](std::int64_t c) { return in.size() > 2 ? in[2][c] : 1; };
    std::vector<double> losses;
    Array scales(Shape{n, 2});
    double divisor = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double* x = in[0].values.data() + i * classes;
      const double top = *std::max_element(x, x + classes);
      double sum = 0, loss = 0;
      for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(x[c] - top);
      scales[2 * i] = top;
      scales[2 * i + 1] = std::log(sum);
      const bool ignored = indices && in[1][i] == static_cast<double>(ignore_index);
      for (std::int64_t c = 0; c < classes && !ignored; ++c) {
        const bool hit = indices && in[1][i] == static_cast<double>(c);
        const double p = indices ? hit : in[1][i * classes + c];
        const double q = p * (1 - smoothing) + smoothing / static_cast<double>(classes);
        if (q != 0)
          loss += weight(c) * q * (log_probabilities ? -x[c] : std::log(sum) - (x[c] - top));
        if (hit) divisor += weight(c);
      }
      losses.push_back(loss);
    }
    if (!indices) divisor = static_cast<double>(n);
    Array loss = reduced(losses, Shape{n}, reduction == "mean" ? "sum" : reduction);
    if (reduction == "mean") loss[0] /= divisor;
    if (log_probabilities) return {loss};
    return {loss, scales};
  }
};

ClassLossReference reference_of(const op::CrossEntropy& op) {
  return {op.reduction, op.ignore_index, op.label_smoothing};
}
ClassLossReference reference_of(const op::NllLoss& op) {
  return {op.reduction, op.ignore_index, 0, true};
}

template <class Op>
struct Samples {
  std::vector<OpSample> list;
  OpSample* add(std::string name, const Op& op, std::vector<InputSpec> inputs) {
    list.push_back(sample(std::move(name), op, std::move(inputs), reference_of(op)));
    return &list.back();
  }
  void wrong(const char* name, std::vector<InputSpec> inputs, const char* error,
             const Op& op = {}) {
    list.push_back(fails(name, op, std::move(inputs), error));
  }
  // Of class indices: weights, and rows left out, in every reduction; int32 and int64.
  void add_indices() {
    const InputSpec weight = uniform({5}, 0.2, 2);
    for (const char* reduction : {"mean", "sum", "none"}) {
      const auto name = [&](const char* what) { return std::string(what) + "_" + reduction; };
      const Op plain{reduction}, without_2{reduction, 2};
      add(name("indices"), plain, {uniform({4, 5}), integers({4}, 0, 5)});
      add(name("weight"), plain, {uniform({4, 5}), integers({4}, 0, 5), weight});
      const InputSpec some = values({4}, {2, 0, 2, 3});
      add(name("ignored"), without_2, {uniform({4, 5}), some.as(kInt64)});
      add(name("ignored_weight"), without_2, {uniform({4, 5}), some.as(kInt32), weight});
      add(name("ignored_by_default"), plain,
          {uniform({3, 5}), values({3}, {-100, 1, -100}).as(kInt64), weight});
    }
    add("int32", {}, {uniform({3, 7}), integers({3}, 0, 7).as(kInt32)});
    add("constant_weight", {}, {uniform({4, 5}), integers({4}, 0, 5), weight})->no_grad = 4;
    add("only_weight", {}, {uniform({4, 5}), integers({4}, 0, 5), weight})->no_grad = 1;
    add("a_batch_and_more", Op{"sum"}, {uniform({2, 19}), integers({2}, 0, 19)});
    add("one_class", Op{"sum"}, {uniform({3, 1}), integers({3}, 0, 1)});
    add("no_rows", Op{"sum"}, {uniform({0, 3}), integers({0}, 0, 3)});
    // The mean of no row is NaN; no gradient flows.
    add("all_ignored_sum", Op{"sum"}, {uniform({2, 3}), values({2}, {-100, -100}).as(kInt64)});
    add("all_ignored_mean", {}, {uniform({2, 3}), values({2}, {-100, -100}).as(kInt64)})
        ->gradients = false;
    add("many_classes", {}, {uniform({5, 9001}, -4, 4), integers({5}, 0, 9001)})->gradients = false;
    add("many_rows", {}, {uniform({3000, 11}), integers({3000}, 0, 11)})->gradients = false;
  }
  void add_errors(const std::string& op, const std::string& scores) {
    const std::string name = "[" + op + "] ";
    const auto fails_with = [&](const char* what, std::vector<InputSpec> inputs,
                                const std::string& error, const Op& attrs = {}) {
      wrong(what, std::move(inputs), error.c_str(), attrs);
    };
    fails_with("rows", {uniform({5, 10}), integers({4}, 0, 5)},
               name + "target has 4 rows but " + scores + " have 5: target [4], " + scores +
                   " [5, 10]; expected one class index per row of " + scores);
    fails_with("column_of_indices", {uniform({5, 10}), integers({5, 1}, 0, 5)},
               name + "target holds class indices and has shape [5, 1]");
    fails_with("scores_rank", {uniform({10}), integers({1}, 0, 5)},
               name + scores + " have shape [10]; expected [N, C]");
    fails_with("scores_dtype", {integers({2, 3}, 0, 5), integers({2}, 0, 3)},
               name + scores + " are int64; expected float32 or float64");
    fails_with("no_classes", {uniform({2, 0}), integers({2}, 0, 3)}, "which has no classes");
    fails_with("class_too_large", {uniform({3, 10}), values({3}, {0, 10, 2}).as(kInt64)},
               name + "target of row 1 is class 10, but " + scores +
                   " have 10 classes; expected an index from 0 to 9");
    fails_with("class_negative", {uniform({3, 10}), values({3}, {0, 1, -2}).as(kInt32)},
               name + "target of row 2 is class -2");
    fails_with("class_not_the_ignored", {uniform({3, 10}), values({3}, {0, 1, -100}).as(kInt32)},
               name + "target of row 2 is class -100", Op{"mean", 3});
    fails_with("weight_length", {uniform({3, 10}), integers({3}, 0, 10), uniform({9})},
               name +
                   "weight has shape [9] but there are 10 classes; expected one weight per "
                   "class, shape [10]");
    fails_with("weight_dtype", {uniform({3, 10}), integers({3}, 0, 10), uniform({10}).as(kFloat64)},
               name + "weight is float64; expected float32, like the scores");
    fails_with("reduction", {uniform({3, 10}), integers({3}, 0, 10)},
               name + "unknown reduction \"avg\"; expected \"mean\", \"sum\" or \"none\"",
               Op{"avg"});
  }
};

}  // namespace

std::vector<OpSample> samples_CrossEntropy() {
  const double inf = std::numeric_limits<double>::infinity();
  Samples<op::CrossEntropy> s;
  s.add_indices();
  const op::CrossEntropy mean, none{"none"};
  const InputSpec weight = uniform({4}, 0.2, 2), probabilities = uniform({3, 4}, 0.05, 1);
  for (const char* reduction : {"mean", "sum", "none"}) {
    const auto name = [&](const char* what) { return std::string(what) + "_" + reduction; };
    const op::CrossEntropy plain{reduction}, smooth{reduction, 1, 0.3};
    s.add(name("probabilities"), plain, {uniform({3, 4}), probabilities});
    s.add(name("probabilities_weight"), plain, {uniform({3, 4}), probabilities, weight});
    s.add(name("probabilities_smooth"), smooth, {uniform({3, 4}), probabilities});
    s.add(name("probabilities_smooth_weight"), smooth, {uniform({3, 4}), probabilities, weight});
    const InputSpec some = values({3}, {3, 1, 0}).as(kInt64);
    s.add(name("smooth"), smooth, {uniform({3, 4}), some});
    s.add(name("smooth_weight"), smooth, {uniform({3, 4}), some, weight});
  }
  s.add("all_smooth", {"mean", -100, 1}, {uniform({3, 4}), integers({3}, 0, 4)});
  s.add("smooth_tail", {"mean", -100, 0.2}, {uniform({2, 19}), integers({2}, 0, 19)});
  s.add("constant_target", mean, {uniform({3, 4}), uniform({3, 4}, 0, 1)})->no_grad = 2;
  s.add(
       "far_apart", none,
       {values({3, 3}, {1000, 0, -1000, -1e5, 1e5, 0, 5, 6, 7}), values({3}, {0, 1, 2}).as(kInt64)})
      ->gradients = false;
  s.add("masked", none,
        {values({2, 3}, {1, -inf, 2, -inf, 0, -inf}), values({2}, {2, 1}).as(kInt64)})
      ->gradients = false;
  s.add("masked_probabilities", none,
        {values({2, 3}, {1, -inf, 2, -inf, 0, -inf}), values({2, 3}, {0.5, 0, 0.5, 0, 1, 0})})
      ->gradients = false;

  s.add_errors("cross_entropy", "logits");
  s.wrong("probability_rows", {uniform({5, 10}), uniform({4, 10})},
          "[cross_entropy] target has 4 rows but logits have 5");
  s.wrong("probability_columns", {uniform({5, 10}), uniform({5, 9})},
          "[cross_entropy] target holds probabilities (it is float32) and has shape [5, 9] but "
          "logits have [5, 10]");
  s.wrong("float_indices", {uniform({5, 10}), uniform({5})},
          "class indices must be int32 or int64");
  s.wrong("probability_dtype", {uniform({5, 10}), uniform({5, 10}).as(kFloat64)},
          "[cross_entropy] target is float64 but logits are float32");
  s.wrong("target_dtype", {uniform({5, 10}), integers({5}, 0, 5).as(kUInt8)},
          "[cross_entropy] target is uint8; expected class indices (int32 or int64) or");
  s.wrong("smoothing", {uniform({3, 10}), integers({3}, 0, 10)},
          "[cross_entropy] label_smoothing is 1.5; expected 0 to 1", {"mean", -100, 1.5});
  return s.list;
}

std::vector<OpSample> samples_NllLoss() {
  Samples<op::NllLoss> s;
  s.add_indices();
  s.add_errors("nll_loss", "log_probabilities");
  s.wrong("probabilities", {uniform({5, 10}), uniform({5, 10})},
          "[nll_loss] target is float32; expected class indices (int32 or int64)");
  return s.list;
}

}  // namespace catena::test
