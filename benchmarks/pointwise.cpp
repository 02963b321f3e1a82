// W3: tanh(1.5 x + 0.25) * sigmoid(x) + relu(x), summed and differentiated, per element.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>

#include "workloads.hpp"

namespace bench {

void pointwise(Session& session) {
  using catena::Tensor;
  for (std::int64_t n : {std::int64_t{16} << 20, std::int64_t{4096}}) {
    const std::string name = "W3_elementwise consts=scalar n=" + std::to_string(n) +
                             " unit=element threads=" + std::to_string(catena::num_threads());
    if (!session.selected(name)) continue;
    Tensor x = catena::randn({n}).set_requires_grad();
    const bool large = n > 1 << 20;
    catena::reset_peak_memory();
    const double base = static_cast<double>(catena::memory_stats().in_use);
    Benchmark b(session, name);
    b.units(static_cast<double>(n)).warm_up(large ? 2 : 10);
    if (large) b.repetitions(7, 20).seconds(8);
    b.run([&](Clock& clock) {
      x.zero_grad();
      clock.skip();
      Tensor y = (catena::tanh(x * 1.5 + 0.25) * catena::sigmoid(x) + catena::relu(x)).sum();
      clock.lap("fwd");
      y.backward();
      clock.lap("bwd");
    });
    if (large) {
      const double peak = static_cast<double>(catena::memory_stats().peak) - base;
      const double in_x = peak / static_cast<double>(4 * n);
      session.report({name, "peak_over_base_in_x", in_x, in_x, in_x, in_x, 1});
    }
  }
}

}  // namespace bench
