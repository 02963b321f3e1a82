// Two classes, told apart by 2 features and by 20. The data are generated: two overlapping clouds
// in the plane; and, like scikit-learn's make_classification, clusters at the corners of a
// hypercube, whose features are mixed, partly redundant, partly noise, with some labels wrong
// (Guyon 2003). Ends with the accuracy and the area under the ROC curve on data not trained on.
#include <cmath>
#include <iostream>

#include <catena/catena.hpp>

#include "../task.hpp"

namespace {

using namespace catena;

constexpr std::int64_t kSamples = 2000, kTraining = 1500;

train::Dataset clouds() {
  const Tensor label = (random_uniform({kSamples, 1}, 0, 1) < 0.5).to(kFloat32);
  return {random_normal({kSamples, 2}) + label * tensor({2, 1.5}), label};
}

train::Dataset hypercube() {
  constexpr std::int64_t kInformative = 10, kRedundant = 5, kNoise = 5, kClusters = 4;
  constexpr double kSide = 2, kWrongLabels = 0.01;
  const Tensor corner =
      ((random_uniform({kClusters, kInformative}, 0, 1) < 0.5).to(kFloat32) - 0.5) * kSide;
  std::vector<Tensor> informative, labels;
  for (std::int64_t k = 0; k < kClusters; ++k) {
    const Shape shape{kSamples / kClusters, kInformative};
    const Tensor mix = random_uniform({kInformative, kInformative}, -1, 1);
    informative.push_back(matmul(random_normal(shape), mix) + corner[k] * kSide);
    labels.push_back(full({shape[0], 1}, static_cast<double>(k % 2)));
  }
  const Tensor x = concat(informative, 0);
  const Tensor redundant = matmul(x, random_uniform({kInformative, kRedundant}, -1, 1));
  const Tensor wrong = (random_uniform({kSamples, 1}, 0, 1) < kWrongLabels).to(kFloat32);
  const Tensor y = concat(labels, 0);
  const train::Dataset all = {concat({x, redundant, random_normal({kSamples, kNoise})}, 1),
                              y + wrong - y * wrong * 2};
  // In random order, with features of mean 0 and variance 1.
  train::DataLoader shuffled(all, {.batch_size = kSamples, .shuffle = true});
  const auto [samples, targets] = *shuffled.begin();
  return {train::StandardScaler().fit(samples).transform(samples), targets};
}

struct Network : nn::Module {
  nn::Sequential layers;
  explicit Network(nn::Sequential parts) : layers(std::move(parts)) { add("layers", layers); }
  Tensor forward(Tensor x) override { return layers(x); }
};

struct Outcome {
  double accuracy = 0, auc = 0;
  train::History history;
  train::RocPoints roc;
};

Outcome learn(nn::Module& model, const train::Dataset& data, std::int64_t epochs,
              std::uint64_t seed) {
  const train::Dataset test = data.slice(kTraining, kSamples);
  optim::Adam adam(model.parameters(), {.lr = 1e-3});
  Outcome out;
  out.history = train::fit(model, data.slice(0, kTraining),
                           {.epochs = epochs,
                            .batch_size = 32,
                            .loss = "bce_with_logits",
                            .optimizer = adam,
                            .validation_data = test,
                            .seed = seed,
                            .verbose = train::Verbose::kSilent});
  const Tensor scores = train::predict(model, test.x).flatten(), target = test.y.flatten();
  out.accuracy = train::binary_accuracy(scores, target);
  out.auc = train::roc_auc(scores, target);
  out.roc = train::roc_curve(scores, target);
  return out;
}

}  // namespace

task::Result task::classify(const Options& options) {
  manual_seed(options.seed);
  Network small(nn::Sequential(nn::Linear(2, 16), nn::ReLU(), nn::Linear(16, 1)));
  const Outcome two = learn(small, clouds(), 20, options.seed);
  Network large(nn::Sequential(nn::Linear(20, 64), nn::ReLU(), nn::Dropout(0.3), nn::Linear(64, 32),
                               nn::ReLU(), nn::Dropout(0.3), nn::Linear(32, 1)));
  const Outcome twenty = learn(large, hypercube(), 40, options.seed);

  Result result;
  result.values = {{"2_features_accuracy", two.accuracy},
                   {"2_features_auc", two.auc},
                   {"20_features_accuracy", twenty.accuracy},
                   {"20_features_auc", twenty.auc}};
  result.score = twenty.auc;
  result.target = 0.95;
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (!options.out_dir.empty())
    result.pictures = {
        train::plot_history(twenty.history, options.out_dir, {"loss", "val_loss"}),
        train::plot({{"2 features", two.roc.fpr.to_vector(), two.roc.tpr.to_vector()},
                     {"20 features", twenty.roc.fpr.to_vector(), twenty.roc.tpr.to_vector()},
                     {"chance", {0, 1}, {0, 1}}},
                    options.out_dir, "roc",
                    {.x_label = "false positive rate", .y_label = "true positive rate"})};
  return result;
}
