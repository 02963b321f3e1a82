#include "catena/graph/backend_loader.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "catena/graph/backend.hpp"
#include "catena/graph/registry.hpp"
#include "catena/graph/tensor.hpp"
#include "support.hpp"

namespace catena::test {

TEST(BackendLoader, WithoutADeviceTheErrorSaysWhy) {
  if (is_available(cuda())) GTEST_SKIP() << "there is a CUDA device";
  // Either the library was not built, or it found no driver or no device.
  const std::string why = detail::try_load_backend(DeviceType::kCuda);
  EXPECT_TRUE(why.starts_with("[cuda] no backend library: ") ||
              why.starts_with("[cuda] the backend library does not load: ") ||
              why.starts_with("[cuda] no usable driver") ||
              why.starts_with("[cuda] no CUDA device"))
      << why;
  expect_error<SystemError>([] { zeros({2}, cuda()); }, {why.c_str()});
  expect_error<SystemError>([] { zeros({2}).to(cuda()); }, {why.c_str()});
  // The answer stays, without a second attempt.
  EXPECT_EQ(detail::try_load_backend(DeviceType::kCuda), why);
  EXPECT_TRUE(is_available(kCpu));
}

TEST(BackendLoader, AFileThatIsNoLibrary) {
  const std::string why = detail::load_backend_library("cuda", "/proc/self/cmdline");
  EXPECT_TRUE(why.starts_with("[cuda] the backend library does not load: ")) << why;
  EXPECT_NE(why.find("LD_LIBRARY_PATH"), std::string::npos) << why;
}

TEST(BackendLoader, ALibraryWithoutTheEntry) {
  const std::string why = detail::load_backend_library("cuda", "libm.so.6");
  EXPECT_EQ(why,
            "[cuda] libm.so.6 is not a backend library: it has no function catena_backend_entry");
}

TEST(BackendLoader, ARefusalIsPassedOn) {
  init();
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string file = self.substr(0, self.rfind('/')) + "/libcatena_fake_backend.so";
  EXPECT_EQ(detail::load_backend_library("cuda", file),
            "[cuda] no device of this make (from " + file + ")");
}

}  // namespace catena::test
