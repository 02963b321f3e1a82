// Which OpenBLAS a program gets that has not loaded one itself, as this one.
#include "catena/backends/cpu/blas.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace catena::test {
namespace {

TEST(OpenBlas, ItsKernelsFitTheProcessor) {
  if (std::getenv("OPENBLAS_CORETYPE")) GTEST_SKIP() << "the environment chooses the kernels";
  EXPECT_TRUE(cpu::openblas().fits_processor)
      << "products run without AVX; OPENBLAS_CORETYPE was not set before the library was loaded";
  EXPECT_EQ(std::getenv("OPENBLAS_CORETYPE"), nullptr) << "the environment is put back";
}

}  // namespace
}  // namespace catena::test
