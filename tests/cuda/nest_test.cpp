// The parts of the CUDA backend that run on the host: index arithmetic and size classes.
#include "catena/backends/cuda/nest.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "catena/backends/cuda/allocator.hpp"

namespace catena::test {
namespace {

using gpu::Divider;
using gpu::for_each_piece;
using gpu::merge;
using gpu::Nest;
using gpu::WideNest;

TensorView view(void* data, const Shape& shape, const Shape& strides, DType dtype = kFloat32) {
  TensorView v;
  v.data = data;
  v.dtype = dtype;
  v.shape = shape;
  v.strides = strides;
  v.numel = shape.numel();
  return v;
}

TEST(CudaDivider, AgreesWithDivision) {
  constexpr std::uint32_t kMost = INT32_MAX;
  std::mt19937_64 random(1);
  const auto check = [](std::uint32_t n, std::uint32_t d) {
    ASSERT_EQ(Divider(d).divide(n), n / d) << n << " / " << d;
  };
  for (std::uint32_t d = 1; d < 300; ++d)
    for (std::uint32_t n = 0; n < 1000; ++n) check(n, d);
  for (int i = 0; i < 200000; ++i) {
    const auto shift = static_cast<unsigned>(random() % 31);
    const std::uint32_t d =
        std::max<std::uint32_t>(1, static_cast<std::uint32_t>(random() >> 33) >> shift);
    const auto n = static_cast<std::uint32_t>(random() >> 33);
    check(n, d);
    check(kMost, d);
    check(n / d * d, d);
    if (n >= d) check(n / d * d - 1, d);
  }
  for (std::uint32_t d : {kMost, kMost - 1, std::uint32_t{1} << 30, (std::uint32_t{1} << 30) + 1})
    for (std::uint32_t n : {0u, 1u, d - 1, d, kMost - 1, kMost}) check(n, d);
}

// Offsets of the merged nest against strides walked by hand.
void expect_same_offsets(const std::vector<TensorView>& views) {
  ASSERT_EQ(views.size(), 2u);
  std::vector<std::pair<std::int64_t, std::int64_t>> expected;
  const Shape& shape = views[0].shape;
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    std::int64_t left = i, a = 0, b = 0;
    for (int d = shape.rank() - 1; d >= 0; --d) {
      a += left % shape[d] * views[0].strides[d];
      b += left % shape[d] * views[1].strides[d];
      left /= shape[d];
    }
    expected.emplace_back(a, b);
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> got;
  for_each_piece(merge<2>({&views[0], &views[1]}), [&](const Nest<2>& piece) {
    for (std::uint32_t i = 0; i < piece.numel; ++i) {
      std::int64_t at[2];
      piece.offsets(i, at);
      got.emplace_back(at[0], at[1]);
    }
  });
  EXPECT_EQ(got, expected);
}

TEST(CudaNest, OffsetsOfAllKindsOfViews) {
  char memory[8];
  expect_same_offsets({view(memory, {2, 3, 4}, {12, 4, 1}), view(memory, {2, 3, 4}, {12, 4, 1})});
  expect_same_offsets({view(memory, {2, 3, 4}, {12, 4, 1}), view(memory, {2, 3, 4}, {1, 2, 6})});
  expect_same_offsets({view(memory, {2, 3, 4}, {12, 4, 1}), view(memory, {2, 3, 4}, {0, 1, 0})});
  expect_same_offsets({view(memory, {5, 1, 4}, {4, 4, 1}), view(memory, {5, 1, 4}, {8, 77, 2})});
  expect_same_offsets({view(memory, {}, {}), view(memory, {}, {})});
  expect_same_offsets({view(memory, {0, 3}, {3, 1}), view(memory, {0, 3}, {3, 1})});
  expect_same_offsets({view(memory, {2, 2, 2, 2, 2, 2, 2, 2}, {128, 64, 32, 16, 8, 4, 2, 1}),
                       view(memory, {2, 2, 2, 2, 2, 2, 2, 2}, {1, 2, 4, 8, 16, 32, 64, 128})});
}

TEST(CudaNest, MergesWhatLiesInOneStride) {
  char memory[8];
  const TensorView a = view(memory, {2, 3, 4}, {12, 4, 1});
  const TensorView bias = view(memory, {2, 3, 4}, {0, 0, 1});
  const TensorView scalar = view(memory, {2, 3, 4}, {0, 0, 0});
  const TensorView absent = view(nullptr, {2, 3, 4}, {12, 4, 1});
  EXPECT_EQ((merge<2>({&a, &a}).rank), 1);
  EXPECT_TRUE((merge<2>({&a, &a}).flat()));
  EXPECT_TRUE((merge<2>({&a, &scalar}).flat()));
  EXPECT_TRUE((merge<3>({&a, &scalar, &absent}).flat()));
  const WideNest<2> with_bias = merge<2>({&a, &bias});
  EXPECT_EQ(with_bias.rank, 2);
  EXPECT_EQ(with_bias.sizes[0], 6);
  EXPECT_EQ(with_bias.stride[1][0], 0);
  EXPECT_EQ(with_bias.stride[1][1], 1);
  EXPECT_FALSE(with_bias.flat());
}

TEST(CudaNest, SplitsWhatIsTooLongForShortIndices) {
  // Addresses are computed, never read.
  const std::int64_t columns = 3, rows = (std::int64_t{1} << 31) + 5;
  auto* base = reinterpret_cast<char*>(std::uintptr_t{1} << 40);
  const TensorView out = view(base, {rows, columns}, {columns, 1}, kFloat64);
  const TensorView in = view(base, {rows, columns}, {1, rows}, kFloat32);
  std::int64_t covered = 0, next_row = 0;
  for_each_piece(merge<2>({&out, &in}), [&](const Nest<2>& piece) {
    ASSERT_LE(piece.numel, std::uint32_t{INT32_MAX});
    EXPECT_EQ(piece.data[0], base + next_row * columns * 8);
    EXPECT_EQ(piece.data[1], base + next_row * 4);
    next_row += piece.sizes[0].divisor;
    covered += piece.numel;
  });
  EXPECT_EQ(covered, rows * columns);
}

TEST(CudaAllocator, SizeClassesGrowAndWasteLittle) {
  std::size_t last = 0;
  for (std::size_t bytes = 1; bytes < (std::size_t{1} << 33); bytes += 1 + bytes / 7) {
    const std::size_t size = gpu::rounded_bytes(bytes);
    EXPECT_GE(size, bytes);
    EXPECT_GE(size, last);
    EXPECT_EQ(size % 128, 0u);
    EXPECT_EQ(gpu::rounded_bytes(size), size);
    if (bytes > 512) {
      EXPECT_LE(size, bytes + bytes / 4 + 1) << bytes;
    }
    last = size;
  }
}

}  // namespace
}  // namespace catena::test
