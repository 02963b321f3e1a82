// What the scripts for gnuplot say.
#include "catena/train/plot.hpp"

#include <gtest/gtest.h>

#include "catena/train/characters.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::plot;
using train::Series;

TEST(Plot, TellsMoreSeriesApartThanThereAreColours) {
  const TempFolder folder;
  std::vector<Series> series;
  for (int i = 0; i < 10; ++i)
    series.push_back({"it's " + std::to_string(i), {1}, {2}, Series::Style::kPoints});
  plot(series, folder.path(), "many");
  const std::string script = train::read_text(folder.path() + "/many.gp");
  EXPECT_NE(script.find("points pointtype 7 pointsize 0.6 title 'it''s 7'"), std::string::npos);
  EXPECT_NE(script.find("points pointtype 4 pointsize 0.6 title 'it''s 8'"), std::string::npos);
}

TEST(Plot, RefusesUnequalLengths) {
  expect_error<ArgumentError>(
      [] {
        plot({{"a", {1, 2}, {3}}}, ".", "x");
      },
      {"[plot] series 'a' has 2 x and 1 y"});
}

}  // namespace
}  // namespace catena::test
