// What evaluate() and the validation of fit() share. Not a public header.
#pragma once

#include <functional>
#include <optional>
#include <source_location>

#include "catena/nn/module.hpp"
#include "catena/train/batches.hpp"
#include "catena/train/evaluate.hpp"
#include "catena/train/history.hpp"

namespace catena::train {

// What evaluate() does; nothing when `interrupted` says so between two batches.
std::optional<Logs> evaluate_batches(nn::Module& model, Batches& batches,
                                     const EvaluateOptions& options,
                                     const std::function<bool()>& interrupted,
                                     const std::source_location& loc);

}  // namespace catena::train
