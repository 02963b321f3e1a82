// W7: a recursive network over binary trees, node by node: each inner node is
// tanh(Linear(256, 128)([left, right])). 16 trees of 30 leaves, whose roots are summed.
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>
#include <catena/nn/linear.hpp>

#include "trees.hpp"
#include "workloads.hpp"

namespace bench {

using catena::Tensor;

void tree(Session& session) {
  constexpr int kTrees = 16, kLeaves = 30, kWidth = 128;
  const std::string name = "W7_tree form=per_node trees=16 leaves=30 dim=128 unit=tree threads=" +
                           std::to_string(catena::num_threads());
  if (!session.selected(name)) return;
  const std::vector<Tree> trees = random_trees(kTrees, kLeaves, 7);
  catena::nn::Linear join(2 * kWidth, kWidth);
  std::vector<std::vector<Tensor>> leaves(kTrees);
  for (auto& of_tree : leaves)
    for (int i = 0; i < kLeaves; ++i) of_tree.push_back(catena::randn({1, kWidth}));
  Benchmark(session, name).units(kTrees).run([&](Clock& clock) {
    join.zero_grad();
    clock.skip();
    Tensor loss;
    for (int k = 0; k < kTrees; ++k) {
      std::vector<Tensor> nodes = leaves[k];
      for (const auto& [left, right] : trees[k].children)
        nodes.push_back(catena::tanh(join(catena::concat({nodes[left], nodes[right]}, 1))));
      const Tensor root = catena::sum(nodes.back());
      loss = loss.defined() ? loss + root : root;
    }
    clock.lap("fwd");
    loss.backward();
    clock.lap("bwd");
  });
}

}  // namespace bench
