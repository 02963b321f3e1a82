// Small helpers shared by the test programs.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

#include "catena/graph/deferral.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::test {

// Runs f and expects an exception of type E whose message contains every part.
template <class E, class F>
void expect_error(F&& f, std::initializer_list<const char*> parts) {
  try {
    f();
  } catch (const E& e) {
    for (const char* part : parts)
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos)
          << "the message was: " << e.what() << "\nexpected in it:  " << part;
    return;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "an exception of another type: " << e.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected an error with: "
                << (parts.size() ? *parts.begin() : "");
}

// Shape, dtype and the bits of every element; any NaN equals any NaN.
inline ::testing::AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined())
    return ::testing::AssertionFailure() << "one of the tensors is undefined";
  if (!a.defined()) return ::testing::AssertionSuccess();
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype())
    return ::testing::AssertionFailure()
           << name_of(a.dtype()) << " " << to_string(a.shape()) << " and " << name_of(b.dtype())
           << " " << to_string(b.shape());
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::bit_cast<std::uint64_t>(x[i]) != std::bit_cast<std::uint64_t>(y[i]) &&
        !(std::isnan(x[i]) && std::isnan(y[i])))
      return ::testing::AssertionFailure()
             << "element " << i << " of " << name_of(a.dtype()) << " " << to_string(a.shape())
             << " differs: " << ::testing::PrintToString(x[i]) << " and "
             << ::testing::PrintToString(y[i]);
  return ::testing::AssertionSuccess();
}

// |a - b| <= atol + rtol * |b| for every element.
inline ::testing::AssertionResult close(const Tensor& a, const std::vector<double>& expected,
                                        double rtol = 1e-5, double atol = 1e-6) {
  const std::vector<double> x = a.to_vector<double>();
  if (x.size() != expected.size())
    return ::testing::AssertionFailure() << x.size() << " elements; expected " << expected.size();
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] != expected[i] &&
        !(std::abs(x[i] - expected[i]) <= atol + rtol * std::abs(expected[i])))
      return ::testing::AssertionFailure()
             << "element " << i << " is " << x[i] << "; expected " << expected[i];
  return ::testing::AssertionSuccess();
}

// Deferral and its threshold as they were, when the scope ends.
class DeferralScope {
 public:
  explicit DeferralScope(bool on, std::int64_t threshold = 1)
      : on_(deferral_enabled()), threshold_(deferral_threshold()) {
    set_deferral(on);
    set_deferral_threshold(threshold);
  }
  ~DeferralScope() {
    run_pending();
    set_deferral(on_);
    set_deferral_threshold(threshold_);
  }
  DeferralScope(const DeferralScope&) = delete;
  DeferralScope& operator=(const DeferralScope&) = delete;

 private:
  bool on_;
  std::int64_t threshold_;
};

// True for the long runs of tools/test.sh --all: CATENA_SOAK is set and not 0.
inline bool soak() {
  const char* s = std::getenv("CATENA_SOAK");
  return s && *s && std::string(s) != "0";
}

}  // namespace catena::test
