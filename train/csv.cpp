#include "catena/train/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <type_traits>

#include "catena/graph/error.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

struct CsvTable::File {
  std::string path;
  std::vector<std::string> columns;
  std::vector<std::string> fields;  // row by row
  std::vector<std::int64_t> lines;  // where each row begins
  std::vector<std::string> missing;
};

namespace {

[[noreturn]] void fail(const std::string& path, std::int64_t line, std::string_view what) {
  throw SystemError(fmt::format("[read_csv] {}:{}{}", path, line, what));
}

// Splits text into rows of fields.
class Parser {
 public:
  Parser(const std::string& path, std::string_view text, char delimiter)
      : path_(path), text_(text), delimiter_(delimiter) {}

  // The next row, unless told otherwise one that is not blank; false at the end.
  bool row(std::vector<std::string>* fields, std::int64_t* line, bool blank_too) {
    while (!blank_too && at_ < text_.size() && end_of_line()) skip_line_end();
    if (at_ >= text_.size()) return false;
    *line = line_;
    fields->clear();
    while (true) {
      fields->push_back(field(fields->size() + 1));
      if (at_ >= text_.size() || end_of_line()) break;
      ++at_;  // the delimiter
    }
    skip_line_end();
    return true;
  }

 private:
  bool end_of_line() const { return text_[at_] == '\n' || text_[at_] == '\r'; }
  void skip_line_end() {
    if (at_ >= text_.size()) return;
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  std::string field(std::size_t column) {
    if (at_ < text_.size() && text_[at_] == '"') return quoted(column);
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != delimiter_ && !end_of_line()) ++at_;
    std::string_view raw = text_.substr(begin, at_ - begin);
    while (!raw.empty() && (raw.front() == ' ' || raw.front() == '\t')) raw.remove_prefix(1);
    while (!raw.empty() && (raw.back() == ' ' || raw.back() == '\t')) raw.remove_suffix(1);
    return std::string(raw);
  }

  std::string quoted(std::size_t column) {
    const std::int64_t line = line_;
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
        ++at_;  // two quotes stand for one
      } else if (text_[at_] == '\n') {
        ++line_;
      }
      out += text_[at_];
    }
    if (at_ >= text_.size())
      fail(path_, line, fmt::format(", column {}: the quote is never closed", column));
    ++at_;
    if (at_ < text_.size() && text_[at_] != delimiter_ && !end_of_line())
      fail(path_, line_,
           fmt::format(", column {}: '{}' follows the closing quote; expected '{}'", column,
                       text_[at_], delimiter_));
    return out;
  }

  const std::string& path_;
  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

// All of `text` as a number.
template <class T>
bool parse_number(std::string_view text, T* out) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && stop == text.data() + text.size();
}

}  // namespace

CsvTable read_csv(const std::string& path, CsvOptions options, std::source_location loc) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw SystemError(fmt::format("[read_csv] cannot open '{}': {}{}", path, std::strerror(errno),
                                  called_at(loc)));
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad())
    throw SystemError(fmt::format("[read_csv] cannot read '{}': {}{}", path, std::strerror(errno),
                                  called_at(loc)));
  std::string_view text = content;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);

  auto file = std::make_shared<CsvTable::File>();
  file->path = path;
  Parser parser(path, text, options.delimiter);
  std::vector<std::string> row;
  std::int64_t line = 0, first_line = 0;
  const bool empty_is_missing = std::ranges::find(options.missing, "") != options.missing.end();
  const auto blank_is_row = [&] { return empty_is_missing && file->columns.size() == 1; };
  while (parser.row(&row, &line, blank_is_row())) {
    if (file->columns.empty()) {
      first_line = line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        std::string name = options.header ? row[i] : std::to_string(i);
        if (std::ranges::find(file->columns, name) != file->columns.end())
          fail(path, line, fmt::format(", column {}: the column '{}' is named twice", i + 1, name));
        file->columns.push_back(std::move(name));
      }
      if (options.header) continue;
    }
    if (row.size() != file->columns.size())
      fail(path, line,
           fmt::format(": {} fields; expected {}, as in line {}", row.size(), file->columns.size(),
                       first_line));
    file->lines.push_back(line);
    std::ranges::move(row, std::back_inserter(file->fields));
  }
  if (file->columns.empty()) throw SystemError(fmt::format("[read_csv] '{}' is empty", path));
  file->missing = std::move(options.missing);

  CsvTable table;
  table.rows_.resize(file->lines.size());
  for (std::size_t i = 0; i < table.rows_.size(); ++i) table.rows_[i] = i;
  table.file_ = std::move(file);
  return table;
}

