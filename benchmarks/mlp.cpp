// W2: one training step of a 784-512-512-10 network, and the Adam update of its 668,000 parameters.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>
#include <catena/nn/activations.hpp>
#include <catena/nn/linear.hpp>
#include <catena/nn/sequential.hpp>
#include <catena/train/adam.hpp>
#include <catena/train/sgd.hpp>

#include "mlp.hpp"
#include "workloads.hpp"

namespace bench {

using catena::Tensor;

namespace {

// So small that the loss does not reach zero on the one batch: the gradients of a fitted network
// are denormal numbers, and those are slow to multiply in every library.
constexpr double kRate = 1e-7;

}  // namespace

catena::nn::Sequential make_mlp() {
  using namespace catena::nn;
  return Sequential(Linear(784, 512), ReLU(), Linear(512, 512), ReLU(), Linear(512, 10));
}

Tensor classes(std::int64_t n, std::int64_t count) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < n; ++i) values.push_back(i * 7919 % count);
  return catena::tensor(values, {n});
}

namespace {

template <class MakeOptimizer>
void steps(Session& session, const std::string& name, MakeOptimizer make_optimizer) {
  for (std::int64_t batch : {1, 32, 256}) {
    const std::string workload = "W2_mlp opt=" + name + " batch=" + std::to_string(batch) +
                                 " threads=" + std::to_string(catena::num_threads());
    if (!session.selected(workload)) continue;
    auto net = make_mlp();
    auto optimizer = make_optimizer(net.parameters());
    Tensor x = catena::randn({batch, 784}), target = classes(batch, 10);
    Benchmark(session, workload).warm_up(10).run([&](Clock& clock) {
      optimizer->zero_grad();
      clock.lap("zero_grad");
      Tensor loss = catena::cross_entropy(net(x), target);
      clock.lap("fwd");
      loss.backward();
      clock.lap("bwd");
      optimizer->step();
      clock.lap("optim");
    });
  }
}

}  // namespace

void mlp(Session& session) {
  using namespace catena::optim;
  steps(session, "sgd", [](std::vector<Tensor> parameters) {
    return std::make_unique<SGD>(parameters, SGDOptions{.lr = kRate});
  });
  steps(session, "adam", [](std::vector<Tensor> parameters) {
    return std::make_unique<Adam>(parameters, AdamOptions{.lr = kRate});
  });
  const std::string update =
      "W2_adam_update parameters=668170 threads=" + std::to_string(catena::num_threads());
  if (!session.selected(update)) return;
  auto net = make_mlp();
  Adam adam(net.parameters(), {.lr = kRate});
  for (Tensor& p : net.parameters()) p.set_grad(catena::randn(p.shape()));
  Benchmark(session, update).warm_up(10).run([&](Clock& clock) {
    adam.step();
    clock.lap("optim");
  });
}

}  // namespace bench
