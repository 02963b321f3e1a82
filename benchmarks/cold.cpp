// W8: a process that starts, computes the gradient of a small network and prints a number of it.
#include <cstdio>

#include <catena/catena.hpp>

#include "harness.hpp"

int main() {
  using catena::Tensor;
  Tensor x = catena::full({8, 32}, 0.5);
  Tensor w1 = catena::full({32, 64}, 0.01, {catena::kFloat32, catena::kCpu, true});
  Tensor w2 = catena::full({64, 1}, 0.1, {catena::kFloat32, catena::kCpu, true});
  Tensor loss = catena::matmul(catena::relu(catena::matmul(x, w1)), w2).sum();
  loss.backward();
  std::printf("grad %g peak_rss_MiB=%.1f\n", w1.grad().sum().item<double>(), bench::peak_mib());
}
