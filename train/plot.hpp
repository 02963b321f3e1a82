// Pictures, drawn by gnuplot where it is installed.
#pragma once

#include <string>
#include <vector>

#include "catena/train/history.hpp"

namespace catena::train {

struct Series {
  enum class Style { kLine, kPoints };
  std::string name;
  std::vector<double> x, y;
  Style style = Style::kLine;
};

struct PlotOptions {
  std::string title, x_label, y_label;
  bool log_y = false;
};

// Writes <name>.gp, a gnuplot script that holds the data, into `folder` (which is made), and draws
// it to <name>.svg. Returns the path of the picture, or "" without gnuplot.
// Errors: SystemError when a file cannot be written, ArgumentError for x and y of unequal lengths.
std::string plot(const std::vector<Series>& series, const std::string& folder,
                 const std::string& name, const PlotOptions& options = {});

// Writes history.csv into `folder` and draws the named values against the epoch, as plot() does.
std::string plot_history(const History& history, const std::string& folder,
                         const std::vector<std::string>& names = {"loss"});

}  // namespace catena::train
