#include "catena/train/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "catena/graph/error.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

namespace {
template <class Pairs>
auto find(Pairs& pairs, std::string_view name) {
  return std::ranges::find_if(pairs, [&](const auto& p) { return p.first == name; });
}
template <class Pairs>
[[noreturn]] void unknown(const Pairs& pairs, std::string_view name,
                          const std::source_location& loc) {
  std::vector<std::string> names;
  for (const auto& p : pairs) names.push_back(p.first);
  throw_unknown_name("history", "value", name, names, loc);
}
}  // namespace

void Logs::set(std::string_view name, double value) {
  if (auto it = find(values_, name); it != values_.end())
    it->second = value;
  else
    values_.emplace_back(name, value);
}
bool Logs::has(std::string_view name) const { return find(values_, name) != values_.end(); }
double Logs::at(std::string_view name, std::source_location loc) const {
  const auto it = find(values_, name);
  if (it == values_.end()) unknown(values_, name, loc);
  return it->second;
}

void History::append(const Logs& logs, std::source_location loc) {
  const auto count = static_cast<std::size_t>(std::distance(logs.begin(), logs.end()));
  if (columns_.empty())
    for (const auto& [name, value] : logs) columns_.emplace_back(name, std::vector<double>());
  if (count != columns_.size())
    throw_argument("history",
                   fmt::format("an epoch with {} values follows epochs with {}; expected the same",
                               count, columns_.size()),
                   loc);
  for (const auto& [name, values] : columns_) logs.at(name, loc);
  for (auto& [name, values] : columns_) values.push_back(logs.at(name, loc));
}

std::int64_t History::epochs() const {
  return columns_.empty() ? 0 : static_cast<std::int64_t>(columns_.front().second.size());
}
std::vector<std::string> History::names() const {
  std::vector<std::string> out;
  for (const auto& column : columns_) out.push_back(column.first);
  return out;
}
bool History::has(std::string_view name) const { return find(columns_, name) != columns_.end(); }
const std::vector<double>& History::at(std::string_view name, std::source_location loc) const {
  const auto it = find(columns_, name);
  if (it == columns_.end()) unknown(columns_, name, loc);
  return it->second;
}

void History::write_csv(const std::string& path) const {
  std::ofstream out(path);
  out << "epoch";
  for (const auto& column : columns_) out << ',' << column.first;
  out << '\n';
  for (std::int64_t e = 0; e < epochs(); ++e) write_csv_row(out, e);
  out.close();
  if (!out)
    throw SystemError(fmt::format("[history] cannot write '{}': {}", path, std::strerror(errno)));
}

void History::write_csv_row(std::ostream& out, std::int64_t epoch) const {
  out << epoch + 1;
  for (const auto& column : columns_)
    out << fmt::format(",{}", column.second[static_cast<std::size_t>(epoch)]);
  out << '\n';
}

State History::state() const {
  State out;
  for (const auto& [name, values] : columns_) out.add_value(name, values);
  return out;
}

void History::load_state(const State& state) {
  std::vector<std::pair<std::string, std::vector<double>>> columns;
  for (const NamedAttr& value : state.values)
    columns.emplace_back(value.name, state.get<std::vector<double>>(value.name));
  columns_ = std::move(columns);
}

}  // namespace catena::train
