// Tensors: how they are made, viewed, written and printed.
#include "catena/graph/tensor.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <sstream>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

Tensor arange(const Shape& shape, DType dtype = kFloat32) {
  std::vector<double> v(static_cast<std::size_t>(shape.numel()));
  std::iota(v.begin(), v.end(), 0);
  return tensor(v, shape, dtype);
}

// --- Making ---

TEST(Creation, FromLists) {
  const Tensor scalar = tensor(3.5);
  EXPECT_EQ(scalar.shape(), Shape());
  EXPECT_EQ(scalar.dtype(), kFloat32);
  EXPECT_EQ(scalar.item(), 3.5);
  const Tensor vector = tensor({1, 2, 3});
  EXPECT_EQ(vector.shape(), (Shape{3}));
  EXPECT_EQ(vector.dtype(), kFloat32);
  EXPECT_EQ(vector.to_vector<float>(), (std::vector<float>{1, 2, 3}));
  const Tensor matrix = tensor({{1, 2}, {3, 4}, {5, 6}}, kInt64);
  EXPECT_EQ(matrix.shape(), (Shape{3, 2}));
  EXPECT_EQ(matrix.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
  const Tensor cube = tensor({{{1, 2}}, {{3, 4}}}, kUInt8);
  EXPECT_EQ(cube.shape(), (Shape{2, 1, 2}));
  EXPECT_EQ(cube.size(-1), 2);
  EXPECT_EQ(tensor({true, false}, kBool).to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{1, 0}));
}

TEST(Creation, FromVectorsAndSpans) {
  const std::vector<double> v{1, 2, 3, 4};
  const Tensor t = tensor(v, {2, 2});
  EXPECT_EQ(t.dtype(), kFloat64);
  EXPECT_EQ(tensor(v, {4}, kFloat32).dtype(), kFloat32);
  const std::vector<std::int16_t> small{-1, 7};
  EXPECT_EQ(tensor(small, {2}).dtype(), kInt16);
  EXPECT_EQ(tensor(std::span<const double>(v).subspan(1, 2), {2}).to_vector(), (Vec{2, 3}));
}

TEST(Creation, Filled) {
  EXPECT_EQ(zeros({2, 2}).to_vector(), Vec(4, 0));
  EXPECT_EQ(ones({3}, kInt32).to_vector(), Vec(3, 1));
  EXPECT_EQ(full({2}, 7, kFloat64).to_vector(), Vec(2, 7));
  EXPECT_EQ(zeros_like(ones({2, 3}, kUInt8)).dtype(), kUInt8);
  EXPECT_EQ(ones_like(zeros({2, 3})).to_vector(), Vec(6, 1));
  EXPECT_EQ(empty({0, 3}).numel(), 0);
  EXPECT_EQ(full({}, true, kBool).item<int>(), 1);
}

TEST(Creation, LargeIntegersKeepEveryDigit) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(tensor(std::vector<std::int64_t>{big}, {1}).item<std::int64_t>(), big);
  EXPECT_EQ(full({}, big, kInt64).item<std::int64_t>(), big);
}

TEST(Creation, FromMemory) {
  float memory[6] = {0, 1, 2, 3, 4, 5};
  bool released = false;
  {
    Tensor t = from_memory(memory, {2, 3}, kFloat32, {}, [&](void* p) {
      EXPECT_EQ(p, memory);
      released = true;
    });
    EXPECT_EQ(t.data<float>(), memory);
    const Tensor view = t.transpose(0, 1);
    t = Tensor();
    EXPECT_FALSE(released) << "a view still uses the memory";
    EXPECT_EQ(view.to_vector(), (Vec{0, 3, 1, 4, 2, 5}));
    memory[1] = 9;
    EXPECT_EQ(view.to_vector(), (Vec{0, 3, 9, 4, 2, 5})) << "the caller's writes are seen";
  }
  EXPECT_TRUE(released);
  const Tensor column = from_memory(memory, {2}, kFloat32, {3});
  EXPECT_EQ(column.to_vector(), (Vec{0, 3}));
  EXPECT_FALSE(column.is_contiguous());
}

TEST(Creation, OnlyFloatingTensorsRequireGradients) {
  EXPECT_TRUE(zeros({2}, {kFloat32, kCpu, true}).requires_grad());
  expect_error<ArgumentError>(
      [] { zeros({2}, kInt32).set_requires_grad(); },
      {"[set_requires_grad] dtype is int32; expected a floating dtype", "tensor_test.cpp:"});
}

