// What scikit-learn calls y_true, y_pred and sample_weight, out of a batch. Not a public header.
#pragma once

#include <cstdint>
#include <source_location>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::train::detail {

struct LabelInputs {
  std::vector<std::int64_t> predicted, target;
  std::vector<double> weights;  // all 1 when none were given
};
// Predicted labels: integer or bool outputs [n] as they are; the largest of [n, classes]; with one
// number per sample ([n] or [n, 1]) 1 above the threshold, else 0. Targets: class indices [n];
// the largest of [n, classes]; for one number per sample also floating, 1 above 0.5.
LabelInputs read_labels(const char* metric, const Tensor& output, const Tensor& target,
                        const Tensor& weights, double threshold, const std::source_location& loc);

// The class of each target: indices [n] or [n, 1], the largest of [n, classes], or floating [n] or
// [n, 1], 1 above 0.5. Throws "[what] ..." for others.
std::vector<std::int64_t> target_classes(const char* what, const Tensor& target,
                                         const std::source_location& loc);

struct ScoreInputs {
  std::int64_t columns = 1;  // 1: the score of class 1
  std::vector<double> scores;
  std::vector<std::int64_t> target;  // in [0, max(columns, 2))
  std::vector<double> weights;
};
// The same with floating outputs as they are.
ScoreInputs read_scores(const char* metric, const Tensor& output, const Tensor& target,
                        const Tensor& weights, const std::source_location& loc);

struct ValueInputs {
  std::int64_t columns = 1;  // of [n, ...] taken as [n, columns]
  std::vector<double> output, target;
  std::vector<double> weights;
};
// Outputs and targets of equal shape.
ValueInputs read_values(const char* metric, const Tensor& output, const Tensor& target,
                        const Tensor& weights, const std::source_location& loc);

}  // namespace catena::train::detail
