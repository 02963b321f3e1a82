// The numbers of a training, epoch by epoch.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"

namespace catena::train {

// Values by name, in order: {"loss": 0.12, "accuracy": 0.97}.
class Logs {
 public:
  void set(std::string_view name, double value);
  bool has(std::string_view name) const;
  // Throws ArgumentError that lists the names when there is none of that name.
  double at(std::string_view name,
            std::source_location loc = std::source_location::current()) const;
  double operator[](std::string_view name) const { return at(name); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  bool empty() const { return values_.empty(); }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

// One column of values per name ("loss", "accuracy", "val_loss", ...), one entry per epoch.
class History {
 public:
  // Every epoch brings the same names; throws ArgumentError otherwise.
  void append(const Logs& logs, std::source_location loc = std::source_location::current());
  std::int64_t epochs() const;
  std::vector<std::string> names() const;
  bool has(std::string_view name) const;
  // Throws ArgumentError that lists the names when there is none of that name.
  const std::vector<double>& at(std::string_view name,
                                std::source_location loc = std::source_location::current()) const;
  const std::vector<double>& operator[](std::string_view name) const { return at(name); }

  // "epoch,loss,accuracy" and a line per epoch, counted from 1, with all digits. Throws SystemError
  // when the file cannot be written.
  void write_csv(const std::string& path) const;
  // The line of an epoch, counted from 0.
  void write_csv_row(std::ostream& out, std::int64_t epoch) const;

  State state() const;
  void load_state(const State& state);

  // Whether fit was ended by Ctrl-C; not part of the state.
  bool interrupted = false;

 private:
  std::vector<std::pair<std::string, std::vector<double>>> columns_;
};

}  // namespace catena::train
