// W4: training steps of LeNet (digits, 64 images) and of ResNet-18 (CIFAR-10's sizes, 32 images).
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>
#include <catena/train/sgd.hpp>

#include "cnn/resnet.hpp"
#include "mlp.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

using catena::Tensor;
using namespace catena::nn;

struct LeNet : Module {
  Conv2d c1{1, 6, 5}, c2{6, 16, 5};
  Linear f1{256, 120}, f2{120, 84}, f3{84, 10};
  LeNet() {
    add("c1", c1);
    add("c2", c2);
    add("f1", f1);
    add("f2", f2);
    add("f3", f3);
  }
  Tensor forward(Tensor x) override {
    x = max_pool2d(relu(c1(x)), 2);
    x = max_pool2d(relu(c2(x)), 2);
    return f3(relu(f2(relu(f1(x.flatten(1))))));
  }
};

template <class Model>
void steps(Session& session, const std::string& name, const Tensor& x, int warm_up) {
  const std::string workload = "W4_" + name + " batch=" + std::to_string(x.size(0)) +
                               " threads=" + std::to_string(catena::num_threads());
  if (!session.selected(workload)) return;
  Model net;
  catena::optim::SGD optimizer(net.parameters(), {.lr = 0.01});
  const Tensor target = classes(x.size(0), 10);
  Benchmark(session, workload).warm_up(warm_up).run([&](Clock& clock) {
    optimizer.zero_grad();
    clock.lap("zero_grad");
    Tensor loss = catena::cross_entropy(net(x), target);
    clock.lap("fwd");
    loss.backward();
    clock.lap("bwd");
    optimizer.step();
    clock.lap("optim");
  });
}

}  // namespace

void images(Session& session) {
  steps<LeNet>(session, "lenet", catena::randn({64, 1, 28, 28}), 10);
  steps<cnn::ResNet18>(session, "resnet18_cifar", catena::randn({32, 3, 32, 32}), 2);
}

}  // namespace bench