const std::vector<std::string>& CsvTable::columns() const { return file_->columns; }

bool CsvTable::has(std::string_view column) const {
  return std::ranges::find(file_->columns, column) != file_->columns.end();
}

std::size_t CsvTable::column_index(std::string_view column, const Location& loc) const {
  const auto found = std::ranges::find(file_->columns, column);
  if (found == file_->columns.end())
    throw_unknown_name("read_csv", fmt::format("{}: column", file_->path), column, file_->columns,
                       loc);
  return static_cast<std::size_t>(found - file_->columns.begin());
}

const std::string& CsvTable::field(std::size_t row, std::size_t column) const {
  return file_->fields[rows_[row] * file_->columns.size() + column];
}

// T is double, or the type of an integer dtype, of which a double cannot hold all values.
template <class T>
T CsvTable::parse(std::size_t row, std::size_t column, DType dtype) const {
  const std::string& text = field(row, column);
  const auto bad = [&](std::string_view what) {
    fail(file_->path, file_->lines[rows_[row]],
         fmt::format(", column {}: {} (column '{}')", column + 1, what, file_->columns[column]));
  };
  if (std::ranges::find(file_->missing, text) != file_->missing.end()) {
    if constexpr (std::is_same_v<T, double>) return std::numeric_limits<double>::quiet_NaN();
    bad(fmt::format(
        "'{}' is a missing value, for which {} has no number; expected a floating dtype", text,
        name_of(dtype)));
  }
  if (text.empty()) bad("the field is empty; expected a number");
  T value{};
  if (parse_number(text, &value) && (dtype != kBool || value <= 1)) return value;
  double number = 0;
  if (!parse_number(text, &number)) bad(fmt::format("'{}' is not a number", text));
  // "1e3" and "2.0" are whole numbers too.
  using Limits = std::numeric_limits<T>;
  const double end = dtype == kBool ? 2 : std::ldexp(1.0, Limits::digits);
  if (number != std::floor(number) || number < static_cast<double>(Limits::min()) || number >= end)
    bad(fmt::format("'{}' is not a value of {}", text, name_of(dtype)));
  return static_cast<T>(number);
}

template <class T>
std::vector<T> CsvTable::parse(std::span<const std::size_t> columns, DType dtype) const {
  std::vector<T> values;
  values.reserve(rows_.size() * columns.size());
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (const std::size_t c : columns) values.push_back(parse<T>(r, c, dtype));
  return values;
}

Tensor CsvTable::read(std::span<const std::size_t> columns, const Shape& shape, DType dtype,
                      const Location& loc) const {
  return visit_dtype(dtype, [&]<class T>(T) {
    using Whole = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
    using Read = std::conditional_t<std::is_integral_v<T>, Whole, double>;
    return tensor(parse<Read>(columns, dtype), shape, TensorOptions(dtype), loc);
  });
}

Tensor CsvTable::number(std::string_view column, DType dtype, Location loc) const {
  const std::size_t c = column_index(column, loc);
  return read(std::span(&c, 1), {rows()}, dtype, loc);
}

Tensor CsvTable::numbers(std::span<const std::string> columns, DType dtype, Location loc) const {
  std::vector<std::size_t> indices;
  for (const std::string& name : columns) indices.push_back(column_index(name, loc));
  return read(indices, {rows(), static_cast<std::int64_t>(indices.size())}, dtype, loc);
}

std::vector<std::string> CsvTable::text(std::string_view column, Location loc) const {
  const std::size_t c = column_index(column, loc);
  std::vector<std::string> out;
  for (std::size_t r = 0; r < rows_.size(); ++r) out.push_back(field(r, c));
  return out;
}

CsvTable CsvTable::where(std::string_view column, std::string_view value, Location loc) const {
  const std::size_t c = column_index(column, loc);
  CsvTable out;
  out.file_ = file_;
  for (std::size_t r = 0; r < rows_.size(); ++r)
    if (field(r, c) == value) out.rows_.push_back(rows_[r]);
  return out;
}

}  // namespace catena::train
