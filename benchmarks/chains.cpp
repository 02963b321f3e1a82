// Chains of pointwise calls as users write them: how=chain as the library runs them, how=eager with
// deferral off, how=loop the hand-written loops of fused_loops.hpp.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>
#include <cmath>

#include "fused_loops.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

using catena::Tensor;

const float* values(const Tensor& t) { return t.data<float>(); }

// Runs body(clock) of a chain with deferral and without.
template <class Body>
void both_ways(Session& session, const std::string& name, double units, const Body& body) {
  for (const bool chain : {true, false}) {
    catena::set_deferral(chain);
    Benchmark(session, name + (chain ? " how=chain" : " how=eager"))
        .units(units)
        .warm_up(2)
        .repetitions(7, 400)
        .run(body);
  }
  catena::set_deferral(true);
}
template <class Body>
void by_hand(Session& session, const std::string& name, double units, const Body& body) {
  if (!fused::comparable()) return;
  Benchmark(session, name + " how=loop").units(units).warm_up(2).repetitions(7, 400).run(body);
}

bool wanted(const Session& session, const std::string& name) {
  return session.selected(name + " how=chain") || session.selected(name + " how=eager") ||
         session.selected(name + " how=loop");
}

std::string named(const std::string& workload) {
  return workload + " unit=element threads=" + std::to_string(catena::num_threads());
}

// The loops' memory, not shared with what tensors read: a pointer into a tensor would end deferral.
std::vector<float> copy_of(const Tensor& t) { return t.to_vector<float>(); }

void w3(Session& session, std::int64_t n) {
  const std::string name = named("W3_chain n=" + std::to_string(n));
  if (!wanted(session, name)) return;
  const Tensor start = catena::randn({n});
  Tensor x = start.clone().set_requires_grad();
  both_ways(session, name, static_cast<double>(n), [&](Clock& clock) {
    x.zero_grad();
    clock.skip();
    Tensor y = (catena::tanh(x * 1.5 + 0.25) * catena::sigmoid(x) + catena::relu(x)).sum();
    clock.lap("fwd");
    y.backward();
    clock.lap("bwd");
  });
  std::vector<float> gx(static_cast<std::size_t>(n));
  volatile float sum = 0;
  by_hand(session, name, static_cast<double>(n), [&](Clock& clock) {
    sum = fused::w3_forward(values(start), n);
    clock.lap("fwd");
    fused::w3_backward(values(start), gx.data(), n);
    clock.lap("bwd");
  });
}

void transformer_block(Session& session) {
  constexpr std::int64_t kRows = 1024, kWidth = 2048;
  constexpr double kUnits = static_cast<double>(kRows * kWidth), kDropped = 0.1;
  const std::string name = named("chain_block gelu+bias+dropout+residual shape=1024x2048");
  if (!wanted(session, name)) return;
  Tensor h = catena::randn({kRows, kWidth}).set_requires_grad();
  Tensor b = catena::randn({kWidth}).set_requires_grad();
  Tensor r = catena::randn({kRows, kWidth}).set_requires_grad();
  const Tensor g = catena::randn({kRows, kWidth});
  const std::vector<float> h0 = copy_of(h), b0 = copy_of(b), r0 = copy_of(r), g0 = copy_of(g);
  both_ways(session, name, kUnits, [&](Clock& clock) {
    for (Tensor* t : {&h, &b, &r}) t->zero_grad();
    clock.skip();
    const Tensor y = catena::dropout(catena::gelu(h + b), kDropped) + r;
    catena::run_pending();
    clock.lap("fwd");
    y.backward(g);
    clock.lap("bwd");
  });
  std::vector<float> y(h0.size()), gh(h0.size()), gb(b0.size()), gr(h0.size());
  by_hand(session, name, kUnits, [&](Clock& clock) {
    fused::block_forward(h0.data(), b0.data(), r0.data(), y.data(), kRows, kWidth, kDropped, 1);
    clock.lap("fwd");
    fused::block_backward(h0.data(), b0.data(), g0.data(), gh.data(), gb.data(), kRows, kWidth,
                          kDropped, 1);
    gr = g0;  // r's gradient, which belongs to r
    clock.lap("bwd");
  });
}

