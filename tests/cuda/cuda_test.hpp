// The base of tests that need a CUDA device: without one they are skipped, with the reason.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "catena/graph/backend.hpp"
#include "catena/graph/error.hpp"

namespace catena::test {

class CudaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (is_available(cuda())) return;
    std::string why = "no device cuda:0";
    try {
      backend_of(cuda());
    } catch (const SystemError& e) {
      why = e.what();
    }
    GTEST_SKIP() << why;
  }
};

}  // namespace catena::test
