// Machine code for the arithmetic of chains gives the same bits as the kernels' loops.
#include "catena/backends/cpu/step_code.hpp"

#include <bit>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "catena/backends/cpu/kernel_table.hpp"
#include "catena/graph/registry.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using cpu::Arithmetic;
using cpu::StepCode;
using cpu::StepCodeRequest;

// Makes code for each request as it comes.
class AtOnce {
 public:
  AtOnce() { cpu::set_step_code_after(1); }
  ~AtOnce() { cpu::set_step_code_after(3); }
};

// Whether there is code on this machine.
bool makes_code() {
  StepCodeRequest request;
  request.outputs = {request.arithmetic.add_input(0)};
  request.repeated = {0};
  return find_step_code(request).code;
}

// Ordinary numbers among those where rules differ.
template <class T>
std::vector<T> numbers(std::size_t n, std::uint64_t seed) {
  using Limits = std::numeric_limits<T>;
  const T special[] = {T(0),
                       T(-0.0),
                       T(1),
                       T(-3),
                       T(6),
                       Limits::max(),
                       -Limits::max(),
                       Limits::min(),
                       Limits::infinity(),
                       -Limits::infinity(),
                       Limits::quiet_NaN(),
                       Limits::denorm_min()};
  std::mt19937_64 random(seed);
  std::vector<T> v(n);
  for (T& x : v)
    x = random() % 4 == 0 ? special[random() % std::size(special)]
                          : static_cast<T>(static_cast<double>(random() >> 11) * 0x1p-51 - 2);
  return v;
}

template <class T>
bool same_bits(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return (a != a && b != b) || std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b);
}

// One formula, against the line of the op; every length and pattern of repeated inputs. False where
// there is no code for it.
template <class T>
bool check(const OpInfo& op, int gradient, const void* attrs, PointwiseFn line) {
  const int count = op.pointwise.inputs + (gradient < 0 ? 0 : 2);
  StepCodeRequest request;
  request.is_double = sizeof(T) == 8;
  std::vector<int> inputs;
  for (int i = 0; i < count; ++i) inputs.push_back(request.arithmetic.add_input(i));
  const auto value = add_formula(op, gradient, attrs, inputs.data(), count, request.arithmetic);
  if (!value) return false;
  request.outputs = {*value};
  for (unsigned pattern = 0; pattern < 1u << count; ++pattern) {
    request.repeated.clear();
    for (int i = 0; i < count; ++i) request.repeated.push_back(pattern >> i & 1u);
    const StepCode code = find_step_code(request).code;
    if (!code) {
      ADD_FAILURE() << op.name << ": no code";
      return true;
    }
    for (const std::int64_t n : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100}) {
      std::vector<std::vector<T>> data;
      std::vector<const void*> in;
      std::vector<std::int64_t> strides;
      for (int i = 0; i < count; ++i) {
        data.push_back(numbers<T>(100, static_cast<std::uint64_t>(97 * i + n)));
        strides.push_back(request.repeated[static_cast<std::size_t>(i)] ? 0 : 1);
      }
      for (const auto& d : data) in.push_back(d.data());
      // One more, which must stay as it is.
      const auto size = static_cast<std::size_t>(n);
      std::vector<T> expected(size + 1, T(42)), got = expected;
      line(attrs, expected.data(), in.data(), strides.data(), n);
      void* out = got.data();
      code(in.data(), &out, n);
      for (std::size_t i = 0; i <= size; ++i)
        if (!same_bits(got[i], expected[i])) {
          ADD_FAILURE() << op.name << " gradient " << gradient << ", element " << i << " of " << n
                        << ", repeated " << pattern << ": " << got[i] << ", expected "
                        << expected[i];
          return true;
        }
    }
  }
  return true;
}

TEST(StepCode, IsAsTheKernelsAre) {
  const AtOnce on;
  if (!makes_code()) GTEST_SKIP() << "no machine code on " << cpu::instruction_set();
  int checked = 0;
  for (const OpInfo* op : all_ops()) {
    if (op->kind != OpKind::kPointwise || !op->built_in) continue;
    const PointwiseLoops* loops = op->rows[0].loops;
    const OpValue value(*op);
    for (const DType dtype : {kFloat32, kFloat64}) {
      for (int gradient = -1; gradient < op->pointwise.inputs; ++gradient) {
        const PointwiseFn line = gradient < 0 ? loops->value[static_cast<int>(dtype)]
                                              : loops->grad[gradient][static_cast<int>(dtype)];
        if (!line) continue;
        checked += dtype == kFloat32 ? check<float>(*op, gradient, value.attrs(), line)
                                     : check<double>(*op, gradient, value.attrs(), line);
      }
    }
  }
  EXPECT_GT(checked, 100) << "formulas that are arithmetic";
}

TEST(StepCode, WritesEveryOutputAndOverItsInput) {
  const AtOnce on;
  StepCodeRequest request;
  Arithmetic& list = request.arithmetic;
  const int x = list.add_input(0), y = list.add_input(1),
            two = list.add({.kind = Arithmetic::kConstant, .constant = 2});
  const int sum = list.add({.kind = Arithmetic::kAdd, .a = x, .b = y});
  const int twice = list.add({.kind = Arithmetic::kMul, .a = sum, .b = two});
  const int rest = list.add({.kind = Arithmetic::kSub, .a = twice, .b = x});
  request.repeated = {0, 1};
  request.outputs = {sum, rest, two, x};
  const StepCode code = find_step_code(request).code;
  if (!makes_code()) GTEST_SKIP() << "no machine code on " << cpu::instruction_set();
  ASSERT_TRUE(code);
  std::vector<float> a(37), b(37), c(37), d(37);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i);
  const float ten = 10;
  const void* in[] = {a.data(), &ten};
  void* out[] = {b.data(), a.data(), c.data(), d.data()};
  code(in, out, 37);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float v = static_cast<float>(i);
    EXPECT_EQ(b[i], v + 10);
    EXPECT_EQ(a[i], 2 * (v + 10) - v);
    EXPECT_EQ(c[i], 2);
    EXPECT_EQ(d[i], v);
  }
}

TEST(StepCode, RefusesWhatRegistersDoNotHold) {
  const AtOnce on;
  StepCodeRequest request;
  Arithmetic& list = request.arithmetic;
  const int x = list.add_input(0);
  int total = x;
  for (int i = 0; i < 40; ++i)
    total = list.add({.kind = Arithmetic::kMul,
                      .a = total,
                      .b = list.add({.kind = Arithmetic::kConstant, .constant = i + 0.5})});
  request.repeated = {0};
  request.outputs = {total};
  EXPECT_EQ(find_step_code(request).code, nullptr);
  EXPECT_EQ(find_step_code(request).too_large, makes_code());
}

TEST(StepCode, IsMadeWhenARequestComesAgain) {
  StepCodeRequest request;
  request.outputs = {
      request.arithmetic.add({.kind = Arithmetic::kNeg, .a = request.arithmetic.add_input(0)})};
  request.repeated = {0};
  cpu::set_step_code_after(1);
  const bool possible = makes_code();
  cpu::set_step_code_after(3);
  EXPECT_EQ(find_step_code(request).code, nullptr);
  EXPECT_EQ(find_step_code(request).code, nullptr);
  EXPECT_EQ(find_step_code(request).code != nullptr, possible);
  cpu::set_step_code_after(0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(find_step_code(request).code, nullptr);
  cpu::set_step_code_after(3);
}

}  // namespace
}  // namespace catena::test
