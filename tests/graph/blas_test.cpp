// Which libraries for products and convolutions a program gets that has not loaded one itself, as
// this one.
#include "catena/backends/cpu/blas.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "catena/backends/cpu/onednn_api.hpp"

namespace catena::test {
namespace {

TEST(OpenBlas, ItsKernelsFitTheProcessor) {
  if (std::getenv("OPENBLAS_CORETYPE")) GTEST_SKIP() << "the environment chooses the kernels";
  EXPECT_TRUE(cpu::openblas().fits_processor)
      << "products run without AVX; OPENBLAS_CORETYPE was not set before the library was loaded";
  EXPECT_EQ(std::getenv("OPENBLAS_CORETYPE"), nullptr) << "the environment is put back";
}

TEST(OneDnn, IsLoadedWhereItWasBuilt) {
#if defined(CATENA_HAS_ONEDNN)
  EXPECT_TRUE(cpu::onednn()) << "libcatena_onednn.so does not lie beside the core, or not load";
#else
  GTEST_SKIP() << "built without oneDNN";
#endif
}

}  // namespace
}  // namespace catena::test
