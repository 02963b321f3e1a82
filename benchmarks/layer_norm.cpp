// W6: layer norm with weight and bias, forward and backward, per element.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>

#include "workloads.hpp"

namespace bench {

void layer_norm(Session& session) {
  using catena::Tensor;
  constexpr std::int64_t kRows = 4096, kColumns = 1024;
  const std::string name =
      "W6_layernorm shape=4096x1024 unit=element threads=" + std::to_string(catena::num_threads());
  if (!session.selected(name)) return;
  Tensor x = catena::randn({kRows, kColumns}).set_requires_grad();
  Tensor weight = catena::ones({kColumns}).set_requires_grad();
  Tensor bias = catena::zeros({kColumns}).set_requires_grad();
  const Tensor cotangent = catena::randn({kRows, kColumns});
  Benchmark(session, name).units(static_cast<double>(kRows * kColumns)).run([&](Clock& clock) {
    for (Tensor* t : {&x, &weight, &bias}) t->zero_grad();
    clock.skip();
    Tensor y = catena::layer_norm(x, {kColumns}, weight, bias);
    clock.lap("fwd");
    y.backward(cotangent);
    clock.lap("bwd");
  });
}

}  // namespace bench
