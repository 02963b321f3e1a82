// Tables of comma-separated values.
//
//   CsvTable table = read_csv("digits.csv");
//   CsvTable train = table.where("split", "train");
//   Tensor labels = train.number("label", kInt64);
//
// Errors name the file, the line and the column: "digits.csv:17, column 4: 'x' is not a number".
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/dtype.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::train {

struct CsvOptions {
  char delimiter = ',';
  bool header = true;  // the first line names the columns; otherwise they are "0", "1", ...
  // Fields that stand for a missing value, e.g. {"", "NA"}: NaN as numbers of a floating dtype.
  // Where "" is one of them, a blank line of a table of one column is a row.
  std::vector<std::string> missing = {};
};

// The fields of a file as text; numbers are read when asked for.
class CsvTable {
 public:
  using Location = std::source_location;

  std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }
  const std::vector<std::string>& columns() const;
  bool has(std::string_view column) const;

  // One column as a vector [rows], several as a matrix [rows, columns]. "nan" and "inf" are numbers
  // of a floating dtype. Throws SystemError for a field that is not a number, or not one of that
  // dtype, ArgumentError for an unknown column.
  Tensor number(std::string_view column, DType dtype = kFloat32,
                Location loc = Location::current()) const;
  Tensor numbers(std::span<const std::string> columns, DType dtype = kFloat32,
                 Location loc = Location::current()) const;
  std::vector<std::string> text(std::string_view column, Location loc = Location::current()) const;

  // The rows with `value` in `column`.
  CsvTable where(std::string_view column, std::string_view value,
                 Location loc = Location::current()) const;

 private:
  friend CsvTable read_csv(const std::string&, CsvOptions, std::source_location);
  struct File;
  std::size_t column_index(std::string_view column, const Location& loc) const;
  const std::string& field(std::size_t row, std::size_t column) const;
  template <class T>
  T parse(std::size_t row, std::size_t column, DType dtype) const;
  template <class T>
  std::vector<T> parse(std::span<const std::size_t> columns, DType dtype) const;
  Tensor read(std::span<const std::size_t> columns, const Shape& shape, DType dtype,
              const Location& loc) const;

  std::shared_ptr<const File> file_;
  std::vector<std::size_t> rows_;  // of the file
};

// Reads a file: RFC 4180 with quoted fields, any line ends, blank lines skipped. Throws SystemError
// when it cannot be read, is empty, or a line has more or fewer fields than the first.
CsvTable read_csv(const std::string& path, CsvOptions options = {},
                  std::source_location loc = std::source_location::current());

}  // namespace catena::train
