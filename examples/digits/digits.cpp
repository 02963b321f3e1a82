#include "digits.hpp"

#include <chrono>
#include <cmath>
#include <iostream>

namespace digits {

using namespace catena;

namespace {

constexpr int kSide = 8, kPixels = 64, kClasses = 10;

// 64 sigmoid units, as in the textbooks.
struct Classic : nn::Module {
  nn::Linear hidden{kPixels, 64}, out{64, kClasses};
  Classic() {
    add("hidden", hidden);
    add("out", out);
    for (const nn::Linear& layer : {hidden, out}) {
      nn::init::normal_(layer.weight());
      nn::init::zeros_(layer.bias());
    }
  }
  Tensor forward(Tensor x) override { return out(sigmoid(hidden(x))); }
};

// Two ReLU layers, with dropout before and after each.
struct Best : nn::Module {
  nn::Linear fc1{kPixels, 256}, fc2{256, 128}, out{128, kClasses};
  nn::Dropout drop0{0.1}, drop1{0.5}, drop2{0.3};
  Best() {
    add("drop0", drop0);
    add("fc1", fc1);
    add("drop1", drop1);
    add("fc2", fc2);
    add("drop2", drop2);
    add("out", out);
  }
  Tensor forward(Tensor x) override {
    x = drop1(relu(fc1(drop0(x))));
    x = drop2(relu(fc2(x)));
    return out(x);
  }
};

train::History train_classic(nn::Module& model, const train::Dataset& data,
                             train::FitOptions options) {
  // Softmax with categorical cross-entropy on the whole training set at each step.
  optim::SGD sgd(model.parameters(), {.lr = 0.1});
  options.optimizer = sgd;
  options.batch_size = data.size();
  options.shuffle = false;
  options.log_every = 100;
  return train::fit(model, {data.x, one_hot(data.y, kClasses, kFloat32)}, options);
}

train::History train_best(nn::Module& model, const train::Dataset& data,
                          train::FitOptions options) {
  optim::Adam adam(model.parameters(), {.lr = 2e-3});
  options.optimizer = adam;
  options.batch_size = 32;
  options.log_every = 5;
  return train::fit(model, data, options);
}

}  // namespace

Digits load(const std::string& path, const std::string& part) {
  const train::CsvTable rows = train::read_csv(path).where("split", part);
  std::vector<std::string> columns;
  for (int i = 0; i < kPixels; ++i) columns.push_back("p" + std::to_string(i));
  // Every pixel counts from 0 (paper) to 16 (ink).
  return {rows.numbers(columns) / 16, rows.number("label", kInt64)};
}

std::shared_ptr<nn::Module> make_model(const std::string& name) {
  if (name == "classic") return std::make_shared<Classic>();
  if (name == "best") return std::make_shared<Best>();
  throw ArgumentError("[digits] unknown model '" + name + "'; expected classic or best");
}

Result run(const Options& options, std::shared_ptr<nn::Module>* trained) {
  const bool classic = options.model == "classic";
  const Digits training = load(options.data_path, "train"), test = load(options.data_path, "test");
  const train::Dataset data = train::Dataset(training.pixels, training.labels).to(options.device);
  const train::Dataset test_data = train::Dataset(test.pixels, test.labels).to(options.device);

  manual_seed(options.seed);
  const std::shared_ptr<nn::Module> model = make_model(options.model);
  model->to(options.device);
  if (options.verbose) std::cout << nn::summary(*model, {-1, kPixels}) << '\n';

  train::FitOptions fit_options;
  fit_options.epochs = options.epochs > 0 ? options.epochs : classic ? 1000 : 60;
  fit_options.metrics = {"accuracy"};
  fit_options.seed = options.seed;
  // One bar for all epochs leaves the summary table in sight.
  fit_options.verbose = !options.verbose                ? train::Verbose::kSilent
                        : train::is_terminal(std::cout) ? train::Verbose::kTotal
                                                        : train::Verbose::kLines;
  fit_options.callbacks = options.callbacks;
  fit_options.resume = options.resume;
  const auto start = std::chrono::steady_clock::now();
  const train::History history =
      classic ? train_classic(*model, data, fit_options) : train_best(*model, data, fit_options);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  if (trained != nullptr) *trained = model;
  Result result;
  result.model = options.model;
  result.seed = options.seed;
  result.interrupted = history.interrupted;
  if (result.interrupted) return result;
  const train::Logs test_logs = train::evaluate(*model, test_data, {.metrics = {"accuracy"}});
  result.test_accuracy = test_logs["accuracy"];
  result.test_loss = test_logs["loss"];
  result.train_accuracy = train::evaluate(*model, data, {.metrics = {"accuracy"}})["accuracy"];
  result.losses = history["loss"];
  result.epochs = history.epochs();
  result.parameters = model->num_parameters();
  result.seconds = elapsed.count();
  result.predictions = argmax(train::predict(*model, test_data.x), 1).to_vector<std::int64_t>();
  if (!options.out_dir.empty()) result.loss_curve = train::plot_history(history, options.out_dir);
  if (options.verbose) {
    const std::size_t shown = options.seed % result.predictions.size();
    const auto index = static_cast<std::int64_t>(shown);
    std::cout << '\n'
              << draw(test.pixels[index]) << "predicted " << result.predictions[shown] << ", true "
              << test.labels[index].item<std::int64_t>() << "\n\n";
  }
  return result;
}

std::string draw(const Tensor& pixels) {
  static const char* const kShades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  const std::vector<float> ink = pixels.to_vector<float>();
  std::string text;
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column)
      text += kShades[std::lround(4 * ink[static_cast<std::size_t>(row * kSide + column)])];
    text += '\n';
  }
  return text;
}

}  // namespace digits
