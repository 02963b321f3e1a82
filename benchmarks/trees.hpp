// Random binary trees, the same for both sides of W7.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace bench {

// Nodes 0 to leaves - 1 are leaves; inner node i, which is node leaves + i, has the nodes
// children[i], both before it. The last one is the root.
struct Tree {
  std::vector<std::pair<int, int>> children;
};

namespace detail {
// Splits the leaves [from, to) at a random place; returns the number of their root.
inline int grow(Tree& tree, int leaves, int from, int to, std::uint64_t& random) {
  if (to - from == 1) return from;
  random = random * 6364136223846793005U + 1442695040888963407U;
  const int at = from + 1 + static_cast<int>((random >> 33) % static_cast<unsigned>(to - from - 1));
  const int left = grow(tree, leaves, from, at, random);
  const int right = grow(tree, leaves, at, to, random);
  tree.children.emplace_back(left, right);
  return leaves + static_cast<int>(tree.children.size()) - 1;
}
}  // namespace detail

inline std::vector<Tree> random_trees(int count, int leaves, std::uint64_t seed) {
  std::vector<Tree> trees(static_cast<std::size_t>(count));
  for (Tree& tree : trees) detail::grow(tree, leaves, 0, leaves, seed);
  return trees;
}

}  // namespace bench
