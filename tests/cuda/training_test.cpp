// A small network trained on the device takes the same course as on the CPU.
#include "catena/catena.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/sgd.hpp"
#include "cuda_test.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using CudaTraining = CudaTest;

struct Net {
  Tensor w1, b1, w2, b2;
  explicit Net(Device device) {
    manual_seed(11);
    const auto leaf = [&](const Shape& shape) {
      Tensor t = (randn(shape) * 0.3).detach().to(device).detach();
      return t.set_requires_grad(true);
    };
    w1 = leaf({16, 32});
    b1 = leaf({32});
    w2 = leaf({32, 4});
    b2 = leaf({4});
  }
  std::vector<Tensor> parameters() const { return {w1, b1, w2, b2}; }
  Tensor forward(const Tensor& x) const {
    return matmul(dropout(relu(matmul(x, w1) + b1), 0.2), w2) + b2;
  }
};

// Losses of a few steps; the parameters at the end stay in `net`.
template <class Optimizer, class Options>
std::vector<double> train(const Net& net, Device device, const Options& options) {
  manual_seed(5);
  const Tensor x = randn({64, 16}).to(device);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 64; ++i) labels.push_back(i % 4);
  const Tensor y = tensor(labels, {64}).to(device);
  Optimizer optimizer(net.parameters(), options);
  std::vector<double> losses;
  for (int step = 0; step < 20; ++step) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(net.forward(x), y);
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item());
  }
  return losses;
}

TEST_F(CudaTraining, FollowsTheCpu) {
  const auto check = [](auto run) {
    const Net host(kCpu), device(cuda());
    const std::vector<double> expected = run(host, kCpu), got = run(device, cuda());
    EXPECT_LT(expected.back(), expected.front());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-3 * std::abs(expected[i])) << "step " << i;
    for (std::size_t k = 0; k < 4; ++k)
      EXPECT_TRUE(
          close(device.parameters()[k], host.parameters()[k].to_vector<double>(), 1e-2, 1e-3))
          << "parameter " << k;
  };
  check([](const Net& net, Device d) {
    return train<optim::SGD>(net, d, optim::SGDOptions{.lr = 0.1, .momentum = 0.9});
  });
  check([](const Net& net, Device d) {
    return train<optim::Adam>(net, d, optim::AdamOptions{.lr = 1e-2});
  });
}

TEST_F(CudaTraining, GivesTheSameBitsTwice) {
  const Net first(cuda()), second(cuda());
  const optim::AdamOptions options{.lr = 1e-2};
  EXPECT_EQ(train<optim::Adam>(first, cuda(), options),
            train<optim::Adam>(second, cuda(), options));
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_TRUE(same_bits(first.parameters()[k].to(kCpu), second.parameters()[k].to(kCpu)));
}

TEST_F(CudaTraining, KeepsNothing) {
  const Net net(cuda());
  const optim::SGDOptions options{.lr = 0.01};
  train<optim::SGD>(net, cuda(), options);
  for (Tensor p : net.parameters()) p.zero_grad();
  const MemoryStats before = memory_stats(cuda());
  train<optim::SGD>(net, cuda(), options);
  for (Tensor p : net.parameters()) p.zero_grad();
  const MemoryStats after = memory_stats(cuda());
  EXPECT_EQ(after.in_use, before.in_use);
  EXPECT_EQ(after.system_calls, before.system_calls);
}

}  // namespace
}  // namespace catena::test
