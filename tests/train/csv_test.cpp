// CSV tables: fields, numbers, and errors that name file, line and column.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>

#include "catena/train/csv.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::CsvTable;
using train::read_csv;

// A file of that content, gone when the test ends.
class TempFile {
 public:
  explicit TempFile(const std::string& content, const std::string& name = "table.csv")
      : path_((std::filesystem::path(::testing::TempDir()) / name).string()) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Csv, ReadsNumbersAndText) {
  const TempFile file("a,b,kind\n1,2.5,x\n-3,1e2,y\n+4, 5 ,x\n");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.rows(), 3);
  EXPECT_EQ(table.columns(), (std::vector<std::string>{"a", "b", "kind"}));
  EXPECT_TRUE(table.has("kind"));
  EXPECT_FALSE(table.has("c"));
  const Tensor a = table.number("a", kInt64);
  EXPECT_EQ(a.dtype(), kInt64);
  EXPECT_TRUE(close(a, {1, -3, 4}));
  const Tensor both = table.numbers(std::vector<std::string>{"b", "a"});
  EXPECT_EQ(both.shape(), (Shape{3, 2}));
  EXPECT_EQ(both.dtype(), kFloat32);
  EXPECT_TRUE(close(both, {2.5, 1, 100, -3, 5, 4}));
  EXPECT_EQ(table.text("kind"), (std::vector<std::string>{"x", "y", "x"}));
}

TEST(Csv, SelectsRows) {
  const TempFile file("v,split\n1,train\n2,test\n3,train\n");
  const CsvTable train = read_csv(file.path()).where("split", "train");
  EXPECT_EQ(train.rows(), 2);
  EXPECT_TRUE(close(train.number("v"), {1, 3}));
  EXPECT_EQ(train.where("v", "3").rows(), 1);
  EXPECT_EQ(train.where("split", "test").rows(), 0);
}

TEST(Csv, ReadsQuotesLineEndsAndBlankLines) {
  const TempFile file("\xEF\xBB\xBFname;v\r\n\"a;\"\"b\"\"\nc\";1\r\n\r\nd;2");
  const CsvTable table = read_csv(file.path(), {.delimiter = ';'});
  EXPECT_EQ(table.columns()[0], "name");
  EXPECT_EQ(table.text("name"), (std::vector<std::string>{"a;\"b\"\nc", "d"}));
  EXPECT_TRUE(close(table.number("v"), {1, 2}));
  const TempFile plain("1,2\n3,4\n", "plain.csv");
  EXPECT_TRUE(close(read_csv(plain.path(), {.header = false}).number("1"), {2, 4}));
}

TEST(Csv, ErrorsNameFileLineAndColumn) {
  const TempFile file("a,b,c,d\n1,2,3,4\n\n5,6,7,x\n8,9,,1.5\n", "digits.csv");
  const CsvTable table = read_csv(file.path());
  expect_error<SystemError>([&] { table.number("d"); },
                            {"digits.csv:4, column 4: 'x' is not a number"});
  expect_error<SystemError>([&] { table.number("c"); }, {"digits.csv:5, column 3", "is empty"});
  expect_error<SystemError>([&] { table.where("a", "8").number("d", kInt64); },
                            {"digits.csv:5, column 4: '1.5' is not a value of int64"});
  const TempFile range("u\n300\n", "range.csv");
  expect_error<SystemError>([&] { read_csv(range.path()).number("u", kUInt8); },
                            {"range.csv:2, column 1: '300' is not a value of uint8"});
  expect_error<ArgumentError>([&] { table.number("e"); },
                              {"unknown", "column 'e'", "available: a, b, c, d", "csv_test.cpp"});
}

TEST(Csv, IntegersAreExact) {
  const TempFile file(
      "i,plus\n9007199254740993,+7\n-9223372036854775808,2e3\n"
      "9223372036854775807,-4.0\n");
  const CsvTable table = read_csv(file.path());
  EXPECT_EQ(table.number("i", kInt64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{9007199254740993, std::numeric_limits<std::int64_t>::min(),
                                       std::numeric_limits<std::int64_t>::max()}));
  EXPECT_TRUE(close(table.number("plus", kInt32), {7, 2000, -4}));
  const TempFile largest("u,b\n18446744073709551615,1\n255,0\n", "largest.csv");
  EXPECT_EQ(read_csv(largest.path()).number("u", kUInt64).to_vector<std::uint64_t>()[0],
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(close(read_csv(largest.path()).number("b", kBool), {1, 0}));
  expect_error<SystemError>([&] { read_csv(largest.path()).number("u", kBool); },
                            {"'18446744073709551615' is not a value of bool"});
  const TempFile wrong("a,b,c,d\n9223372036854775808,+-5,nan,1e19\n", "wrong.csv");
  const CsvTable bad = read_csv(wrong.path());
  for (const char* column : {"a", "c", "d"})
    expect_error<SystemError>([&] { bad.number(column, kInt64); }, {"is not a value of int64"});
  for (const DType dtype : {kInt64, kFloat64})
    expect_error<SystemError>([&] { bad.number("b", dtype); }, {"'+-5' is not a number"});
}

TEST(Csv, MissingValuesAreNaN) {
  const TempFile file("x,y,kind\n1,NA,a\n,4,\nnan,?,b\n");
  const CsvTable table = read_csv(file.path(), {.missing = {"", "NA", "?"}});
  const auto x = table.number("x").to_vector();
  EXPECT_EQ(x[0], 1);
  EXPECT_TRUE(std::isnan(x[1]) && std::isnan(x[2]));
  const std::vector<std::string> columns{"x", "y"};
  EXPECT_TRUE(std::isnan(table.numbers(columns, kFloat64).to_vector()[1]));
  EXPECT_EQ(table.text("kind"), (std::vector<std::string>{"a", "", "b"}));
  expect_error<SystemError>(
      [&] { table.number("y", kInt64); },
      {"table.csv:2, column 2: 'NA' is a missing value, for which int64 has no number"});
  const TempFile column("y\n1\n\n3\n", "column.csv");
  EXPECT_EQ(read_csv(column.path()).rows(), 2);
  const CsvTable with_blank = read_csv(column.path(), {.missing = {""}});
  EXPECT_EQ(with_blank.rows(), 3);
  EXPECT_TRUE(std::isnan(with_blank.number("y").to_vector()[1]));
}

TEST(Csv, RefusesBrokenFiles) {
  const TempFile uneven("a,b\n1,2\n3\n", "uneven.csv");
  expect_error<SystemError>([&] { read_csv(uneven.path()); },
                            {"uneven.csv:3: 1 fields; expected 2, as in line 1"});
  const TempFile open_quote("a,b\n1,\"2\n", "quote.csv");
  expect_error<SystemError>([&] { read_csv(open_quote.path()); },
                            {"quote.csv:2, column 2: the quote is never closed"});
  const TempFile after_quote("a\n\"1\"2\n", "after.csv");
  expect_error<SystemError>([&] { read_csv(after_quote.path()); },
                            {"after.csv:2, column 1", "follows the closing quote"});
  const TempFile twice("a,a\n1,2\n", "twice.csv");
  expect_error<SystemError>([&] { read_csv(twice.path()); },
                            {"twice.csv:1, column 2: the column 'a' is named twice"});
  const TempFile empty("", "empty.csv");
  expect_error<SystemError>([&] { read_csv(empty.path()); }, {"empty.csv", "is empty"});
  expect_error<SystemError>([] { read_csv("no/such/file.csv"); },
                            {"no/such/file.csv", "No such file", "csv_test.cpp"});
}

}  // namespace
}  // namespace catena::test
