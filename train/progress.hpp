// The progress of a training on a terminal or in a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "catena/train/history.hpp"

namespace catena::train {

enum class Verbose {
  kAuto,  // on a terminal kBar, or kTotal when an epoch is a single step; otherwise kLines
  kSilent,
  kBar,    // a bar per epoch, redrawn in place
  kTotal,  // one bar for all epochs, redrawn in place
  kLines,  // a line per epoch (or per `log_every` epochs) without control codes
};

// Keras's look:
//   Epoch 1/5
//   12/12 ━━━━━━━━━━━━━━━━━━━━ 0s 3ms/step - loss: 0.6931 - accuracy: 0.5000
// and in a log:
//   Epoch 1/5 - 12/12 - 0s - 3ms/step - loss: 0.6931 - accuracy: 0.5000
class Progress {
 public:
  // `steps` per epoch; 0: unknown. The stream must outlive this.
  Progress(std::ostream& out, Verbose verbose, std::int64_t epochs, std::int64_t steps,
           std::int64_t log_every = 1);

  void begin_epoch(std::int64_t epoch);  // from 0
  // After each step, with the running averages.
  void step(std::int64_t done, const Logs& logs);
  void end_epoch(const Logs& logs);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const char* label, std::int64_t done, std::int64_t total, const char* unit, bool last,
            const Logs& logs);

  std::ostream& out_;
  Verbose verbose_;
  std::int64_t epochs_, steps_, log_every_;
  std::int64_t epoch_ = 0;
  std::int64_t steps_done_ = 0;
  std::int64_t rate_base_ = -1;  // what was done when the rate began to be measured
  Clock::time_point start_, epoch_start_, rate_start_, last_draw_;
};

// Whether the stream is std::cout or std::cerr on a terminal.
bool is_terminal(const std::ostream& out);
// "3/12"; "3/Unknown" when the total is 0.
std::string of_steps(std::int64_t done, std::int64_t total);
// "3s", "1:05", "1:02:03".
std::string format_duration(double seconds);
// "4ms/step", "2s/step", "35us/epoch".
std::string format_time_per(double seconds, std::string_view unit);
// " - loss: 0.1234 - accuracy: 0.9000"; small values as 1.2340e-05.
std::string format_logs(const Logs& logs);

}  // namespace catena::train
