// W5: an LSTM over 64 steps of 32 sequences, 128 features in and 256 out, forward and backward: the
// layer, and unrolled by hand with the input of each step, or of all at once, projected.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>

#include "workloads.hpp"

namespace bench {

using catena::Tensor;

namespace {

constexpr std::int64_t kSteps = 64, kBatch = 32, kInput = 128, kHidden = 256;

struct Weights {
  Tensor ih, hh, bias;
};

Tensor unrolled(const Tensor& x, const Weights& w, bool hoisted) {
  Tensor h = catena::zeros({kBatch, kHidden}), c = h, total;
  const Tensor projected = hoisted ? matmul(x, w.ih) + w.bias : Tensor();
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const Tensor from_x = hoisted ? projected[t] : matmul(x[t], w.ih) + w.bias;
    const std::vector<Tensor> gates = chunk(from_x + matmul(h, w.hh), 4, 1);
    c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
    h = sigmoid(gates[3]) * tanh(c);
    total = total.defined() ? total + h.sum() : h.sum();
  }
  return total;
}

}  // namespace

void lstm(Session& session) {
  const auto name = [](const std::string& form) {
    return "W5_lstm form=" + form +
           " seq=64 batch=32 threads=" + std::to_string(catena::num_threads());
  };
  const auto run = [&](const std::string& form, auto parameters, const auto& loss) {
    if (!session.selected(name(form))) return;
    Benchmark(session, name(form)).warm_up(3).seconds(3).run([&](Clock& clock) {
      for (Tensor& t : parameters) t.zero_grad();
      clock.skip();
      Tensor value = loss();
      clock.lap("fwd");
      value.backward();
      clock.lap("bwd");
    });
  };
  const Tensor x = catena::randn({kSteps, kBatch, kInput});
  catena::nn::LSTM net(kInput, kHidden);
  run("nn_LSTM", net.parameters(), [&] { return net(x).sum(); });
  Weights w;
  for (auto [t, shape] : {std::pair{&w.ih, catena::Shape{kInput, 4 * kHidden}},
                          {&w.hh, {kHidden, 4 * kHidden}},
                          {&w.bias, {4 * kHidden}}})
    *t = (catena::randn(shape) * 0.05).set_requires_grad();
  const std::vector<Tensor> parameters{w.ih, w.hh, w.bias};
  run("unrolled", parameters, [&] { return unrolled(x, w, false); });
  run("unrolled_hoisted_input", parameters, [&] { return unrolled(x, w, true); });
}

}  // namespace bench
