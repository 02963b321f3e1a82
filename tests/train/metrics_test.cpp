// Metrics against scikit-learn's, in one batch and in several, and by name.
#include "catena/train/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "catena/ops/elementwise.hpp"
#include "catena/ops/slice.hpp"
#include "metrics_reference.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::ClassAverageOptions;
using train::MetricBase;

Tensor vec(const std::vector<double>& v) {
  return tensor(v, {static_cast<std::int64_t>(v.size())});
}
Tensor ints(const std::vector<std::int64_t>& v) {
  return tensor(v, {static_cast<std::int64_t>(v.size())});
}
Tensor rows(const std::vector<double>& v, std::int64_t columns) {
  return tensor(v, {static_cast<std::int64_t>(v.size()) / columns, columns});
}

struct Data {
  Tensor output, target, weights;
};
Data binary() {
  return {vec(reference::kBinaryScores), ints(reference::kBinaryTarget),
          vec(reference::kBinaryWeights)};
}
Data classes() {
  return {rows(reference::kLogits, 5), ints(reference::kLabels), vec(reference::kClassWeights)};
}
Data full_classes() {
  return {rows(reference::kLogits, 5), ints(reference::kFullLabels), vec(reference::kClassWeights)};
}
Data numbers() {
  return {rows(reference::kOutputs, 3), rows(reference::kValues, 3), vec(reference::kValueWeights)};
}

void expect_value(double value, double expected, const std::string& what) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(value)) << what << " is " << value;
  else
    EXPECT_NEAR(value, expected, 1e-13 * std::max(1.0, std::abs(expected))) << what;
}

// In one batch, in batches of 7, after a reset, and with what was gathered saved in between.
void expect_metric(MetricBase& metric, const Data& data, bool weighted, double expected,
                   const std::string& what) {
  const Tensor weights = weighted ? data.weights : Tensor();
  metric.update(data.output, data.target, weights);
  expect_value(metric.compute(), expected, what);
  metric.reset();
  EXPECT_TRUE(std::isnan(metric.compute())) << what;
  for (std::int64_t from = 0; from < data.target.shape()[0]; from += 7) {
    const std::int64_t to = std::min(from + 7, data.target.shape()[0]);
    metric.update(slice(data.output, 0, from, to), slice(data.target, 0, from, to),
                  weighted ? slice(weights, 0, from, to) : Tensor());
    const State state = metric.state().clone();
    metric.reset();
    metric.load_state(state);
  }
  expect_value(metric.compute(), expected, what + " in batches");
  metric.reset();
}

template <class M>
std::unique_ptr<MetricBase> average_metric(const reference::Average& c) {
  return std::make_unique<M>(
      ClassAverageOptions{.average = c.average, .zero_division = c.zero_division});
}

TEST(Metrics, PrecisionRecallAndF1AreScikitLearns) {
  for (const reference::Average& c : reference::kAverages) {
    const std::string name = c.metric;
    const auto metric = name == "precision" ? average_metric<train::Precision>(c)
                        : name == "recall"  ? average_metric<train::Recall>(c)
                                            : average_metric<train::F1>(c);
    EXPECT_EQ(metric->name(), name);
    expect_metric(*metric, std::string(c.data) == "binary" ? binary() : classes(), c.weighted,
                  c.value,
                  name + " " + c.data + " " + c.average + " " + std::to_string(c.zero_division));
  }
}