void lstm_gates(Session& session) {
  constexpr std::int64_t kRows = 256, kWidth = 1024;
  constexpr double kUnits = static_cast<double>(kRows * kWidth);
  const std::string name = named("chain_lstm gates by ops shape=256x1024");
  if (!wanted(session, name)) return;
  Tensor gates = catena::randn({kRows, 4 * kWidth}).set_requires_grad();
  Tensor c = catena::randn({kRows, kWidth}).set_requires_grad();
  const Tensor g = catena::randn({kRows, kWidth});
  const std::vector<float> gates0 = copy_of(gates), c0 = copy_of(c), g0 = copy_of(g);
  both_ways(session, name, kUnits, [&](Clock& clock) {
    gates.zero_grad();
    c.zero_grad();
    clock.skip();
    const auto gate = [&](std::int64_t k) {
      return catena::slice(gates, 1, k * kWidth, (k + 1) * kWidth);
    };
    const Tensor next =
        catena::sigmoid(gate(1)) * c + catena::sigmoid(gate(0)) * catena::tanh(gate(2));
    const Tensor h = catena::sigmoid(gate(3)) * catena::tanh(next);
    catena::run_pending();
    clock.lap("fwd");
    h.backward(g);
    clock.lap("bwd");
  });
  std::vector<float> next(c0.size()), h(c0.size()), ggates(gates0.size()), gc(c0.size());
  by_hand(session, name, kUnits, [&](Clock& clock) {
    fused::lstm_forward(gates0.data(), c0.data(), next.data(), h.data(), kRows, kWidth);
    clock.lap("fwd");
    fused::lstm_backward(gates0.data(), c0.data(), g0.data(), ggates.data(), gc.data(), kRows,
                         kWidth);
    clock.lap("bwd");
  });
}

void adam_by_ops(Session& session) {
  constexpr std::int64_t kCount = 4 << 20;
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kRate = 1e-3f, kEps = 1e-8f;
  const std::string name = named("chain_adam by ops n=4194304");
  if (!wanted(session, name)) return;
  const catena::NoGrad off;
  Tensor p = catena::randn({kCount}), m = catena::zeros({kCount}), v = catena::zeros({kCount});
  const Tensor g = catena::randn({kCount});
  std::vector<float> p0 = copy_of(p), g0 = copy_of(g), m0 = copy_of(m), v0 = copy_of(v);
  const fused::AdamRates rates{kBeta1, kBeta2, kRate / (1 - kBeta1), 1 / std::sqrt(1 - kBeta2),
                               kEps};
  both_ways(session, name, static_cast<double>(kCount), [&](Clock& clock) {
    m = m * kBeta1 + g * (1 - kBeta1);
    v = v * kBeta2 + g * g * (1 - kBeta2);
    p.add_(m * rates.step / (catena::sqrt(v) * rates.root_scale + kEps), -1);
    clock.lap("step");
  });
  by_hand(session, name, static_cast<double>(kCount), [&](Clock& clock) {
    fused::adam(p0.data(), g0.data(), m0.data(), v0.data(), kCount, rates);
    clock.lap("step");
  });
}

void normalize_images(Session& session) {
  constexpr std::int64_t kImages = 16, kChannels = 3, kPixels = 224;
  constexpr double kUnits = static_cast<double>(kImages * kChannels * kPixels * kPixels);
  const std::string name = named("chain_normalize (x - mean) / std images=16x3x224x224");
  if (!wanted(session, name)) return;
  const Tensor x = catena::rand({kImages, kChannels, kPixels, kPixels});
  const Tensor mean = catena::tensor({0.485, 0.456, 0.406}).reshape({kChannels, 1, 1});
  const Tensor stddev = catena::tensor({0.229, 0.224, 0.225}).reshape({kChannels, 1, 1});
  const std::vector<float> x0 = copy_of(x), mean0 = copy_of(mean), stddev0 = copy_of(stddev);
  both_ways(session, name, kUnits, [&](Clock& clock) {
    const Tensor y = (x - mean) / stddev;
    catena::run_pending();
    clock.lap("run");
  });
  std::vector<float> y(x0.size());
  by_hand(session, name, kUnits, [&](Clock& clock) {
    fused::normalize(x0.data(), mean0.data(), stddev0.data(), y.data(), kImages, kChannels,
                     kPixels * kPixels);
    clock.lap("run");
  });
}

}  // namespace

void chains(Session& session) {
  for (const int bits : {6, 12, 16, 20, 24}) w3(session, std::int64_t{1} << bits);
  transformer_block(session);
  lstm_gates(session);
  adam_by_ops(session);
  normalize_images(session);
}

}  // namespace bench
