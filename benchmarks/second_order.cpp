// W10: the gradient of the network of W2, and the product of its Hessian with a vector.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>

#include "mlp.hpp"
#include "workloads.hpp"

namespace bench {

using catena::Tensor;

void second_order(Session& session) {
  for (std::int64_t batch : {1, 32, 256}) {
    const std::string of =
        " batch=" + std::to_string(batch) + " threads=" + std::to_string(catena::num_threads());
    if (!session.selected("W10_hvp what=gradient" + of) &&
        !session.selected("W10_hvp what=hvp" + of))
      continue;
    auto net = make_mlp();
    const std::vector<Tensor> parameters = net.parameters();
    std::vector<Tensor> vectors;
    for (const Tensor& p : parameters) vectors.push_back(catena::randn(p.shape()));
    const Tensor x = catena::randn({batch, 784}), target = classes(batch, 10);
    Benchmark(session, "W10_hvp what=gradient" + of).run([&](Clock& clock) {
      catena::grad(catena::cross_entropy(net(x), target), parameters);
      clock.lap("grad");
    });
    Benchmark(session, "W10_hvp what=hvp" + of).run([&](Clock& clock) {
      const std::vector<Tensor> gradients =
          catena::grad({catena::cross_entropy(net(x), target)}, parameters, {.create_graph = true});
      clock.lap("gradient");
      catena::grad(gradients, parameters, {.allow_unused = true}, vectors);
      clock.lap("second");
    });
  }
}

}  // namespace bench
