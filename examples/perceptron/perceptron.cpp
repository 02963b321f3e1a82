// Rosenblatt's perceptron (1958) on the truth tables of AND, OR and XOR, and a network of two
// layers on the one it cannot learn.
//
//   y = step(w x + b),   w += rate (t - y) x,   b += rate (t - y)
//
// The rule finds a separating line whenever there is one (Novikoff 1962); XOR has none.
#include <cmath>
#include <iostream>

#include <catena/catena.hpp>

#include "../task.hpp"

namespace {

using namespace catena;

const Tensor kInputs = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}});

struct Perceptron {
  Tensor w = zeros({2}), b = zeros({1});

  Tensor operator()(const Tensor& x) const { return (matmul(x, w) + b >= 0).to(kFloat32); }

  // One pass over the samples; returns how many were wrong.
  int learn(const Tensor& targets, double rate) {
    int wrong = 0;
    for (std::int64_t i = 0; i < targets.size(0); ++i) {
      const Tensor x = kInputs[i];
      const double error = targets[i].item() - (*this)(x).item();
      w.add_(x, rate * error);
      b.add_(ones({1}), rate * error);
      wrong += error != 0;
    }
    return wrong;
  }
};

struct TwoLayers : nn::Module {
  nn::Linear hidden{2, 4}, out{4, 1};
  TwoLayers() {
    add("hidden", hidden);
    add("out", out);
  }
  Tensor forward(Tensor x) override { return out(tanh(hidden(x))).flatten(); }
};

double fraction_right(const Tensor& y, const Tensor& targets) {
  return (y == targets).to(kFloat32).mean().item();
}

}  // namespace

task::Result task::perceptron(const Options& options) {
  manual_seed(options.seed);
  const std::pair<const char*, Tensor> tables[] = {
      {"and", tensor({0, 0, 0, 1})}, {"or", tensor({0, 1, 1, 1})}, {"xor", tensor({0, 1, 1, 0})}};
  constexpr int kPasses = 100;
  Result result;
  std::vector<train::Series> lines = {
      {"inputs", {0, 0, 1, 1}, {0, 1, 0, 1}, train::Series::Style::kPoints}};
  bool as_expected = true;
  for (const auto& [name, targets] : tables) {
    Perceptron unit;
    {
      NoGrad off;
      unit.w = random_normal({2}, 0, 0.1);
      unit.b = random_normal({1}, 0, 0.1);
    }
    int passes = 1;
    while (unit.learn(targets, 0.1) > 0 && passes < kPasses) ++passes;
    const double right = fraction_right(unit(kInputs), targets);
    result.values.emplace_back(std::string(name) + "_right", right);
    result.values.emplace_back(std::string(name) + "_passes", passes);
    as_expected &= std::string(name) == "xor" ? right < 1 : right == 1;
    if (options.verbose)
      std::cout << name << ": " << 4 * right << " of 4 right after " << passes
                << " passes, w = " << unit.w.to_string() << ", b = " << unit.b.to_string() << '\n';
    if (right < 1) continue;
    // Where w x + b = 0.
    const double w0 = unit.w[0].item(), w1 = unit.w[1].item(), b = unit.b.item();
    lines.push_back({name, {-0.5, 1.5}, {(0.5 * w0 - b) / w1, (-1.5 * w0 - b) / w1}});
  }

  TwoLayers net;
  optim::Adam adam(net.parameters(), {.lr = 0.05});
  const Tensor& xor_targets = tables[2].second;
  for (int step = 0; step < 500; ++step) {
    adam.zero_grad();
    bce_with_logits(net(kInputs), xor_targets).backward();
    adam.step();
  }
  NoGrad off;
  const double right = fraction_right((net(kInputs) > 0).to(kFloat32), xor_targets);
  result.values.emplace_back("xor_two_layers_right", right);
  if (options.verbose) std::cout << "xor with two layers: " << 4 * right << " of 4 right\n";

  // 1 when the perceptron did what the theorem says and the network learned the rest.
  result.score = as_expected && right == 1;
  result.target = 1;
  if (!options.out_dir.empty())
    result.pictures.push_back(train::plot(
        lines, options.out_dir, "perceptron",
        {.title = "Lines the perceptron found", .x_label = "first input", .y_label = "second"}));
  return result;
}
