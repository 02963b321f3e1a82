// Characters as numbers, windows of series.
#include "catena/train/characters.hpp"

#include <gtest/gtest.h>

#include "catena/ops/all.hpp"
#include "catena/train/windows.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::Characters;
using train::next_steps;
using train::read_text;
using train::windows;

TEST(Characters, AreNumberedInTheOrderOfTheirBytes) {
  const Characters characters("banana split");
  EXPECT_EQ(characters.size(), 9);  // " abilnpst" of 9
  EXPECT_TRUE(same_bits(characters.encode("ban "), tensor({2, 1, 5, 0}, kInt64)));
  EXPECT_EQ(characters.decode(characters.encode("planst bi")), "planst bi");
  EXPECT_EQ(characters.decode(tensor({{2, 1}, {5, 1}}, kInt32)), "bana");
  EXPECT_EQ(characters.encode("").shape(), (Shape{0}));
  EXPECT_EQ(Characters("").size(), 0);
}

TEST(Characters, OfUtf8AreWhole) {
  const Characters characters("aé€😀é");
  EXPECT_EQ(characters.size(), 4);
  EXPECT_TRUE(same_bits(characters.encode("😀é"), tensor({3, 1}, kInt64)));
  EXPECT_EQ(characters.decode(tensor({2, 3, 0}, kInt64)), "€😀a");
  // No UTF-8: a lone first byte, a lone continuation, one cut off.
  const Characters bytes(
      "\xc3"
      "a\x80\xe2\x82");
  EXPECT_EQ(bytes.size(), 5);
  EXPECT_EQ(bytes.decode(bytes.encode("\x82\xc3")), "\x82\xc3");
}

TEST(Characters, RefuseUnknownOnes) {
  const Characters characters("abc");
  expect_error<ArgumentError>(
      [&] { characters.encode("abé"); },
      {"[encode] character 2 is 'é'; expected one of the 3 known", "characters_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        characters.decode(tensor({0, 3}, kInt64));
      },
      {"[decode] number 3; expected 0 to 2"});
  expect_error<ArgumentError>([&] { characters.decode(tensor({-1}, kInt64)); }, {"number -1"});
  expect_error<ArgumentError>([&] { characters.decode(zeros({2})); }, {"are float32"});
  expect_error<ArgumentError>([&] { characters.decode({}); }, {"are undefined"});
}

TEST(ReadText, GivesTheBytes) {
  const TempFolder folder;
  const std::string text("a\r\n\0\xff", 5);
  EXPECT_EQ(read_text(folder.write("file", text)), text);
  expect_error<SystemError>([&] { read_text(folder.path() + "/none"); },
                            {"[read_text]", "none: cannot be opened: No such file"});
  expect_error<SystemError>([&] { read_text(folder.path()); }, {"not a regular file"});
}

TEST(Windows, AreStretchesOfASeries) {
  const Tensor series = arange(7);
  EXPECT_TRUE(same_bits(windows(series, 5),
                        tensor({{0, 1, 2, 3, 4}, {1, 2, 3, 4, 5}, {2, 3, 4, 5, 6}}, kInt64)));
  EXPECT_TRUE(same_bits(windows(series, 2, 3), tensor({{0, 1}, {3, 4}}, kInt64)));
  const Tensor plane = arange(6).to(kFloat32).reshape({3, 2});
  EXPECT_TRUE(same_bits(windows(plane, 2), tensor({{{0, 1}, {2, 3}}, {{2, 3}, {4, 5}}})));
  EXPECT_EQ(windows(series, 7).shape(), (Shape{1, 7}));
}

TEST(Windows, NextStepsAreTheSameOneLater) {
  const train::Dataset data = next_steps(arange(8), 3);
  EXPECT_TRUE(same_bits(data.x, tensor({{0, 1, 2}, {3, 4, 5}}, kInt64)));
  EXPECT_TRUE(same_bits(data.y, tensor({{1, 2, 3}, {4, 5, 6}}, kInt64)));
  EXPECT_EQ(next_steps(arange(8), 3, 1).size(), 5);
}

TEST(Windows, RefuseShortSeries) {
  expect_error<ArgumentError>(
      [] { windows(arange(3), 4); },
      {"[windows] the series has 3 entries; expected at least 4", "characters_test.cpp"});
  expect_error<ArgumentError>([] { next_steps(arange(3), 3); },
                              {"[next_steps] the series has 3 entries; expected at least 4"});
  expect_error<ArgumentError>([] { windows(arange(3), 0); }, {"length is 0, stride is 1"});
  expect_error<ArgumentError>([] { windows(arange(3), 1, -1); }, {"stride is -1"});
  expect_error<ArgumentError>([] { windows(tensor(1.0), 1); }, {"the series is a number"});
}

}  // namespace
}  // namespace catena::test
