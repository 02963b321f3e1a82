// A generative adversarial network draws digits (Goodfellow et al., 2014): a generator makes scans
// of noise, a discriminator tells them from real ones, and each learns from the other. Whether it
// has collapsed to a few digits is judged by a classifier that has learned the real ones: it should
// be sure of each drawn scan, and find all ten digits equally often. Both make the inception score
// (Salimans et al., 2016), from 1 to 10: exp of the mean divergence of a scan's class probabilities
// from those of all scans together. Drawn is a grid over time, the same noise in each row.
#include <cmath>
#include <iostream>

#include <catena/catena.hpp>

#include "../digits/digits.hpp"
#include "../task.hpp"

namespace {

using namespace catena;

constexpr std::int64_t kNoise = 32, kBatch = 64, kJudged = 2000;

// How sure the classifier is, and how often each digit comes.
struct Judgement {
  double inception_score, confidence, rarest;
};
Judgement judge(nn::Module& classifier, const Tensor& scans) {
  const Tensor p = softmax(train::predict(classifier, scans), 1);
  const Tensor all = p.mean({0}, true);
  const Tensor divergence = sum(p * (log(p + 1e-12) - log(all + 1e-12)), {1});
  const Tensor often = one_hot(p.argmax(1), 10, kFloat32).mean({0});
  return {std::exp(divergence.mean().item()), p.max({1}).mean().item(), min(often).item()};
}

}  // namespace

task::Result task::gan(const Options& options) {
  manual_seed(options.seed);
  const std::string path = options.data_dir + "/digits/digits.csv";
  const digits::Digits real = digits::load(path, "train");
  const std::shared_ptr<nn::Module> classifier = digits::make_model("best");
  train::fit(*classifier, {real.pixels, real.labels},
             {.epochs = 20, .seed = options.seed, .verbose = train::Verbose::kSilent});

  nn::Sequential generator(nn::Linear(kNoise, 128), nn::BatchNorm1d(128), nn::ReLU(),
                           nn::Linear(128, 256), nn::BatchNorm1d(256), nn::ReLU(),
                           nn::Linear(256, 64), nn::Sigmoid());
  nn::Sequential discriminator(nn::Linear(64, 256), nn::LeakyReLU(0.2), nn::Dropout(0.3),
                               nn::Linear(256, 128), nn::LeakyReLU(0.2), nn::Dropout(0.3),
                               nn::Linear(128, 1));
  optim::Adam draws(generator.parameters(), {.lr = 1e-3, .betas = {0.5, 0.999}});
  optim::Adam judges(discriminator.parameters(), {.lr = 1e-3, .betas = {0.5, 0.999}});
  train::DataLoader loader(
      {real.pixels, real.labels},
      {.batch_size = kBatch, .shuffle = true, .drop_last = true, .seed = options.seed});
  const Tensor ones = full({kBatch, 1}, 1), none = zeros({kBatch, 1});
  const Tensor same_noise = randn({10, kNoise});
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 200;
  std::vector<Tensor> over_time;
  train::Series scores{"generated", {}, {}};
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (auto [scans, labels] : loader) {
      const Tensor drawn = generator(randn({kBatch, kNoise}));
      judges.zero_grad();
      // Real ones count 0.9, so that the discriminator does not grow too sure (Salimans et al.).
      (bce_with_logits(discriminator(scans), ones * 0.9) +
       bce_with_logits(discriminator(drawn.detach()), none))
          .backward();
      judges.step();
      draws.zero_grad();
      bce_with_logits(discriminator(drawn), ones).backward();
      draws.step();
    }
    if ((epoch + 1) % std::max<std::int64_t>(epochs / 10, 1) != 0) continue;
    over_time.push_back(train::predict(generator, same_noise));
    scores.x.push_back(static_cast<double>(epoch + 1));
    scores.y.push_back(
        judge(*classifier, train::predict(generator, randn({kJudged, kNoise}))).inception_score);
    if (options.verbose)
      std::cout << "epoch " << epoch + 1 << ": inception score " << scores.y.back() << '\n';
  }

  const Judgement drawn = judge(*classifier, train::predict(generator, randn({kJudged, kNoise})));
  const Judgement test = judge(*classifier, digits::load(path, "test").pixels);
  Result result;
  result.score = drawn.inception_score;
  result.target = 6.5;
  result.values = {{"inception_score", drawn.inception_score},
                   {"confidence", drawn.confidence},
                   {"share_of_the_rarest_digit", drawn.rarest},
                   {"inception_score_of_real_digits", test.inception_score},
                   {"confidence_for_real_digits", test.confidence}};
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (!options.out_dir.empty()) {
    const std::string grid = options.out_dir + "/digits_over_time.png";
    train::write_png(1 - train::image_grid(concat(over_time).reshape({-1, 8, 8}),
                                           {.columns = 10, .scale = 4, .background = 0}),
                     grid);
    result.pictures = {grid, train::plot({scores}, options.out_dir, "inception_score",
                                         {.x_label = "epoch", .y_label = "inception score"})};
  }
  return result;
}
