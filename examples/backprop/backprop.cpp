// The chain rule, written out: a network of 2 inputs, 2 ReLU units and 1 sigmoid output with binary
// cross-entropy. Each intermediate value and each partial derivative is computed by hand in plain
// numbers and printed beside what the tape says.
//
//   z1 = W1 x + b1   h = relu(z1)   z2 = w2 h + b2   p = sigmoid(z2)
//   L = -t log p - (1 - t) log(1 - p)
#include <array>
#include <cmath>
#include <iomanip>
#include <iostream>

#include <catena/catena.hpp>

#include "../task.hpp"

namespace {

using namespace catena;

constexpr double kX[2] = {0.6, -1.2}, kT = 1;

struct Table {
  bool verbose = false;
  double worst = 0;
  std::vector<std::pair<std::string, double>> values;

  void row(const std::string& name, double by_hand, double by_tape) {
    worst = std::max(worst, std::abs(by_hand - by_tape));
    values.emplace_back(name, by_tape);
    if (verbose)
      std::cout << std::left << std::setw(12) << name << std::right << std::setw(14) << by_hand
                << std::setw(14) << by_tape << '\n';
  }
  void rows(const std::string& name, const std::vector<double>& by_hand, const Tensor& by_tape) {
    const std::vector<double> tape = by_tape.to_vector();
    for (std::size_t i = 0; i < tape.size(); ++i)
      row(tape.size() == 1 ? name : name + "[" + std::to_string(i) + "]", by_hand[i], tape[i]);
  }
};

}  // namespace

task::Result task::backprop(const Options& options) {
  manual_seed(options.seed);
  const auto parameter = [](const Shape& shape) {
    return random_normal(shape, 0, 1, kFloat64).set_requires_grad();
  };
  Tensor W1 = parameter({2, 2}), b1 = parameter({2}), w2 = parameter({2}), b2 = parameter({});

  // By the tape.
  const Tensor x = tensor({kX[0], kX[1]}, kFloat64);
  Tensor z1 = matmul(W1, x) + b1, h = relu(z1), z2 = matmul(w2, h) + b2, p = sigmoid(z2);
  Tensor loss = -(kT * log(p) + (1 - kT) * log(1 - p));
  for (Tensor* t : {&z1, &h, &z2, &p}) t->retain_grad();
  loss.backward();

  // By hand.
  const std::vector<double> W = W1.to_vector(), b = b1.to_vector(), w = w2.to_vector();
  std::vector<double> Z(2), H(2);
  for (std::size_t i = 0; i < 2; ++i) {
    Z[i] = W[2 * i] * kX[0] + W[2 * i + 1] * kX[1] + b[i];
    H[i] = std::max(Z[i], 0.0);
  }
  const double Z2 = w[0] * H[0] + w[1] * H[1] + b2.item();
  const double P = 1 / (1 + std::exp(-Z2));
  const double L = -kT * std::log(P) - (1 - kT) * std::log(1 - P);
  const double dP = (P - kT) / (P * (1 - P));  // dL/dp
  const double dZ2 = dP * P * (1 - P);         // dL/dp dp/dz2 = p - t
  std::vector<double> dw2(2), dH(2), dZ(2), dW(4);
  for (std::size_t i = 0; i < 2; ++i) {
    dw2[i] = dZ2 * H[i];
    dH[i] = dZ2 * w[i];
    dZ[i] = Z[i] > 0 ? dH[i] : 0;
    for (std::size_t j = 0; j < 2; ++j) dW[2 * i + j] = dZ[i] * kX[j];
  }

  Table table{options.verbose, 0, {}};
  if (options.verbose)
    std::cout << "value             by hand   by the tape\n" << std::setprecision(6) << std::fixed;
  table.rows("z1", Z, z1);
  table.rows("h", H, h);
  table.row("z2", Z2, z2.item());
  table.row("p", P, p.item());
  table.row("L", L, loss.item());
  table.row("dL/dp", dP, p.grad().item());
  table.row("dL/dz2", dZ2, z2.grad().item());
  table.rows("dL/dw2", dw2, w2.grad());
  table.row("dL/db2", dZ2, b2.grad().item());
  table.rows("dL/dh", dH, h.grad());
  table.rows("dL/dz1", dZ, z1.grad());
  table.rows("dL/dW1", dW, W1.grad());
  table.rows("dL/db1", dZ, b1.grad());
  if (options.verbose) std::cout << std::defaultfloat;

  Result result;
  result.values = table.values;
  result.score = table.worst;
  result.target = 1e-12;
  result.at_most = true;
  if (!options.out_dir.empty()) {
    // What the gradients are for: the loss along the way they point.
    std::vector<double> steps, losses;
    optim::SGD sgd({W1, b1, w2, b2}, {.lr = 0.2});
    for (int step = 0; step < 50; ++step) {
      sgd.zero_grad();
      Tensor now = bce_with_logits(matmul(w2, relu(matmul(W1, x) + b1)) + b2, tensor(kT, kFloat64));
      now.backward();
      sgd.step();
      steps.push_back(step);
      losses.push_back(now.item());
    }
    result.pictures = {train::plot({{"loss", steps, losses}}, options.out_dir, "backprop",
                                   {.x_label = "step", .y_label = "binary cross-entropy"})};
  }
  return result;
}
