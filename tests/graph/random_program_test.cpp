// The checker of the memory gate: random programs (random_program.hpp), run eagerly and deferred,
// must give the same bits for every value and gradient, and the same errors.
//
// CATENA_SOAK: unset, a few thousand programs; 1, a hundred thousand; a larger number, that many.
// CATENA_SEED: only the program of this seed, with its text.
#include "random_program.hpp"

#include <sstream>

#include "catena/graph/memory.hpp"

namespace catena::test {
namespace {

// Empty when equal, else the first difference.
std::string difference(const Outcome& eager, const Outcome& deferred) {
  for (std::size_t i = 0; i < std::min(eager.records.size(), deferred.records.size()); ++i) {
    const Record &a = eager.records[i], &b = deferred.records[i];
    std::ostringstream out;
    out << "record " << i << " (" << a.what << "): ";
    if (a.what != b.what || a.values.size() != b.values.size()) {
      out << a.values.size() << " values eager, deferred it is '" << b.what << "' with "
          << b.values.size() << " " << b.error;
      return out.str();
    }
    if (a.error != b.error) {
      out << "\n  eager:    " << a.error << "\n  deferred: " << b.error;
      return out.str();
    }
    for (std::size_t k = 0; k < a.values.size(); ++k) {
      const double x = a.values[k], y = b.values[k];
      if (std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y)) continue;
      if (std::isnan(x) && std::isnan(y)) continue;
      out.precision(17);
      out << "element " << k << " is " << x << " eager, " << y << " deferred";
      return out.str();
    }
  }
  if (eager.records.size() != deferred.records.size())
    return std::to_string(eager.records.size()) + " records eager, " +
           std::to_string(deferred.records.size()) + " deferred";
  return {};
}

std::string text_of(const Outcome& o) {
  std::string s;
  for (const std::string& line : o.text) s += "  " + line + "\n";
  return s;
}

TEST(RandomPrograms, EagerAndDeferredGiveTheSameBits) {
  if (const char* seed = std::getenv("CATENA_SEED")) {
    const std::uint64_t s = std::strtoull(seed, nullptr, 10);
    const Outcome eager = Program(s, false).run(), deferred = Program(s, true).run();
    std::printf("%s", text_of(eager).c_str());
    EXPECT_EQ(difference(eager, deferred), "");
    return;
  }
  std::uint64_t programs = 3000;
  if (soak()) {
    programs = std::strtoull(std::getenv("CATENA_SOAK"), nullptr, 10);
    if (programs <= 1) programs = 100000;
  }
  std::size_t records = 0, errors = 0;
  for (std::uint64_t seed = 1; seed <= programs; ++seed) {
    const std::uint64_t before = memory_stats().in_use;
    const Outcome eager = Program(seed, false).run(), deferred = Program(seed, true).run();
    ASSERT_EQ(memory_stats().in_use, before) << "seed " << seed << " leaves memory behind:\n"
                                             << text_of(eager);
    records += eager.records.size();
    for (const Record& r : eager.records) errors += !r.error.empty();
    const std::string d = difference(eager, deferred);
    ASSERT_EQ(d, "") << "seed " << seed << " (CATENA_SEED=" << seed << " repeats it):\n"
                     << text_of(eager);
    ASSERT_FALSE(HasNonfatalFailure()) << "seed " << seed << ":\n" << text_of(eager);
  }
  std::printf("%llu programs, %zu values compared, %zu errors equal\n",
              static_cast<unsigned long long>(programs), records, errors);
  EXPECT_GT(records, 10 * programs) << "the programs show too little";
  EXPECT_LT(errors, records / 4) << "the programs mostly fail";
}

}  // namespace
}  // namespace catena::test
