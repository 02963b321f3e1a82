// The entry of every test program. Samples and tests need the built-in ops before GoogleTest lists
// them, so that a machine without the forced instruction set is told apart from a failure here.
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

namespace {
// testing::TempDir() is a folder of this process, gone at its end: the same tests may run twice at
// a time. Processes that a test starts share it.
class OwnTempDir {
 public:
  OwnTempDir() {
    if (std::getenv("TEST_TMPDIR")) return;
    path_ = std::filesystem::temp_directory_path() / ("catena_tests_" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
    ::setenv("TEST_TMPDIR", path_.c_str(), 1);
  }
  ~OwnTempDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  OwnTempDir(const OwnTempDir&) = delete;
  OwnTempDir& operator=(const OwnTempDir&) = delete;

 private:
  std::filesystem::path path_;
};
}  // namespace

int main(int argc, char** argv) {
  // A shell starts what runs in the background with Ctrl-C ignored, which fit() respects.
  std::signal(SIGINT, SIG_DFL);
  try {
    catena::init();
  } catch (const catena::SystemError& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return std::getenv("CATENA_CPU_ISA") ? 77 : 1;
  }
  const OwnTempDir temp_dir;
  ::testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const auto& unit = *::testing::UnitTest::GetInstance();
  // A run that tested nothing says so.
  const bool all_skipped = unit.skipped_test_count() > 0 && unit.successful_test_count() == 0;
  return result == 0 && all_skipped ? 77 : result;
}
