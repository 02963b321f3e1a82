// A save replaces the file as a whole, or leaves everything as it was.
#include <gtest/gtest.h>

#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catena/serialization/save_load.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

using test::close;
using test::expect_error;

class AtomicWrite : public test::FileTest {
 protected:
  void save_value(float value, std::int64_t elements = 4) const {
    save_tensors(path_, std::vector<NamedTensor>{{"t", full({elements}, value)}});
  }
  double loaded_value() const { return load_tensors(path_)[0].second.to_vector()[0]; }
};

TEST_F(AtomicWrite, ReplacesAndLeavesNothingBeside) {
  save_value(1);
  save_value(2);
  EXPECT_EQ(loaded_value(), 2);
  EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(AtomicWrite, KeepsTheMode) {
  save_value(1);
  ::chmod(path_.c_str(), 0640);
  save_value(2);
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(AtomicWrite, NewFilesObeyTheUmask) {
  const mode_t before = ::umask(027);
  save_value(1);
  ::umask(before);
  struct stat info;
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(AtomicWrite, ReplacesALinkNotItsTarget) {
  const std::string target = folder_ + "/target";
  test::write_file(target, "precious");
  std::filesystem::create_symlink(target, path_);
  save_value(3);
  EXPECT_EQ(test::read_file(target), "precious");
  EXPECT_EQ(loaded_value(), 3);
}

TEST_F(AtomicWrite, BadPlaces) {
  expect_error<SystemError>([&] { save_tensors(folder_ + "/no/file", {}); },
                            {"cannot write", "/no/file", "No such file or directory"});
  expect_error<SystemError>([&] { save_tensors(folder_, {}); }, {"not a regular file"});
  expect_error<SystemError>([&] { save_tensors("/dev/null", {}); }, {"not a regular file"});
}

TEST_F(AtomicWrite, NamesWithoutAFolder) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  save_tensors("plain.catena", std::vector<NamedTensor>{{"t", ones({1})}});
  EXPECT_EQ(load_tensors("plain.catena").size(), 1u);
  std::filesystem::current_path(before);
}

// The limit on the size of files stands for a full disk, met by several threads at once.
TEST_F(AtomicWrite, AFullDiskWhileThreadsWrite) {
  save_value(1);
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit whole;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &whole), 0);
  const rlimit limit{100'000, whole.rlim_max};
  std::vector<NamedTensor> large;
  for (const char* name : {"a", "b", "c", "d"}) large.emplace_back(name, ones({3'000'000}));
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::string message;
  try {
    save_tensors(path_, large, {.threads = 4});
  } catch (const SystemError& e) {
    message = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &whole);
  std::signal(SIGXFSZ, before);
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(loaded_value(), 1);
  EXPECT_EQ(files_in_folder(), 1u) << "the temporary file must be gone";
}

// A writer that dies in the middle leaves the old file, or the new one, never a mixture.
TEST_F(AtomicWrite, AKilledWriterLeavesAWholeFile) {
  save_value(1, 2'000'000);
  for (int attempt = 0; attempt < 12; ++attempt) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (;;) save_value(2, 2'000'000);
    }
    ::usleep(static_cast<useconds_t>(700 * attempt));
    ::kill(child, SIGKILL);
    int status;
    ::waitpid(child, &status, 0);
    const double value = loaded_value();
    EXPECT_TRUE(value == 1 || value == 2) << value;
  }
  save_value(5);
  EXPECT_EQ(loaded_value(), 5) << "what was left behind must not matter";
}

}  // namespace
}  // namespace catena
