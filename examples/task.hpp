// What the worked tasks share. Each is one file, <name>/<name>.cpp, run as `catena train <name>` or
// as a program of its own.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace task {

struct Options {
  std::uint64_t seed = 0;
  std::string out_dir;                // for pictures; empty: none
  bool verbose = true;                // tell what happens on standard output
  std::int64_t epochs = 0;            // of tasks that train long; 0: the task's own number
  std::string data_dir = "examples";  // holds digits/digits.csv and the like
};

struct Result {
  double score = 0;          // what the target is about
  double target = 0;         // to be met by the median over seeds
  bool interrupted = false;  // by Ctrl-C; nothing was measured then
  bool at_most = false;      // the score must not be above the target (else: not below)
  std::vector<std::pair<std::string, double>> values;  // everything measured, by name
  std::vector<std::string> pictures;                   // paths of what was drawn

  bool reached() const { return at_most ? score <= target : score >= target; }
};

struct Task {
  const char* name;
  const char* summary;
  Result (*run)(const Options& options);
  bool trains_long = false;  // for many seconds: tests train one seed unless they run long too
};

Result perceptron(const Options& options);
Result activations(const Options& options);
Result backprop(const Options& options);
Result line(const Options& options);
Result classify(const Options& options);
Result multilayer(const Options& options);
Result cnn(const Options& options);
Result rnn(const Options& options);
Result lstm(const Options& options);
Result transformer(const Options& options);
Result tree(const Options& options);
Result autoencoder(const Options& options);
Result forecast(const Options& options);
Result gan(const Options& options);

inline constexpr Task kTasks[] = {
    {"perceptron", "Rosenblatt's perceptron learns AND and OR, not XOR; two layers do", perceptron},
    {"activations", "Activations and their derivatives, against closed forms", activations},
    {"backprop", "Every partial derivative of a 2-2-1 network, by hand and by the tape", backprop},
    {"line", "A line through noisy points, against the closed form", line},
    {"classify", "Two classes from 2 and from 20 features, with ROC curves", classify},
    {"multilayer", "Networks of any layer sizes with the loss of the task", multilayer},
    {"cnn", "Convolutions on digits, ResNet-18 on CIFAR-10; filters and feature maps", cnn, true},
    {"rnn", "A recurrent network reads digits row by row", rnn, true},
    {"lstm", "An LSTM writes like a book, character by character", lstm, true},
    {"transformer", "A small GPT on the characters of a book, with cached decoding", transformer,
     true},
    {"tree", "A recursive network over trees: boiling points of alkanes", tree, true},
    {"autoencoder", "Digits pressed into two numbers; the plane is drawn", autoencoder, true},
    {"forecast", "El Nino's temperatures, against naive and seasonal forecasts", forecast, true},
    {"gan", "A generator draws digits; a classifier judges them", gan, true},
};

}  // namespace task
