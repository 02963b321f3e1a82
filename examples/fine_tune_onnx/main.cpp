// A model that somebody trained elsewhere comes in as ONNX, gets another head, learns on, and goes
// out as ONNX again: fine_tune_onnx DIGITS.csv FOLDER
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <catena/catena.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>
#include <catena/serialization/onnx/save_onnx.hpp>

#include "../digits/digits.hpp"

using namespace catena;

// The part of others: a network that tells the digits 0 to 4 apart, written with its features as an
// output of their own.
void make_model(const digits::Digits& data, const std::string& path) {
  std::vector<std::int64_t> rows;
  const std::vector<std::int64_t> labels = data.labels.to_vector<std::int64_t>();
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 5) rows.push_back(static_cast<std::int64_t>(i));
  const Tensor chosen = tensor(rows, {static_cast<std::int64_t>(rows.size())}, kInt64);
  nn::Sequential features(nn::Linear(64, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU());
  nn::Linear head(64, 5);
  nn::Sequential net(features, head);
  train::fit(net, {index_select(data.pixels, chosen, 0), index_select(data.labels, chosen, 0)},
             {.epochs = 10, .optimizer = "adam(lr=0.003)", .verbose = train::Verbose::kSilent});
  const Function both = [&](std::span<const Tensor> in) {
    const Tensor seen = features(in[0]);
    return std::vector<Tensor>{seen, head(seen)};
  };
  TraceOptions options;
  options.input_names = {"pixels"};
  options.output_names = {"features", "scores"};
  options.dynamic_axes = {{0, 0, "batch"}};
  options.parameters = net.named_parameters();
  save_onnx(both, {data.pixels}, path, options);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: fine_tune_onnx DIGITS.csv FOLDER\n";
    return 2;
  }
  const std::string five = std::string(argv[2]) + "/five.onnx",
                    ten = std::string(argv[2]) + "/ten.onnx";
  manual_seed(1);
  const digits::Digits training = digits::load(argv[1], "train"),
                       test = digits::load(argv[1], "test");
  make_model(training, five);

  // Ours: the trunk without its head, a new head, all ten digits.
  nn::Sequential net(load_onnx(five, {.outputs = {"features"}}), nn::Linear(64, 10));
  train::fit(net, {training.pixels, training.labels},
             {.epochs = 20, .optimizer = "adam(lr=0.003)", .metrics = {"accuracy"}});
  save_onnx(net, test.pixels, ten, {.dynamic_axes = {{0, 0, "batch"}}});

  const Tensor scores = load_onnx(ten)(test.pixels);
  const double accuracy = (argmax(scores, 1) == test.labels).to(kFloat32).mean().item<double>();
  std::cout << "test accuracy of " << ten << ": " << 100 * accuracy << " %\n";
  return accuracy > 0.95 ? 0 : 1;
}
