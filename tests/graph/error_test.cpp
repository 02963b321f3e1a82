// The texts of errors that a user of tensors and ops meets: "[op] what is wrong: actual values;
// expected; what to do. (called at file:line)", with the caller's own file and line. Texts that
// belong to one op stand with its samples, those of the tape in tape_test.cpp and
// autograd_test.cpp.
#include <string>

#include "catena/graph/autograd.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

// Runs f and expects the message to start with "[op] ", contain the parts, and end with the place
// of the call: this file, line `line`.
template <class E = ArgumentError, class F>
void expect_message(const char* op, int line, F&& f, std::initializer_list<const char*> parts) {
  try {
    f();
  } catch (const E& e) {
    const std::string text = e.what(), start = std::string("[") + op + "] ";
    const std::string place = " (called at error_test.cpp:" + std::to_string(line) + ")";
    EXPECT_EQ(text.substr(0, start.size()), start) << text;
    EXPECT_NE(text.find(place), std::string::npos) << text << "\nexpected the place" << place;
    for (const char* part : parts)
      EXPECT_NE(text.find(part), std::string::npos) << text << "\nexpected in it: " << part;
    return;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "an exception of another type: " << e.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

// The statement and its line.
#define CATENA_EXPECT_MESSAGE(op, statement, ...) \
  expect_message(op, __LINE__, [&] { statement; }, {__VA_ARGS__})
#define CATENA_EXPECT_MESSAGE_OF(kind, op, statement, ...) \
  expect_message<kind>(op, __LINE__, [&] { statement; }, {__VA_ARGS__})

// The statement and the macro's __LINE__ stay on one line.
// clang-format off

TEST(ErrorTexts, Matmul) {
  const Tensor a = ones({2, 3}), b = ones({4, 5}), c = ones({7, 3, 2}), d = ones({3, 2, 4}),
               s = ones({});
  CATENA_EXPECT_MESSAGE("matmul", matmul(a, b), "[2, 3]", "[4, 5]", "3", "4");
  CATENA_EXPECT_MESSAGE("matmul", matmul(c, d), "[7, 3, 2]", "[3, 2, 4]");
  CATENA_EXPECT_MESSAGE("matmul", matmul(s, a), "a is 0-d; expected at least one dimension");
  CATENA_EXPECT_MESSAGE("matmul", matmul(a, ones({3, 2}, kFloat64)), "float32", "float64", "to(");
  CATENA_EXPECT_MESSAGE("matmul", a.matmul(b), "[2, 3]", "[4, 5]");
}

TEST(ErrorTexts, Broadcast) {
  const Tensor a = ones({2, 3}), b = ones({4}), grad_a = ones({2, 3}, {kFloat32, kCpu, true});
  CATENA_EXPECT_MESSAGE("add", a + b, "shapes do not broadcast: a [2, 3], b [4]", "expected", "reshape");
  CATENA_EXPECT_MESSAGE("mul", a * b, "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("sub", sub(a, b), "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("less", a < b, "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("where", where(a > 0, a, b), "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("add", (a * 2) + (b - 1), "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("add", grad_a + b, "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("copy_", zeros({2, 3}).copy_(b), "[4]", "[2, 3]");
  CATENA_EXPECT_MESSAGE("expand", a.expand({2, 4}), "[2, 3]", "[2, 4]");
}

TEST(ErrorTexts, Concat) {
  const Tensor a = ones({2, 3}), b = ones({2, 4});
  CATENA_EXPECT_MESSAGE("concat", concat({a, b}, 0), "[2, 3]", "[2, 4]");
  CATENA_EXPECT_MESSAGE("concat", concat({a, a.reshape({6})}, 0), "[2, 3]", "[6]");
  CATENA_EXPECT_MESSAGE("concat", concat({a, b}, 5), "5");
  CATENA_EXPECT_MESSAGE("concat", concat({a, ones({2, 3}, kInt32)}), "float32", "int32");
}

TEST(ErrorTexts, ShapesAndDimensions) {
  const Tensor a = ones({2, 3});
  CATENA_EXPECT_MESSAGE("reshape", a.reshape({4}), "[2, 3]", "[4]");
  CATENA_EXPECT_MESSAGE("reshape", a.reshape({-1, -1}), "-1");
  CATENA_EXPECT_MESSAGE("softmax", softmax(a, 2), "dim is 2", "-2 to 1");
  CATENA_EXPECT_MESSAGE("sum", a.sum({0, 0}), "dimension 0 twice");
  CATENA_EXPECT_MESSAGE("sum", sum(a, {3}), "3");
  CATENA_EXPECT_MESSAGE("max", ones({0}).max(), "[0]");
  CATENA_EXPECT_MESSAGE("slice", a[5], "5", "[2, 3]");
}

TEST(ErrorTexts, Losses) {
  const Tensor logits = ones({4, 5}), three = zeros({3}, kInt64), wrong = ones({4, 6});
  CATENA_EXPECT_MESSAGE("cross_entropy", cross_entropy(logits, three), "[4, 5]", "[3]");
  CATENA_EXPECT_MESSAGE("cross_entropy", cross_entropy(logits, wrong), "[4, 5]", "[4, 6]");
  CATENA_EXPECT_MESSAGE("cross_entropy", cross_entropy(logits, full({4}, 5, kInt64)), "5");
  CATENA_EXPECT_MESSAGE("mse_loss", mse_loss(logits, wrong), "[4, 5]", "[4, 6]");
  CATENA_EXPECT_MESSAGE("bce_with_logits", bce_with_logits(logits, wrong), "[4, 5]", "[4, 6]");
  expect_error<ArgumentError>([] { reduction_from_name("maen"); }, {"[reduction]", "maen", "mean", "error_test.cpp:"});
}

TEST(ErrorTexts, DTypes) {
  const Tensor half = ones({2}, kFloat16), flags = ones({2}, kBool), ints = ones({2}, kInt64);
  CATENA_EXPECT_MESSAGE("exp", exp(half), "float16", "float32", "to(");
  CATENA_EXPECT_MESSAGE("neg", -flags, "bool");
  CATENA_EXPECT_MESSAGE("softmax", softmax(ints), "int64", "float32");
  CATENA_EXPECT_MESSAGE("mean", mean(ints), "int64");
  CATENA_EXPECT_MESSAGE("where", where(ints, half, half), "int64", "bool");
  CATENA_EXPECT_MESSAGE("data", ones({2}).data<double>(), "float64", "float32", "to(dtype)");
}

TEST(ErrorTexts, IndexOutOfRange) {
  const Tensor x = ones({4, 3});
  CATENA_EXPECT_MESSAGE("index_select", index_select(x, tensor({0, 4}, kInt64)), "4");
  CATENA_EXPECT_MESSAGE("index_select", index_select(x, tensor({-5}, kInt64)), "-5");
  CATENA_EXPECT_MESSAGE("index_select", index_select(x, ones({2})), "input 1 has dtype float32");
}

TEST(ErrorTexts, UndefinedTensors) {
  const Tensor none, one = ones({2});
  CATENA_EXPECT_MESSAGE("add", one + none, "b is an undefined tensor");
  CATENA_EXPECT_MESSAGE("exp", exp(none), "undefined tensor");
  CATENA_EXPECT_MESSAGE("read", none.to_vector(), "undefined");
}

TEST(ErrorTexts, SecondBackward) {
  const Tensor x = ones({2}, {kFloat32, kCpu, true});
  const Tensor y = (x * x).sum(); const int line = __LINE__;
  y.backward();
  expect_message("backward", line, [&] { y.backward(); }, {"already freed", "retain_graph = true"});
}

TEST(ErrorTexts, BackwardOfANonScalar) {
  const Tensor x = ones({2, 2}, {kFloat32, kCpu, true});
  CATENA_EXPECT_MESSAGE("backward", (x * 2).backward(), "[2, 2]", "single element", "sum()");
}

TEST(ErrorTexts, UnknownOp) {
  expect_error<UnsupportedError>([] { call("sofmax", {ones({2})}); },
                                 {"[registry] there is no op 'sofmax'", "softmax"});
  expect_error<UnsupportedError>([] { get_op("xyzzy_nothing_like_it"); },
                                 {"there is no op 'xyzzy_nothing_like_it'"});
}

TEST(ErrorTexts, UnknownAttribute) {
  CATENA_EXPECT_MESSAGE("softmax", call("softmax", {ones({2})}, {{"dimm", std::int64_t{0}}}), "there is no attribute 'dimm'", "dim");
  expect_error<ArgumentError>(
      [] {
        call("softmax", {ones({2})}, {{"dim", std::string("x")}});
      },
      {"'dim'", "string", "int"});
}

// An op of this test without any kernel.
struct Kernelless {
  static constexpr const char* kName = "kernelless_test_op";
  static constexpr const char* kFormula = "y = ?";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple<> kAttrs{};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::none("a test");
  void infer(InferContext& c) const { c.output(c.shape(0), c.dtype(0)); }
};

void triple(const Kernelless&, const KernelContext& c) {
  for (std::int64_t i = 0; i < c.input(0).numel; ++i)
    c.output().as<float>()[i] = 3 * c.input(0).as<float>()[i];
}

TEST(ErrorTexts, MissingKernel) {
  register_op<Kernelless>();
  CATENA_EXPECT_MESSAGE_OF(UnsupportedError, "kernelless_test_op", call(Kernelless{}, {ones({2})}), "no kernel on cpu", "float32");
  register_kernel<Kernelless, triple>(DeviceType::kCpu, DTypeSet(kFloat32));
  EXPECT_EQ(call(Kernelless{}, {ones({2})}).to_vector(), std::vector<double>(2, 3));
  CATENA_EXPECT_MESSAGE("kernelless_test_op", call(Kernelless{}, {ones({2}, kFloat64)}), "no kernel for float64 on cpu", "float32");
  CATENA_EXPECT_MESSAGE("kernelless_test_op", call(Kernelless{}, {ones({2}), ones({2})}), "2 inputs given; expected 1");
}

TEST(ErrorTexts, NameTaken) {
  expect_error<ArgumentError>(
      [] {
        OpInfo info = describe_op<Kernelless>();
        info.name = "softmax";
        detail::register_info(info);
      },
      {"[registry] the name 'softmax' is taken by a built-in op"});
}

TEST(ErrorTexts, MissingDevice) {
  if (is_available(cuda(7))) GTEST_SKIP() << "this machine has eight GPUs";
  expect_error<SystemError>([] { ones({2}, cuda(7)); }, {"[cuda"});
  expect_error<ArgumentError>([] { device_from_name("tpu"); }, {"'tpu'", "cpu, cuda or cuda:N"});
}

TEST(ErrorTexts, TooManyDimensions) {
  expect_error<ArgumentError>(
      [] {
        ones({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0);
      },
      {"[unsqueeze]", "8 dimensions already"});
  const Tensor full_rank = zeros({1, 1, 1, 1, 1, 1, 1, 2}, kInt64);
  CATENA_EXPECT_MESSAGE("one_hot", one_hot(full_rank, 3), "8 dimensions already; expected at most 7");
  CATENA_EXPECT_MESSAGE("embedding", embedding(ones({2, 2}), full_rank), "8 dimensions already; expected at most 7");
  CATENA_EXPECT_MESSAGE("unflatten", unflatten(full_rank, 7, {1, 2}), "gives 9 dimensions; expected at most 8");
  CATENA_EXPECT_MESSAGE("slice", full_rank.slice({NewAxis, Ellipsis}), "9 dimensions; expected at most 8");
}

// The place is the user's line, also from inside helpers that pass it on.
TEST(ErrorTexts, CallSite) {
  const Tensor a = ones({2}), b = ones({3});
  const std::source_location here = std::source_location::current(); const int line = __LINE__;
  expect_message("add", line,
                 [&] {
                   CallSite site(here);
                   a + b;
                 },
                 {"[2]", "[3]"});
}

// clang-format on

}  // namespace
}  // namespace catena::test