// --- Conversions ---

TEST(Conversion, HalfTypesRoundToNearestEven) {
  EXPECT_EQ(static_cast<float>(Float16(1.0f + 0x1p-11f)), 1.0f);
  EXPECT_EQ(static_cast<float>(Float16(1.0f + 3 * 0x1p-11f)), 1.0f + 0x1p-9f);
  EXPECT_EQ(static_cast<float>(Float16(65520.0f)), std::numeric_limits<float>::infinity());
  EXPECT_EQ(static_cast<float>(Float16(0x1p-24f)), 0x1p-24f);
  EXPECT_EQ(static_cast<float>(Float16(0x1p-26f)), 0.0f);
  EXPECT_EQ(static_cast<float>(BFloat16(1.0f + 0x1p-8f)), 1.0f);
  EXPECT_EQ(static_cast<float>(BFloat16(1.0f + 3 * 0x1p-8f)), 1.0f + 0x1p-6f);
  EXPECT_TRUE(std::isnan(static_cast<float>(Float16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(Conversion, EveryDTypeStoresAndGivesBack) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto t = static_cast<DType>(i);
    const Tensor x = tensor({0, 1, 1}, t);
    EXPECT_EQ(x.dtype(), t);
    EXPECT_EQ(x.to_vector(), (Vec{0, 1, 1})) << name_of(t);
    EXPECT_EQ(dtype_from_name(name_of(t)), t);
    for (int j = 0; j < kNumDTypes; ++j) {
      const auto u = static_cast<DType>(j);
      EXPECT_EQ(x.to(u).to_vector(), (Vec{0, 1, 1})) << name_of(t) << " to " << name_of(u);
      EXPECT_EQ(x.to(u).dtype(), u);
    }
  }
}

TEST(Conversion, PromotionFollowsNumPyAndPyTorch) {
  EXPECT_EQ(promote(kInt32, kInt64), kInt64);
  EXPECT_EQ(promote(kUInt8, kInt32), kInt32);
  EXPECT_EQ(promote(kBool, kUInt8), kUInt8);
  EXPECT_EQ(promote(kInt64, kFloat32), kFloat32);
  EXPECT_EQ(promote(kFloat32, kFloat64), kFloat64);
  EXPECT_EQ(promote(kFloat16, kBFloat16), kFloat32);
  EXPECT_EQ(promote(kUInt8, kInt8), kInt16);
  for (int i = 0; i < kNumDTypes; ++i)
    for (int j = 0; j < kNumDTypes; ++j)
      EXPECT_EQ(promote(static_cast<DType>(i), static_cast<DType>(j)),
                promote(static_cast<DType>(j), static_cast<DType>(i)));
}

TEST(Conversion, ScalarsAreWeak) {
  EXPECT_EQ((tensor({1, 2}, kInt32) * 2).dtype(), kInt32);
  EXPECT_EQ((tensor({1, 2}, kFloat32) * 2.5).dtype(), kFloat32);
  EXPECT_EQ((tensor({1, 2}, kInt32) * 2.5).dtype(), kFloat32);
  EXPECT_EQ((1 - tensor({1, 2}, kFloat64)).dtype(), kFloat64);
}

// --- Views ---

TEST(Slicing, IntegersAndRanges) {
  const Tensor x = arange({4, 5});
  EXPECT_EQ(x[1].to_vector(), (Vec{5, 6, 7, 8, 9}));
  EXPECT_EQ(x[-1].to_vector(), (Vec{15, 16, 17, 18, 19}));
  EXPECT_EQ(x[1][2].item(), 7);
  EXPECT_EQ(x.slice({1, 2}).shape(), Shape());
  EXPECT_EQ(x.slice({Slice(1, 3), 0}).to_vector(), (Vec{5, 10}));
  EXPECT_EQ(x.slice({Slice(), Slice(0, 5, 2)}).shape(), (Shape{4, 3}));
  EXPECT_EQ(x.slice({Slice(-2, {}), Slice(-2, {})}).to_vector(), (Vec{13, 14, 18, 19}));
}

TEST(Slicing, BoundsAreClippedLikeNumPys) {
  const Tensor x = arange({5});
  EXPECT_EQ(x.slice({Slice(2, 100)}).to_vector(), (Vec{2, 3, 4}));
  EXPECT_EQ(x.slice({Slice(-100, 2)}).to_vector(), (Vec{0, 1}));
  EXPECT_EQ(x.slice({Slice(4, 2)}).shape(), (Shape{0}));
  EXPECT_EQ(x.slice({Slice(7, 9)}).shape(), (Shape{0}));
  EXPECT_EQ(x.slice({Slice({}, {}, 3)}).to_vector(), (Vec{0, 3}));
  EXPECT_EQ(x.slice({Slice(1, -1, 2)}).to_vector(), (Vec{1, 3}));
  EXPECT_EQ(x.slice({Slice({}, {}, 100)}).to_vector(), (Vec{0}));
}

TEST(Slicing, EllipsisAndNewAxis) {
  const Tensor x = arange({2, 3, 4});
  EXPECT_EQ(x.slice({Ellipsis, 0}).to_vector(), (Vec{0, 4, 8, 12, 16, 20}));
  EXPECT_EQ(x.slice({0, Ellipsis, NewAxis}).shape(), (Shape{3, 4, 1}));
  EXPECT_EQ(x.slice({NewAxis, Ellipsis}).shape(), (Shape{1, 2, 3, 4}));
  EXPECT_EQ(x.slice({Ellipsis}).shape(), x.shape());
  EXPECT_EQ(x.slice({1, NewAxis, Slice(0, 2), NewAxis, -1}).to_vector(), (Vec{15, 19}));
}

TEST(Slicing, Errors) {
  const Tensor x = arange({2, 3});
  expect_error<ArgumentError>([&] { x.slice({2}); },
                              {"[slice]", "2", "[2, 3]", "tensor_test.cpp:"});
  expect_error<ArgumentError>([&] { x.slice({0, 0, 0}); }, {"[slice]", "tensor_test.cpp:"});
  expect_error<ArgumentError>([&] { x.slice({Ellipsis, Ellipsis}); }, {"[slice]"});
  expect_error<ArgumentError>([&] { x.slice({Slice(0, 1, 0)}); }, {"[slice]", "step"});
  expect_error<ArgumentError>([&] { x.slice({Slice(1, 0, -1)}); }, {"[slice]", "step"});
}

TEST(Views, ShareMemory) {
  Tensor x = arange({2, 3});
  const Tensor t = x.transpose(0, 1), r = x.reshape({3, 2}), s = x[1],
               e = x.slice({0}).expand({4, 3});
  for (const Tensor& v : {t, r, s, e}) EXPECT_TRUE(v.shares_storage(x));
  x.fill_(7);
  EXPECT_EQ(t.to_vector(), Vec(6, 7));
  EXPECT_EQ(r.to_vector(), Vec(6, 7));
  EXPECT_EQ(s.to_vector(), Vec(3, 7));
  EXPECT_EQ(e.to_vector(), Vec(12, 7));
  EXPECT_EQ(t.version(), x.version());
}

TEST(Views, ShapesAndOrder) {
  const Tensor x = arange({2, 3});
  EXPECT_EQ(x.t().to_vector(), (Vec{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(x.reshape({-1}).shape(), (Shape{6}));
  EXPECT_EQ(x.t().reshape({6}).to_vector(), (Vec{0, 3, 1, 4, 2, 5})) << "copies where it must";
  EXPECT_EQ(x.unsqueeze(1).shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(x.unsqueeze(-1).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(x.unsqueeze(0).squeeze(0).shape(), (Shape{2, 3}));
  EXPECT_EQ(x.flatten().shape(), (Shape{6}));
  EXPECT_EQ(arange({2, 3, 4}).flatten(1).shape(), (Shape{2, 12}));
  EXPECT_EQ(arange({2, 3, 4}).permute({2, 0, 1}).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(x.slice({Slice(), Slice(1, 2)}).expand({2, 2, 4}).to_vector(),
            (Vec{1, 1, 1, 1, 4, 4, 4, 4, 1, 1, 1, 1, 4, 4, 4, 4}));
  EXPECT_TRUE(x.t().contiguous().is_contiguous());
  EXPECT_TRUE(x.contiguous().is_same(x));
}

TEST(Views, ThroughViewsOfViews) {
  Tensor x = zeros({4, 6});
  x.slice({Slice(1, 4, 2)}).transpose(0, 1).slice({Slice(2, 4)}).fill_(5);
  const Vec v = x.to_vector();
  double sum = 0;
  for (double d : v) sum += d;
  EXPECT_EQ(sum, 20);
  EXPECT_EQ(v[6 + 2], 5);
  EXPECT_EQ(v[18 + 3], 5);
}

// --- In-place writes ---

TEST(InPlace, CopyConvertsAndBroadcasts) {
  Tensor x = zeros({2, 3}, kInt32);
  x.copy_(tensor({1.9, 2.9, -3.9}));
  EXPECT_EQ(x.to_vector(), (Vec{1, 2, -3, 1, 2, -3}));
  Tensor y = arange({3, 3});
  y.copy_(y.t());
  EXPECT_EQ(y.to_vector(), (Vec{0, 3, 6, 1, 4, 7, 2, 5, 8})) << "overlapping source";
}

TEST(InPlace, AddAndMultiply) {
  Tensor x = arange({2, 2});
  x.add_(tensor({10, 20}), 0.5);
  EXPECT_EQ(x.to_vector(), (Vec{5, 11, 7, 13}));
  x.mul_(2);
  EXPECT_EQ(x.to_vector(), (Vec{10, 22, 14, 26}));
  x.add_(x);
  EXPECT_EQ(x.to_vector(), (Vec{20, 44, 28, 52}));
  x.t().add_(arange({2, 2}));
  EXPECT_EQ(x.to_vector(), (Vec{20, 46, 29, 55}));
}

TEST(InPlace, EveryWriteCounts) {
  Tensor x = zeros({3});
  EXPECT_EQ(x.version(), 0u);
  x.fill_(1);
  x.add_(x);
  x.copy_(ones({3}));
  x.mul_(3);
  EXPECT_EQ(x.version(), 4u);
  EXPECT_EQ(x.clone().version(), 0u);
}

TEST(InPlace, RefusesExpandedTargets) {
  Tensor x = zeros({1, 3});
  expect_error<ArgumentError>(
      [&] {
        x.expand({2, 3}).fill_(1);
      },
      {"[fill_] dimension 0 of [2, 3] is expanded", "tensor_test.cpp:"});
}

// --- Printing, as NumPy prints ---

TEST(Printing, SmallTensors) {
  EXPECT_EQ(tensor({1, 2, 3}, kInt64).to_string(), "[1, 2, 3]");
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}, kInt32).to_string(), "[[1, 2],\n [3, 4]], dtype=int32");
  EXPECT_EQ(tensor({{-1, 20}, {300, 4}}, kInt32).to_string(),
            "[[ -1,  20],\n [300,   4]], dtype=int32");
  EXPECT_EQ(tensor(5, kInt64).to_string(), "5");
  EXPECT_EQ(tensor({true, false}, kBool).to_string(), "[ True, False]");
}

TEST(Printing, FloatsShareOneWidth) {
  EXPECT_EQ(tensor({1, 2, 3}).to_string(), "[1., 2., 3.]");
  EXPECT_EQ(tensor({0.5, 2, -3.25}).to_string(), "[ 0.5 ,  2.  , -3.25]");
  EXPECT_EQ(tensor(1.5).to_string(), "1.5");
  EXPECT_EQ(tensor({1e10, 1.0}).to_string(), "[1.e+10, 1.e+00]");
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(tensor({1.0f, inf, std::numeric_limits<float>::quiet_NaN()}).to_string(),
            "[ 1., inf, nan]");
}

TEST(Printing, LargeTensorsAreSummarised) {
  const std::string s = arange({2000}, kInt64).to_string();
  EXPECT_EQ(s, "[   0,    1,    2, ..., 1997, 1998, 1999]");
  const std::string m = zeros({2000, 2000}).to_string();
  EXPECT_LT(m.size(), 1000u);
  EXPECT_NE(m.find("..."), std::string::npos);
}

TEST(Printing, StreamAndEmpty) {
  std::ostringstream out;
  out << tensor({1, 2}, kInt32);
  EXPECT_NE(out.str().find("[1, 2]"), std::string::npos);
  EXPECT_EQ(zeros({0}).to_string(), "[]");
}

// --- Errors of the basics ---

TEST(TensorCreation, BracesNest) {
  EXPECT_EQ(tensor(2).shape(), Shape());
  EXPECT_EQ(tensor({1, 2, 3}).shape(), Shape({3}));
  EXPECT_EQ(tensor({{1}, {2}, {3}}).shape(), Shape({3, 1}));
  EXPECT_EQ(tensor({{{1, 2}}, {{3, 4}}}).shape(), Shape({2, 1, 2}));
  EXPECT_EQ(tensor({{1}, {10}}).to_vector<float>(), (std::vector<float>{1, 10}));
  EXPECT_EQ(tensor({{}, {}}).shape(), Shape({2, 0}));
  EXPECT_EQ(tensor({true, false}, kBool).to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{1, 0}));
}

TEST(TensorErrors, Messages) {
  expect_error<ArgumentError>(
      [] {
        tensor(std::vector<double>{1, 2, 3}, {2, 2});
      },
      {"[tensor] 3 values for shape [2, 2]; expected 4", "tensor_test.cpp:"});
  expect_error<ArgumentError>(
      [] {
        tensor({{1, 2}, {3}});
      },
      {"[tensor] a list at depth 1 has 1 entries but the first one has 2", "tensor_test.cpp:"});
  expect_error<ArgumentError>(
      [] {
        tensor({{1, 2}, 3});
      },
      {"[tensor] a number stands beside a list", "tensor_test.cpp:"});
  expect_error<ArgumentError>(
      [] {
        tensor({1, {2}});
      },
      {"[tensor] a list stands beside a number", "tensor_test.cpp:"});
  expect_error<ArgumentError>([] { ones({2}).item(); },
                              {"[item] the tensor has shape [2]; expected one element"});
  expect_error<ArgumentError>([] { ones({2}).data<double>(); },
                              {"[data] asked for float64 elements but the tensor holds float32"});
  expect_error<ArgumentError>([] { ones({2}).size(3); },
                              {"[size] dimension 3 of a tensor of shape [2]"});
  expect_error<ArgumentError>([] { ones({2}).copy_(ones({3})); },
                              {"[copy_] a source of shape [3] does not broadcast to [2]"});
  expect_error<ArgumentError>([] { zeros({-1}); }, {"size -1"});
  expect_error<ArgumentError>(
      [] {
        empty({std::int64_t{1} << 40, std::int64_t{1} << 40});
      },
      {"2^59"});
  expect_error<SystemError>([] { empty({std::int64_t{1} << 50}); }, {"[memory]"});
  expect_error<ArgumentError>([] { dtype_from_name("float31"); }, {"float31", "float32"});
}

// Counts of bytes do not overflow: too many entries are an error, so is memory that is not there.
TEST(Tensor, HugeShapesAreErrors) {
  const auto two = [](int n) { return std::int64_t{1} << n; };
  const Tensor one = ones({1}, kFloat64);
  for (const std::function<void()>& f : std::vector<std::function<void()>>{
           [&] { zeros({two(61)}, kFloat64); }, [&] { ones({two(62)}); },
           [&] { empty({two(60)}, kUInt8); }, [&] { eye(two(31), two(30), kFloat64); },
           [&] { catena::arange(0, two(61), 1, TensorOptions(kFloat64)); },
           [&] { one.expand({two(60)}); }, [&] { tile(one, {two(60)}); },
           [&] {
             one.expand({two(40), 1}) + one.expand({1, two(40)});
           }})
    expect_error<ArgumentError>(f, {"2^59 elements"});
  for (const std::function<void()>& f : std::vector<std::function<void()>>{
           [&] { empty({two(59)}, kFloat64); }, [&] { one.expand({two(59)}).clone(); },
           [&] { one.expand({two(59)}).contiguous(); }, [&] { tile(one, {two(59)}); },
           [&] { exp(one.expand({two(59)}))[0]; },
           [&] {
             (one.expand({two(58), 1}) + one.expand({1, 2}))[0];
           }})
    expect_error<SystemError>(f, {"[memory] the system has no 46116860184273879"});
}

TEST(Tensor, DeferredValuesWithoutMemoryStayPending) {
  const DeferralScope scope(true);
  run_pending();
  Tensor y = exp(ones({1}, kFloat64).expand({std::int64_t{1} << 59}));
  for (int k = 0; k < 2; ++k) expect_error<SystemError>([&] { y[0]; }, {"[memory]"});
  y = Tensor();
  run_pending();
  EXPECT_EQ(pending_values(), 0);
}

TEST(Tensor, SizesBesideZeroMayBeAnything) {
  const std::int64_t large = std::int64_t{1} << 40;
  const Tensor none = zeros({large, large, 0});
  EXPECT_EQ(flatten(none).shape(), (Shape{0}));
  expect_error<ArgumentError>([&] { flatten(none, 0, 1); }, {"2^59"});
  EXPECT_EQ(slice(zeros({4, 3}), 0, 1, 4, std::numeric_limits<std::int64_t>::max()).shape(),
            (Shape{1, 3}));
  EXPECT_TRUE(slice(none, 0, 0, 4, large).is_contiguous());
}

}  // namespace
}  // namespace catena::test
