// A network of any layer sizes, for regression, two classes or several.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../task.hpp"

namespace multilayer {

struct Options : task::Options {
  std::string loss = "categorical_cross_entropy";  // or "mse", "log_loss"
  std::vector<std::int64_t> hidden = {32, 32};     // sizes between input and output
};

// The score is the test accuracy, or for "mse" the fraction of the variance explained (R2).
// Errors: another loss, a size that is not positive.
task::Result run(const Options& options);

}  // namespace multilayer
