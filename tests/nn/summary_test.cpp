// The summary table, to the letter.
#include <gtest/gtest.h>

#include "catena/nn/activations.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/nn/summary.hpp"
#include "catena/ops/elementwise.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

struct Net : nn::Module {
  nn::Linear fc1{64, 128}, fc2{128, 10};
  nn::Dropout drop{0.5};
  nn::Linear unused{2, 2};
  Net() {
    add("fc1", fc1);
    add("drop", drop);
    add("fc2", fc2);
    add("unused", unused);
    for (Tensor t : unused.parameters()) t.set_requires_grad(false);
  }
  Tensor forward(Tensor x) override { return fc2(drop(relu(fc1(x)))); }
};

TEST(Summary, IsATableOfLayersAndTotals) {
  Net net;
  EXPECT_EQ(nn::summary(net, {-1, 64}),
            "Model: \"Net\"\n"
            "┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┓\n"
            "┃ Layer (type)    ┃ Output Shape ┃ Param # ┃\n"
            "┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━┩\n"
            "│ fc1 (Linear)    │ [?, 128]     │   8,320 │\n"
            "├─────────────────┼──────────────┼─────────┤\n"
            "│ drop (Dropout)  │ [?, 128]     │       0 │\n"
            "├─────────────────┼──────────────┼─────────┤\n"
            "│ fc2 (Linear)    │ [?, 10]      │   1,290 │\n"
            "├─────────────────┼──────────────┼─────────┤\n"
            "│ unused (Linear) │ ?            │       6 │\n"
            "└─────────────────┴──────────────┴─────────┘\n"
            " Total params: 9,616 (37.56 KB)\n"
            " Trainable params: 9,610 (37.54 KB)\n"
            " Non-trainable params: 6 (24.00 B)\n");
  EXPECT_TRUE(net.is_training()) << "the mode is put back";
}

TEST(Summary, EachModuleGetsItsModeBack) {
  nn::Sequential net(nn::Linear(2, 2), nn::Dropout(0.5));
  net[1].eval();
  nn::summary(net, {-1, 2});
  EXPECT_TRUE(net.is_training());
  EXPECT_FALSE(net[1].is_training());
}

TEST(Summary, AModuleMayReturnNothing) {
  struct Nothing : nn::Module {
    Tensor forward(Tensor) override { return {}; }
  } net;
  EXPECT_NE(nn::summary(net, {2, 2}).find("│ Nothing      │ ?"), std::string::npos);
}

TEST(Summary, WorksWithoutAnInputAndWithNestedModels) {
  nn::Sequential net(nn::Sequential(nn::Linear(1000, 1000), nn::ReLU()), nn::Linear(1000, 1));
  const std::string text = nn::summary(net);
  EXPECT_NE(text.find("│ 0.0 (Linear) │ ?            │ 1,001,000 │"), std::string::npos) << text;
  EXPECT_NE(text.find("Total params: 1,002,001 (3.82 MB)"), std::string::npos) << text;
  EXPECT_NE(nn::summary(net, {5, 1000}).find("[5, 1]"), std::string::npos);
}

}  // namespace
}  // namespace catena::test
