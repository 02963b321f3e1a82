// Runs every sample of every op; see op_suite.hpp.
#include "op_suite.hpp"

#include <gtest/gtest.h>

namespace catena::test {

TEST(OpSuite, EveryOpHasASampleThatRuns) {
  for (const OpEntry& entry : op_entries()) {
    const std::vector<OpSample> samples = entry.samples();
    EXPECT_FALSE(samples.empty()) << entry.name;
    for (const OpSample& s : samples) EXPECT_STREQ(s.op.info().name, entry.name);
  }
}

}  // namespace catena::test