TEST(Metrics, AreScikitLearns) {
  struct Case {
    std::function<std::unique_ptr<MetricBase>()> make;
    Data data;
  };
  const auto of = []<class M>(M metric) {
    return [metric]() -> std::unique_ptr<MetricBase> { return std::make_unique<M>(metric); };
  };
  Data right = numbers();
  right.output = right.target;
  const std::vector<std::pair<std::string, Case>> cases = {
      {"accuracy binary", {of(train::Accuracy()), binary()}},
      {"accuracy classes", {of(train::Accuracy()), classes()}},
      {"top_k 1", {of(train::TopKAccuracy({.k = 1})), classes()}},
      {"top_k 2", {of(train::TopKAccuracy({.k = 2})), classes()}},
      {"top_k 3", {of(train::TopKAccuracy({.k = 3})), classes()}},
      {"roc_auc binary", {of(train::RocAuc()), binary()}},
      {"average_precision binary", {of(train::AveragePrecision()), binary()}},
      {"log_loss binary", {of(train::LogLoss()), binary()}},
      {"log_loss classes", {of(train::LogLoss()), classes()}},
      {"mse", {of(train::MeanSquaredError()), numbers()}},
      {"rmse", {of(train::RootMeanSquaredError()), numbers()}},
      {"mae", {of(train::MeanAbsoluteError()), numbers()}},
      {"r2", {of(train::R2()), numbers()}},
      {"r2 right", {of(train::R2()), right}},
      {"roc_auc macro", {of(train::RocAuc()), full_classes()}},
      {"roc_auc weighted", {of(train::RocAuc({.average = "weighted"})), full_classes()}},
      {"average_precision macro", {of(train::AveragePrecision()), full_classes()}},
      {"average_precision weighted",
       {of(train::AveragePrecision({.average = "weighted"})), full_classes()}},
      {"raw average_precision macro",
       {of(train::AveragePrecision({.from_logits = false})), full_classes()}},
      {"raw average_precision weighted",
       {of(train::AveragePrecision({.average = "weighted", .from_logits = false})),
        full_classes()}},
  };
  for (const reference::Value& v : reference::kValuesOfMetrics) {
    const auto found =
        std::ranges::find_if(cases, [&](const auto& c) { return c.first == v.metric; });
    ASSERT_NE(found, cases.end()) << v.metric;
    expect_metric(*found->second.make(), found->second.data, v.weighted, v.value, v.metric);
  }
  EXPECT_EQ(reference::kValuesOfMetrics.size(), 2 * cases.size());
}

TEST(Metrics, CurvesAreScikitLearns) {
  const Data d = binary();
  for (bool weighted : {false, true}) {
    const Tensor w = weighted ? d.weights : Tensor();
    const train::RocPoints roc = train::roc_curve(d.output, d.target, {}, w);
    namespace r = reference;
    EXPECT_TRUE(close(roc.fpr, weighted ? r::kRocFprWeighted : r::kRocFpr, 1e-13, 0));
    EXPECT_TRUE(close(roc.tpr, weighted ? r::kRocTprWeighted : r::kRocTpr, 1e-13, 0));
    EXPECT_TRUE(
        close(roc.thresholds, weighted ? r::kRocThresholdsWeighted : r::kRocThresholds, 0, 0));
    const train::RocPoints whole =
        train::roc_curve(d.output, d.target, {.drop_intermediate = false}, w);
    EXPECT_TRUE(close(whole.fpr, weighted ? r::kFullRocFprWeighted : r::kFullRocFpr, 1e-13, 0));
    EXPECT_TRUE(close(whole.tpr, weighted ? r::kFullRocTprWeighted : r::kFullRocTpr, 1e-13, 0));
    const train::PrecisionRecallPoints pr =
        train::precision_recall_curve(d.output, d.target, {}, w);
    EXPECT_TRUE(close(pr.precision, weighted ? r::kPrPrecisionWeighted : r::kPrPrecision, 1e-13));
    EXPECT_TRUE(close(pr.recall, weighted ? r::kPrRecallWeighted : r::kPrRecall, 1e-13));
    EXPECT_TRUE(close(pr.thresholds, weighted ? r::kPrThresholdsWeighted : r::kPrThresholds, 0, 0));
    const train::PrecisionRecallPoints thin =
        train::precision_recall_curve(d.output, d.target, {.drop_intermediate = true}, w);
    EXPECT_TRUE(
        close(thin.precision, weighted ? r::kThinPrPrecisionWeighted : r::kThinPrPrecision, 1e-13));
    EXPECT_TRUE(close(thin.recall, weighted ? r::kThinPrRecallWeighted : r::kThinPrRecall, 1e-13));
    EXPECT_TRUE(close(thin.thresholds,
                      weighted ? r::kThinPrThresholdsWeighted : r::kThinPrThresholds, 0, 0));
  }
  // In batches.
  train::RocCurve curve;
  curve.update(slice(d.output, 0, 0, 9), slice(d.target, 0, 0, 9));
  curve.update(slice(d.output, 0, 9, 40), slice(d.target, 0, 9, 40));
  EXPECT_TRUE(close(curve.compute().tpr, reference::kRocTpr, 1e-13, 0));
  curve.reset();
  curve.update(d.output, ints(std::vector<std::int64_t>(40, 1)));
  EXPECT_TRUE(std::isnan(curve.compute().fpr.to_vector<double>()[1])) << "there is no class 0";
  expect_error<ArgumentError>([&] { train::roc_curve(classes().output, classes().target); },
                              {"[roc_curve]", "5 columns", "one score per sample"});
}

