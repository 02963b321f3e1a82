// Large convolutions, which are shared out among threads.
#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

// The same image by image and a few outputs at a time: calls too small to be shared out.
Tensor in_pieces(const Tensor& x, const Tensor& weight) {
  std::vector<Tensor> images;
  for (std::int64_t i = 0; i < x.size(0); ++i) {
    std::vector<Tensor> outputs;
    for (std::int64_t k = 0; k < weight.size(0); k += 32)
      outputs.push_back(
          conv2d(slice(x, 0, i, i + 1), slice(weight, 0, k, k + 32), {}, {.padding = 1}));
    images.push_back(concat(outputs, 1));
  }
  return concat(images, 0);
}

void compare(const Shape& x_shape, const Shape& weight_shape) {
  SCOPED_TRACE(to_string(x_shape) + " " + to_string(weight_shape));
  manual_seed(3);
  const Tensor x = randn(x_shape).set_requires_grad();
  const Tensor weight = randn(weight_shape).set_requires_grad();
  const Tensor inputs[] = {x, weight};
  const Tensor whole = conv2d(x, weight, {}, {.padding = 1}), pieces = in_pieces(x, weight);
  const Tensor g = randn(whole.shape());
  const std::vector<Tensor> found = grad((whole * g).sum(), inputs),
                            expected = grad((pieces * g).sum(), inputs);
  // Sums of thousands of products of normal numbers; Winograd's kernels round a little more.
  EXPECT_TRUE(close(whole, pieces.to_vector(), 1e-3, 5e-3));
  EXPECT_TRUE(close(found[0], expected[0].to_vector(), 1e-3, 5e-3));
  EXPECT_TRUE(close(found[1], expected[1].to_vector(), 1e-3, 2e-2));
}

TEST(LargeConvolution, SharedOutByImages) { compare({32, 32, 16, 16}, {64, 32, 3, 3}); }
TEST(LargeConvolution, SharedOutByOutputs) { compare({8, 32, 16, 16}, {256, 32, 3, 3}); }
TEST(LargeConvolution, ItsGradientSharedOutByInputs) { compare({8, 256, 16, 16}, {32, 256, 3, 3}); }

}  // namespace
}  // namespace catena::test
