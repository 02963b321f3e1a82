// The seconds that a load may take. Not a public header.
#pragma once

#include <chrono>
#include <limits>
#include <string>
#include <utility>

namespace catena::detail {

// Begins when it is made. Copies have the same beginning.
class TimeLimit {
 public:
  TimeLimit() = default;  // none
  // `subject` begins the error's message: "[load] 'net.catena'".
  TimeLimit(double seconds, std::string subject)
      : seconds_(seconds), subject_(std::move(subject)) {}

  // To be called between parts of the work. Throws ArgumentError when the time is over.
  void check() const {
    if (seconds_ != std::numeric_limits<double>::infinity()) compare();
  }

 private:
  void compare() const;

  double seconds_ = std::numeric_limits<double>::infinity();
  std::string subject_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace catena::detail
