// ResNet-18 for pictures of 32 x 32 pixels (He et al., 2016; the stem of their CIFAR networks).
#pragma once

#include <catena/catena.hpp>

namespace cnn {

namespace nn = catena::nn;
using catena::Tensor;

inline nn::Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                              std::int64_t stride) {
  return nn::Conv2d(in, out, kernel, {.stride = stride, .padding = kernel / 2, .bias = false});
}

// Two convolutions and a shortcut, which is a convolution of its own where the shape changes.
struct Block : nn::Module {
  nn::Sequential convolutions, shortcut;
  Block(std::int64_t in, std::int64_t out, std::int64_t stride)
      : convolutions(convolution(in, out, 3, stride), nn::BatchNorm2d(out), nn::ReLU(),
                     convolution(out, out, 3, 1), nn::BatchNorm2d(out)) {
    add("convolutions", convolutions);
    if (stride != 1 || in != out) {
      shortcut.push_back(convolution(in, out, 1, stride));
      shortcut.push_back(nn::BatchNorm2d(out));
    }
    add("shortcut", shortcut);
  }
  Tensor forward(Tensor x) override { return relu(convolutions(x) + shortcut(x)); }
};

struct ResNet18 : nn::Module {
  nn::Sequential blocks;
  nn::Linear head{512, 10};
  ResNet18() {
    blocks.push_back(convolution(3, 64, 3, 1));
    blocks.push_back(nn::BatchNorm2d(64));
    blocks.push_back(nn::ReLU());
    std::int64_t in = 64;
    for (const std::int64_t out : {64, 128, 256, 512})
      for (int k = 0; k < 2; ++k) {
        blocks.push_back(Block(in, out, k == 0 && out != 64 ? 2 : 1));
        in = out;
      }
    add("blocks", blocks);
    add("head", head);
  }
  Tensor forward(Tensor x) override { return head(blocks(x).mean({2, 3})); }
};

}  // namespace cnn
