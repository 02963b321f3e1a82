// The worked task: a classifier of the UCI handwritten digits (1,797 scans of 8x8 pixels).
//
//   classic: the textbook set-up. Pixels min-max scaled to [0, 1], one-hot targets, 64 sigmoid
//            units, softmax with categorical cross-entropy, weights N(0, 1), zero biases,
//            full-batch gradient descent with learning rate 0.1 for 1000 epochs.
//   best:    two ReLU layers with dropout, Adam, mini-batches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <catena/catena.hpp>

namespace digits {

struct Options {
  std::string data_path = "examples/digits/digits.csv";
  std::string model = "best";  // or "classic"
  std::uint64_t seed = 0;
  std::int64_t epochs = 0;  // 0: the model's own number
  catena::Device device = catena::kCpu;
  // Where history.csv and the loss curve go; empty: nowhere.
  std::string out_dir;
  bool verbose = true;  // summary table, progress bar and one digit drawn, on standard output
  std::vector<catena::train::CallbackHandle> callbacks = {};  // of the training
  const catena::State* resume = nullptr;  // goes on from this state, saved by a Checkpoint callback
};

struct Result {
  std::string model;
  std::uint64_t seed = 0;
  double test_accuracy = 0;
  double test_loss = 0;
  double train_accuracy = 0;
  std::vector<double> losses;  // of the training data, one per epoch
  std::int64_t epochs = 0;
  std::int64_t parameters = 0;
  double seconds = 0;                     // of training
  std::vector<std::int64_t> predictions;  // of the test digits, in the file's order
  std::string loss_curve;                 // path of the picture, or empty when none could be drawn
  bool interrupted = false;               // by Ctrl-C; nothing was measured then
};

// The digits of one part of the split ("train" or "test").
struct Digits {
  catena::Tensor pixels;  // [n, 64], scaled to [0, 1]
  catena::Tensor labels;  // [n], int64
};
// Reads the data file; errors name the file, line and column.
Digits load(const std::string& path, const std::string& part);

// The classifier of that name, with new weights from the global generator.
std::shared_ptr<catena::nn::Module> make_model(const std::string& name);

// Trains the model and measures it on the test digits. The trained model is in `*trained` when
// that is not null.
Result run(const Options& options, std::shared_ptr<catena::nn::Module>* trained = nullptr);

// A scan as rows of shaded characters.
std::string draw(const catena::Tensor& pixels);

}  // namespace digits
