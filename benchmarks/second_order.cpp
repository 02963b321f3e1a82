// W10: the gradient of the network of W2, and the product of its Hessian with a vector.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>
#include <catena/graph/transforms.hpp>
#include <catena/nn/functional_call.hpp>

#include "mlp.hpp"
#include "workloads.hpp"

namespace bench {

using catena::Tensor;

void second_order(Session& session) {
  for (std::int64_t batch : {1, 32, 256}) {
    const std::string of =
        " batch=" + std::to_string(batch) + " threads=" + std::to_string(catena::num_threads());
    if (!session.selected("W10_hvp what=gradient" + of) &&
        !session.selected("W10_hvp what=hvp" + of) &&
        !session.selected("W10_hvp what=gradient_and_hvp" + of))
      continue;
    auto net = make_mlp();
    const std::vector<Tensor> parameters = net.parameters();
    std::vector<std::string> names;
    std::vector<Tensor> vectors;
    for (const auto& [parameter, tensor] : net.named_parameters()) {
      names.push_back(parameter);
      vectors.push_back(catena::randn(tensor.shape()));
    }
    const Tensor x = catena::randn({batch, 784}), target = classes(batch, 10);
    const catena::Function loss = [&](std::span<const Tensor> in) {
      std::vector<catena::NamedTensor> named;
      for (std::size_t i = 0; i < in.size(); ++i) named.emplace_back(names[i], in[i]);
      return std::vector{catena::cross_entropy(functional_call(net, named, x), target)};
    };
    Benchmark(session, "W10_hvp what=gradient" + of).run([&](Clock& clock) {
      catena::grad(catena::cross_entropy(net(x), target), parameters);
      clock.lap("grad");
    });
    Benchmark(session, "W10_hvp what=hvp" + of).run([&](Clock& clock) {
      catena::hvp(loss, parameters, vectors);
      clock.lap("hvp");
    });
    // Where the gradient is asked for as well, as the other side does.
    Benchmark(session, "W10_hvp what=gradient_and_hvp" + of).run([&](Clock& clock) {
      const std::vector<Tensor> gradients =
          catena::grad({catena::cross_entropy(net(x), target)}, parameters, {.create_graph = true});
      clock.lap("gradient");
      catena::grad(gradients, parameters, {.allow_unused = true}, vectors);
      clock.lap("second");
    });
  }
}

}  // namespace bench
