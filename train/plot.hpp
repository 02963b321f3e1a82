// Pictures of a training.
#pragma once

#include <string>
#include <vector>

#include "catena/train/history.hpp"

namespace catena::train {

// Writes history.csv and history.gp (a gnuplot script) into `folder`, and draws the named values
// against the epoch into history.svg when gnuplot is installed. Returns the path of the picture, or
// "" without gnuplot. Throws SystemError when a file cannot be written.
std::string plot_history(const History& history, const std::string& folder,
                         const std::vector<std::string>& names = {"loss"});

}  // namespace catena::train
