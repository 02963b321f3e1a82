// Registers an op, checks its gradient, trains with it, saves the trained graph, loads it and runs
// it.
#include <cmath>
#include <iostream>

#include <catena/catena.hpp>
#include <catena/graph/gradcheck.hpp>
#include <catena/graph/trace.hpp>
#include <catena/serialization/save_load.hpp>

#include "swish.hpp"

using namespace catena;

struct Net : nn::Module {
  nn::Linear hidden{1, 32}, out{32, 1};
  Net() {
    add("hidden", hidden);
    add("out", out);
  }
  Tensor forward(Tensor x) override { return out(swish(hidden(x), 1.5)); }
};

int run(const std::string& path) {
  register_swish();
  manual_seed(1);

  const std::vector<Tensor> probe{randn({3, 4}, kFloat64).set_requires_grad()};
  const auto check =
      gradcheck([](std::span<const Tensor> in) { return std::vector{swish(in[0], 2)}; }, probe);
  if (!check) throw std::runtime_error(check.report);
  std::cout << "the gradient agrees with central differences\n";

  std::vector<float> xs, ys;
  for (int i = 0; i < 64; ++i) {
    xs.push_back(-3 + 6 * static_cast<float>(i) / 63);
    ys.push_back(std::sin(xs.back()));
  }
  const Tensor x = tensor(xs, {64, 1}), y = tensor(ys, {64, 1});
  Net net;
  optim::Adam adam(net.parameters(), {.lr = 0.02});
  double loss_now = 0;
  for (int step = 0; step < 500; ++step) {
    adam.zero_grad();
    const Tensor loss = mse_loss(net(x), y);
    loss.backward();
    adam.step();
    loss_now = loss.item<double>();
  }
  std::cout << "learned sin x: mean squared error " << loss_now << '\n';
  if (!(loss_now < 1e-3)) return 1;

  TraceOptions options;
  options.dynamic_axes = {{0, 0, "batch"}};
  options.parameters = net.named_parameters();
  save(path, trace([&](const Tensor& in) { return net(in); }, x, options));
  const Graph loaded = load_graph(path);

  NoGrad no_grad;
  const std::vector<float> before = net(x).to_vector<float>();
  const std::vector<float> after = loaded({x})[0].to_vector<float>();
  std::cout << "saved to " << path << " and loaded: " << (before == after ? "same" : "other")
            << " outputs\n";
  return before == after ? 0 : 1;
}

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : "custom_op.catena");
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
