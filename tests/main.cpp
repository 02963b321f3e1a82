// The entry of every test program. Samples and tests need the built-in ops before GoogleTest lists
// them, so that a machine without the forced instruction set is told apart from a failure here.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

int main(int argc, char** argv) {
  try {
    catena::init();
  } catch (const catena::SystemError& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return std::getenv("CATENA_CPU_ISA") ? 77 : 1;
  }
  ::testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const auto& unit = *::testing::UnitTest::GetInstance();
  // A run that tested nothing says so.
  const bool all_skipped = unit.skipped_test_count() > 0 && unit.successful_test_count() == 0;
  return result == 0 && all_skipped ? 77 : result;
}
