// Networks of any layer sizes with the loss of the task, the losses on training and test data
// tracked. The data are generated: a spiral of three arms for categorical cross-entropy, two moons
// for log-loss, a wave with noise for mse; two thirds train, one third tests.
#include "multilayer.hpp"

#include <cmath>
#include <iostream>
#include <memory>

#include <catena/catena.hpp>

namespace {

using namespace catena;

constexpr std::int64_t kSamples = 600, kTraining = 400;

struct Network : nn::Module {
  nn::Sequential layers;
  explicit Network(const std::vector<std::int64_t>& sizes) {
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      if (i > 0) layers.push_back(nn::Tanh());
      layers.push_back(nn::Linear(sizes[i], sizes[i + 1]));
    }
    add("layers", layers);
  }
  Tensor forward(Tensor x) override { return layers(x); }
};

// Points of `kinds` classes in random order; place(class, position in [0, 1)) says where.
template <class Place>
train::Dataset points(std::int64_t kinds, double noise, const Place& place) {
  const std::vector<double> kind =
      random_uniform({kSamples}, 0, static_cast<double>(kinds)).to_vector();
  const std::vector<double> position = random_uniform({kSamples}, 0, 1).to_vector();
  std::vector<double> xy, labels;
  for (std::size_t i = 0; i < kind.size(); ++i) {
    const double label = std::floor(kind[i]);
    const auto [x, y] = place(label, position[i]);
    xy.insert(xy.end(), {x, y});
    labels.push_back(label);
  }
  const Tensor x = tensor(xy, {kSamples, 2}, kFloat32);
  return {x + random_normal(x.shape(), 0, noise), tensor(labels, {kSamples}, kFloat32)};
}

train::Dataset make_data(const std::string& loss) {
  if (loss == "categorical_cross_entropy") {
    const train::Dataset spiral = points(3, 0.03, [](double arm, double t) {
      const double angle = 4 * t + arm * 2 * M_PI / 3;
      return std::pair(t * std::cos(angle), t * std::sin(angle));
    });
    return {spiral.x, spiral.y.to(kInt64)};
  }
  if (loss == "log_loss") {
    const train::Dataset moons = points(2, 0.1, [](double lower, double t) {
      const double angle = M_PI * t;
      return lower == 0 ? std::pair(std::cos(angle), std::sin(angle))
                        : std::pair(1 - std::cos(angle), 0.5 - std::sin(angle));
    });
    return {moons.x, moons.y.unsqueeze(1)};
  }
  const Tensor x = random_uniform({kSamples, 1}, -2, 2);
  return {x, tanh(x * 3) * 0.5 + x * x * 0.25 + random_normal(x.shape(), 0, 0.05)};
}

}  // namespace

task::Result multilayer::run(const Options& options) {
  const std::pair<const char*, const char*> known[] = {
      {"categorical_cross_entropy", "cross_entropy"},
      {"log_loss", "bce_with_logits"},
      {"mse", "mse_loss"}};
  std::string loss;
  for (const auto& [name, function] : known)
    if (options.loss == name) loss = function;
  if (loss.empty())
    throw ArgumentError("[multilayer] unknown loss '" + options.loss +
                        "'; expected categorical_cross_entropy, log_loss or mse");

  manual_seed(options.seed);
  const train::Dataset data = make_data(options.loss);
  const train::Dataset training = data.slice(0, kTraining), test = data.slice(kTraining, kSamples);
  std::vector<std::int64_t> sizes = options.hidden;
  sizes.insert(sizes.begin(), data.x.size(1));
  sizes.push_back(loss == "cross_entropy" ? 3 : 1);
  Network model(sizes);
  if (options.verbose) std::cout << nn::summary(model, {-1, sizes[0]}) << '\n';

  optim::Adam adam(model.parameters(), {.lr = 0.01});
  const train::History history = train::fit(model, training,
                                            {.epochs = options.epochs > 0 ? options.epochs : 150,
                                             .batch_size = 32,
                                             .loss = loss,
                                             .optimizer = adam,
                                             .validation_data = test,
                                             .seed = options.seed,
                                             .verbose = train::Verbose::kSilent});

  NoGrad off;
  const Tensor y = train::predict(model, test.x);
  task::Result result;
  if (loss == "mse_loss") {
    result.score = train::r2(y, test.y);
    result.values.emplace_back("test_r2", result.score);
    result.target = 0.95;
  } else {
    result.score =
        loss == "cross_entropy" ? train::accuracy(y, test.y) : train::binary_accuracy(y, test.y);
    result.values.emplace_back("test_accuracy", result.score);
    result.target = 0.95;
  }
  result.values.emplace_back("train_loss", history["loss"].back());
  result.values.emplace_back("test_loss", history["val_loss"].back());
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (!options.out_dir.empty())
    result.pictures = {train::plot_history(history, options.out_dir, {"loss", "val_loss"})};
  return result;
}

task::Result task::multilayer(const Options& options) {
  return ::multilayer::run({options, "categorical_cross_entropy", {32, 32}});
}
