// W6: cross-entropy over a vocabulary, forward and backward, per logit.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>

#include "workloads.hpp"

namespace bench {

void cross_entropy(Session& session) {
  using catena::Tensor;
  constexpr std::int64_t kBatch = 128, kClasses = 32768;
  const std::string name = "W6_softmax_xent classes=32768 batch=128 unit=element threads=" +
                           std::to_string(catena::num_threads());
  if (!session.selected(name)) return;
  Tensor logits = catena::randn({kBatch, kClasses}).set_requires_grad();
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < kBatch; ++i) values.push_back(i * 7919 % kClasses);
  Tensor target = catena::tensor(values, {kBatch});
  Benchmark(session, name).units(static_cast<double>(kBatch * kClasses)).run([&](Clock& clock) {
    logits.zero_grad();
    clock.skip();
    Tensor loss = catena::cross_entropy(logits, target);
    clock.lap("fwd");
    loss.backward();
    clock.lap("bwd");
  });
}

}  // namespace bench
