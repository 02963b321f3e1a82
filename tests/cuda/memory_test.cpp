// Memory, copies and the allocator of the CUDA backend.
#include "catena/graph/memory.hpp"

#include <numeric>
#include <thread>

#include "catena/catena.hpp"
#include "cuda_test.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using CudaMemory = CudaTest;

Tensor ramp(const Shape& shape, DType dtype = kFloat32) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), 0.0);
  return tensor(values, shape).to(dtype);
}

TEST_F(CudaMemory, ThereAndBack) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    for (std::int64_t n : {0, 1, 5, 127}) {
      const Tensor host = ramp({n}, dtype);
      const Tensor device = host.to(cuda());
      EXPECT_EQ(device.device(), cuda());
      EXPECT_TRUE(same_bits(device.to(kCpu), host)) << name_of(dtype) << " " << n;
    }
  }
}

TEST_F(CudaMemory, CopiesLongerThanTheStagingBuffers) {
  const Tensor host = ramp({3 * 1024 * 1024 + 7});
  EXPECT_TRUE(same_bits(host.to(cuda()).to(kCpu), host));
}

TEST_F(CudaMemory, TheSourceMayChangeRightAfterTheCopy) {
  std::vector<float> values(100000, 1.0f);
  const Tensor host = from_memory(values.data(), {100000}, kFloat32);
  std::vector<Tensor> copies;
  for (int i = 0; i < 20; ++i) {
    std::fill(values.begin(), values.end(), static_cast<float>(i));
    copies.push_back(host.to(cuda()));
  }
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(same_bits(copies[static_cast<std::size_t>(i)].to(kCpu), full({100000}, i))) << i;
}

TEST_F(CudaMemory, FillsEveryElementSize) {
  for (DType dtype :
       {kUInt8, kInt16, kInt32, kInt64, kFloat32, kFloat64, kFloat16, kBFloat16, kBool})
    for (int value : {0, 1, 77})
      EXPECT_TRUE(same_bits(full({33}, value, {dtype, cuda()}).to(kCpu), full({33}, value, dtype)))
          << name_of(dtype) << " " << value;
}

TEST_F(CudaMemory, StridedCopies) {
  const Tensor host = ramp({6, 5, 4});
  const Tensor device = host.to(cuda());
  EXPECT_TRUE(same_bits(device.permute({2, 0, 1}).contiguous().to(kCpu),
                        host.permute({2, 0, 1}).contiguous()));
  EXPECT_TRUE(same_bits(device.slice({Slice(1, 6, 2), Ellipsis, Slice(0, 3)}).contiguous().to(kCpu),
                        host.slice({Slice(1, 6, 2), Ellipsis, Slice(0, 3)}).contiguous()));
  // An address that is no multiple of 16 bytes.
  const Tensor flat = device.reshape({120});
  EXPECT_TRUE(same_bits((flat.slice({Slice(3, 118)}) + 1).to(kCpu),
                        host.reshape({120}).slice({Slice(3, 118)}) + 1));
}

TEST_F(CudaMemory, WritesInPlace) {
  Tensor device = zeros({4, 3}, cuda()), host = zeros({4, 3});
  for (Tensor* t : {&device, &host}) {
    const Device on = t->device();
    t->add_(ramp({4, 3}).to(on), 2);
    t->add_(ramp({3}).to(on));
    t->mul_(0.5);
    t->transpose(0, 1)[1].fill_(9);
    t->slice({Slice(0, 2)}).copy_(ramp({3}).to(on));
  }
  EXPECT_TRUE(same_bits(device.to(kCpu), host));
}

TEST_F(CudaMemory, FreedBlocksAreHandedOutAgain) {
  { const Tensor warm = zeros({1000, 1000}, cuda()); }
  const MemoryStats before = memory_stats(cuda());
  for (int i = 0; i < 50; ++i) const Tensor t = zeros({1000, 1000}, cuda());
  const MemoryStats after = memory_stats(cuda());
  EXPECT_EQ(after.system_calls, before.system_calls);
  EXPECT_GE(after.allocations, before.allocations + 50);
  EXPECT_EQ(after.in_use, before.in_use);
  release_cached_memory(cuda());
  EXPECT_EQ(memory_stats(cuda()).cached, 0u);
  const Tensor again = ones({1000, 1000}, cuda());
  EXPECT_EQ(again.sum().item(), 1e6);
}

TEST_F(CudaMemory, TooMuchIsAnErrorAndTheDeviceGoesOn) {
  expect_error<SystemError>([] { empty({std::int64_t{1} << 45}, cuda()); },
                            {"[cuda] out of memory on cuda:0"});
  EXPECT_EQ(ones({10}, cuda()).sum().item(), 10);
}

TEST_F(CudaMemory, AnIndexOutOfRangeIsToldAtTheNextRead) {
  const Tensor x = ramp({4, 2}).to(cuda());
  const Tensor bad = tensor(std::vector<std::int64_t>{0, 7}, {2}).to(cuda());
  const Tensor y = index_select(x, bad);
  expect_error<ArgumentError>([&] { y.to_vector<float>(); },
                              {"[index_select] an index is out of range: 7", "0 <= index < 4"});
  // Told once; the device goes on.
  EXPECT_EQ(x.sum().item(), 28);
}

TEST_F(CudaMemory, NoSuchDevice) {
  EXPECT_FALSE(is_available(cuda(200)));
  expect_error<SystemError>([] { zeros({2}, cuda(200)); }, {"[cuda] there is no device cuda:200"});
}

TEST_F(CudaMemory, SeveralThreads) {
  std::vector<std::thread> threads;
  std::vector<double> sums(4);
  for (std::size_t k = 0; k < sums.size(); ++k)
    threads.emplace_back([&sums, k] {
      for (int i = 0; i < 50; ++i) {
        const Tensor x = full({1000 + i}, static_cast<double>(k), {kFloat64, cuda()});
        sums[k] += (x * 2).sum().item();
      }
    });
  for (std::thread& t : threads) t.join();
  for (std::size_t k = 0; k < sums.size(); ++k)
    EXPECT_EQ(sums[k], 2.0 * static_cast<double>(k) * (1000 * 50 + 49 * 50 / 2));
}

}  // namespace
}  // namespace catena::test