TEST(Metrics, AnAreaWithoutOneOfTheClassesIsNotANumber) {
  const Data d = binary();
  EXPECT_TRUE(std::isnan(train::roc_auc(d.output, ints(std::vector<std::int64_t>(40, 1)))));
  EXPECT_EQ(train::average_precision(d.output, ints(std::vector<std::int64_t>(40, 0))), 0);
  EXPECT_TRUE(std::isnan(train::roc_auc(classes().output, classes().target)))
      << "the mean over classes, of which one has no sample";
  EXPECT_FALSE(
      std::isnan(train::roc_auc(classes().output, classes().target, {.average = "weighted"})));
}

TEST(Metrics, ConfusionMatrixIsScikitLearns) {
  const Data d = classes();
  train::ConfusionMatrix seen;
  seen.update(slice(d.output, 0, 0, 10), slice(d.target, 0, 0, 10));
  seen.update(slice(d.output, 0, 10, 36), slice(d.target, 0, 10, 36));
  EXPECT_EQ(seen.compute().dtype(), kInt64);
  EXPECT_TRUE(close(seen.compute(), reference::kConfusion, 0, 0));
  EXPECT_EQ(seen.labels(), reference::kConfusionLabels);
  const Tensor weighted = train::confusion_matrix(d.output, d.target, {}, d.weights);
  EXPECT_EQ(weighted.dtype(), kFloat64);
  EXPECT_TRUE(close(weighted, reference::kConfusionWeighted, 1e-13, 0));
  for (const auto& [how, expected] :
       {std::pair("true", &reference::kConfusionTrue),
        std::pair("pred", &reference::kConfusionPred), std::pair("all", &reference::kConfusionAll)})
    EXPECT_TRUE(
        close(train::confusion_matrix(d.output, d.target, {.num_classes = 5, .normalize = how}),
              *expected, 1e-13, 0))
        << how;
  expect_error<ArgumentError>(
      [&] { train::confusion_matrix(d.output, d.target, {.num_classes = 3}); },
      {"[confusion_matrix]", "there is a class", "[0, 3)", "metrics_test.cpp"});
  expect_error<ArgumentError>([&] { train::ConfusionMatrix({.normalize = "tru"}); },
                              {"unknown normalization 'tru'", "'true'"});
}

TEST(Metrics, TakeProbabilitiesAndLabelsToo) {
  const Data d = binary();
  const Tensor p = sigmoid(d.output);
  EXPECT_NEAR(train::log_loss(p, d.target, {.from_logits = false}),
              train::log_loss(d.output, d.target), 1e-14);
  EXPECT_NEAR(
      train::log_loss(tensor({1.0, 0.0}, kFloat64), tensor({0.0, 0.0}), {.from_logits = false}),
      (-std::log(2.220446049250313e-16) + 2.220446049250313e-16) / 2, 1e-12)
      << "clipped to the machine epsilon";
  EXPECT_EQ(train::accuracy(p, d.target, {.threshold = 0.5}), train::accuracy(d.output, d.target));
  EXPECT_EQ(train::accuracy(d.output.unsqueeze(1), d.target.to(kFloat32).unsqueeze(1)),
            train::accuracy(d.output, d.target));
  EXPECT_EQ(train::f1(d.output > 0, d.target), train::f1(d.output, d.target));
  const Tensor labels = ints({2, 0, 7, -3}), guesses = ints({2, 1, 7, 7});
  EXPECT_EQ(train::accuracy(guesses, labels), 0.5);
  EXPECT_EQ(train::recall(guesses, labels, {.average = "macro"}), 0.4)
      << "labels may be any integers: of -3, 0, 1, 2 and 7 two are found";
  EXPECT_NEAR(train::log_loss(vec({1000, -1000}), ints({0, 1})), 1000, 1e-9) << "no overflow";
  EXPECT_EQ(train::log_loss(rows({1e4, 0, 0, -1e4}, 2), ints({0, 0})), 0);
}

