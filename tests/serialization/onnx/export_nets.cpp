// Whole nets as ONNX models with open axes, run at other sizes than they were traced at; left in
// CATENA_ONNX_DIR like the samples of export_suite.cpp.
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/embedding.hpp"
#include "catena/nn/group_norm.hpp"
#include "catena/nn/pooling.hpp"
#include "catena/nn/transformer.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/serialization/tensor_proto.hpp"
#include "serialization/onnx/model_reader.hpp"
#include "serialization/torch_net.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

namespace fs = std::filesystem;

// Exports `net` traced at `example` and keeps it with its results at `inputs`.
OnnxFile exported(const std::string& name, nn::Module& net, const Tensor& example,
                  const std::vector<DynamicAxis>& axes, const Tensor& input) {
  const char* kept = std::getenv("CATENA_ONNX_DIR");
  const fs::path folder = (kept ? fs::path(kept) : fs::path(::testing::TempDir())) / name;
  fs::create_directories(folder);
  OnnxOptions options;
  if (const char* opset = std::getenv("CATENA_ONNX_OPSET")) options.opset = std::atoi(opset);
  options.sync = false;
  options.metadata = {{"op", "net"}, {"rtol", "1e-5"}, {"atol", "1e-5"}, {"random", "0"}};
  save_onnx(net, example, (folder / "model.onnx").string(), {.dynamic_axes = axes}, options);
  OnnxFile file((folder / "model.onnx").string());
  net.eval();
  const NoGrad no_grad;
  save_tensor_proto(input, (folder / "input_0.pb").string());
  save_tensor_proto(net(input), (folder / "output_0.pb").string());
  if (!kept) fs::remove_all(folder);
  return file;
}

TEST(OnnxNets, ConvolutionBatchNormLstmAttention) {
  manual_seed(1);
  TorchNet net;
  std::vector<NamedTensor> weights = net.named_parameters();
  for (const NamedTensor& b : net.named_buffers()) weights.push_back(b);
  load_parameters(weights, CATENA_TEST_DATA_DIR "/torch_net.safetensors", ParameterOptions{});
  const OnnxFile file =
      exported("net_recurrent", net, randn({2, 1, 4, 4}), {{0, 0, "batch"}}, randn({5, 1, 4, 4}));
  const std::vector<std::string> types = file.types();
  // The arithmetic of batch norm is one operator again, with its statistics by name.
  const auto norm = std::find_if(file.nodes.begin(), file.nodes.end(), [](const OnnxFile::Node& n) {
    return n.type == "BatchNormalization";
  });
  ASSERT_NE(norm, file.nodes.end());
  EXPECT_EQ(std::vector<std::string>(norm->inputs.begin() + 1, norm->inputs.end()),
            (std::vector<std::string>{"norm.weight", "norm.bias", "norm.running_mean",
                                      "norm.running_var"}));
  EXPECT_EQ(std::count(types.begin(), types.end(), "Sqrt"), 0);
  EXPECT_EQ(std::count(types.begin(), types.end(), "LSTM"), 2);
}

struct Images : nn::Module {
  nn::Conv2d first{3, 8, 3, {.stride = 2, .padding = 1}};
  nn::BatchNorm2d norm{8, {.affine = false}};
  nn::GroupNorm groups{2, 8};
  nn::MaxPool2d pool{2, {.ceil_mode = true}};
  nn::AdaptiveAvgPool2d mean{1};
  nn::Linear head{8, 5};
  Images() {
    add("first", first);
    add("norm", norm);
    add("groups", groups);
    add("pool", pool);
    add("mean", mean);
    add("head", head);
  }
  Tensor forward(Tensor x) override {
    x = pool(silu(groups(norm(first(x)))));
    return softmax(head(flatten(mean(x), 1)), -1);
  }
};

TEST(OnnxNets, ImagesOfAnyNumber) {
  manual_seed(2);
  Images net;
  const OnnxFile file =
      exported("net_images", net, randn({2, 3, 11, 13}), {{0, 0, "batch"}}, randn({4, 3, 11, 13}));
  EXPECT_EQ(file.outputs[0].second, "1 [batch, 5]");
}

struct Texts : nn::Module {
  nn::Embedding embedding{20, 16};
  nn::TransformerEncoderLayer layer{
      16, 4, {.dim_feedforward = 24, .dropout = 0.1, .batch_first = true}};
  Texts() {
    add("embedding", embedding);
    add("layer", layer);
  }
  Tensor forward(Tensor x) override { return mean(layer(embedding(x)), {1}); }
};

TEST(OnnxNets, TextsOfAnyNumberAndLength) {
  manual_seed(3);
  Texts net;
  const Tensor example = zeros({2, 6}, kInt64);
  const Tensor input =
      tensor(std::vector<std::int64_t>{1, 5, 19, 3, 2, 2, 8, 7, 0, 4, 11, 13}, {3, 4});
  const OnnxFile file =
      exported("net_texts", net, example, {{0, 0, "batch"}, {0, 1, "length"}}, input);
  EXPECT_EQ(file.inputs[0].second, "7 [batch, length]");
  EXPECT_EQ(file.outputs[0].second, "1 [batch, 16]");
  const std::vector<std::string> names = file.names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "embedding.weight"), 1);
}

}  // namespace
}  // namespace catena::test
