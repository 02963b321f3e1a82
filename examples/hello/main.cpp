// The smallest whole program: a model, its training, its answer.
#include <iostream>

#include <catena/catena.hpp>

using namespace catena;

struct Net : nn::Module {
  nn::Linear hidden{2, 16}, out{16, 1};
  Net() {
    add("hidden", hidden);
    add("out", out);
  }
  Tensor forward(Tensor x) override { return out(tanh(hidden(x))); }
};

int main() {
  manual_seed(1);
  Net net;
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  const Tensor y = tensor({{0}, {1}, {1}, {0}});  // exclusive or
  for (int step = 0; step < 200; ++step) {
    adam.zero_grad();
    mse_loss(net(x), y).backward();
    adam.step();
  }
  NoGrad no_grad;
  const Tensor answer = net(x);
  std::cout << answer << '\n';
  return mse_loss(answer, y).item<double>() < 0.01 ? 0 : 1;
}