TEST(Metrics, SayWhatDoesNotFit) {
  const Data d = classes();
  expect_error<ArgumentError>([&] { train::f1(d.output, d.target); },
                              {"[f1]", "there is a class", "\"macro\"", "metrics_test.cpp"});
  expect_error<ArgumentError>([&] { train::F1({.average = "makro"}); },
                              {"[f1] unknown average 'makro'", "'macro'", "metrics_test.cpp"});
  expect_error<ArgumentError>([&] { train::RocAuc({.average = "micro"}); },
                              {"[roc_auc] unknown average 'micro'", "macro, weighted"});
  expect_error<ArgumentError>(
      [&] {
        train::accuracy(d.output, d.target, {}, vec({1, 2}));
      },
      {"[accuracy] the weights are [2]; expected one per sample, [36]", "metrics_test.cpp"});
  expect_error<ArgumentError>([&] { train::top_k_accuracy(d.output, d.target, {.k = 0}); },
                              {"[top_k_accuracy] k is 0; expected at least 1"});
  expect_error<ArgumentError>([&] { train::top_k_accuracy(binary().output, binary().target); },
                              {"[top_k_accuracy]", "at least two classes"});
  expect_error<ArgumentError>([&] { train::log_loss(d.output, d.target + 3); },
                              {"[log_loss] a target is", "[0, 5)"});
  expect_error<ArgumentError>([&] { train::log_loss(d.output, d.target, {.from_logits = false}); },
                              {"[log_loss] a probability is", "from_logits"});
  expect_error<ArgumentError>([&] { train::r2(d.output, d.target); },
                              {"[r2]", "float64 [36, 5]", "int64 [36]", "equal shapes"});
  train::MeanAbsoluteError mae;
  mae.update(rows({1, 2, 3, 4}, 2), rows({1, 2, 3, 4}, 2));
  expect_error<ArgumentError>([&] { mae.update(vec({1}), vec({1})); },
                              {"[mae]", "another number of quantities"});
}

// scikit-learn's r2_score.
TEST(Metrics, WhatWeighsNothingDoesNotSpoilR2) {
  const Tensor target = tensor({1e9, 1, 2, 3, 4}, kFloat64);
  const Tensor output = tensor({0, 1.1, 2.1, 2.9, 4.2}, kFloat64);
  const Tensor weights = tensor({0, 1, 1, 1, 1}, kFloat64);
  EXPECT_NEAR(train::r2(output, target, weights), 0.986, 1e-12);
  train::R2 metric;  // in two batches
  metric.update(slice(output, 0, 0, 1), slice(target, 0, 0, 1), slice(weights, 0, 0, 1));
  metric.update(slice(output, 0, 1, 5), slice(target, 0, 1, 5), slice(weights, 0, 1, 5));
  EXPECT_NEAR(metric.compute(), 0.986, 1e-12);
}

TEST(Metrics, AnswerNamesOfOtherLibraries) {
  const std::pair<const char*, const char*> names[] = {
      {"acc", "'accuracy'"},          {"auc", "'roc_auc'"}, {"pr_auc", "'average_precision'"},
      {"f1_score", "'f1'"},           {"r2_score", "'r2'"}, {"F1", "'f1'"},
      {"mean_squared_error", "'mse'"}};
  for (const auto& [given, ours] : names) {
    const std::string expected = std::string("did you mean ") + ours;
    expect_error<ArgumentError>([&] { train::Metric{given}; },
                                {"[metric] unknown metric", expected.c_str()});
  }
}

TEST(Metrics, HaveNames) {
  const Data d = binary();
  for (const std::string& name : train::metric_names()) {
    const train::Metric metric(name);
    EXPECT_EQ(metric.name(), name);
    EXPECT_EQ(metric.make()->name(), name);
    EXPECT_TRUE(metric.make()->larger_is_better().has_value()) << name;
  }
  EXPECT_EQ(train::Metric("f1")(d.output, d.target, d.weights),
            train::f1(d.output, d.target, {}, d.weights));
  const train::Metric text("f1(average=macro, zero_division=1, name=f1_macro)");
  EXPECT_EQ(text.name(), "f1_macro");
  EXPECT_EQ(
      text(classes().output, classes().target),
      train::f1(classes().output, classes().target, {.average = "macro", .zero_division = 1}));
  EXPECT_EQ(train::Metric("top_k_accuracy(k=2)")(classes().output, classes().target),
            train::top_k_accuracy(classes().output, classes().target, {.k = 2}));
  EXPECT_EQ(train::Metric("roc_auc(average=weighted, from_logits=false)").name(), "roc_auc");
  expect_error<ArgumentError>([&] { train::Metric("f1(avarage=macro)"); },
                              {"[f1] unknown option 'avarage'", "'average'", "metrics_test.cpp"});
  expect_error<ArgumentError>([&] { train::Metric("f1(average=makro)"); },
                              {"[f1] unknown average 'makro'", "'macro'", "metrics_test.cpp"});
  expect_error<ArgumentError>([&] { train::Metric("top_k_accuracy(k=many)"); },
                              {"[top_k_accuracy] option 'k' is 'many'; expected an integer"});
  expect_error<ArgumentError>([&] { train::Metric("f1(macro)"); },
                              {"[f1] 'macro' is not an option"});
  const train::Metric own("f1_macro", train::F1({.average = "macro"}));
  EXPECT_EQ(own.name(), "f1_macro");
  EXPECT_EQ(own(d.output, d.target), train::f1(d.output, d.target, {.average = "macro"}));
}

}  // namespace
}  // namespace catena::test
