// The net of data/make_torch_net.py.
#pragma once

#include "catena/nn/attention.hpp"
#include "catena/nn/convolution.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/normalization.hpp"
#include "catena/nn/recurrent.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"

namespace catena::test {

struct TorchNet : nn::Module {
  nn::Conv2d conv{1, 3, 3, {.padding = 1}};
  nn::BatchNorm2d norm{3};
  nn::LSTM lstm{12, 5, {.batch_first = true, .bidirectional = true}};
  nn::MultiheadAttention attention{10, 2, {.batch_first = true}};
  nn::Sequential head{nn::LayerNorm({10}), nn::Linear(10, 4)};
  TorchNet() {
    add("conv", conv);
    add("norm", norm);
    add("lstm", lstm);
    add("attention", attention);
    add("head", head);
  }
  Tensor forward(Tensor x) override {
    x = relu(norm(conv(x)));
    x = flatten(permute(x, {0, 2, 1, 3}), 2);
    x = attention(lstm(x));
    return head(select(x, 1, -1));
  }
};

}  // namespace catena::test
