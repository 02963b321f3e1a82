// An autoencoder presses the 64 pixels of a digit into 2 numbers and draws the digit from them
// again, told nothing of the labels (Hinton and Salakhutdinov, 2006). Measured on the test scans,
// against the two principal components, which are the best that linear maps can do. Drawn are the
// plane of the two numbers with the test scans on it, and what the decoder makes of the plane.
#include <iostream>

#include <catena/catena.hpp>

#include "../digits/digits.hpp"
#include "../task.hpp"

namespace {

using namespace catena;

struct Autoencoder : nn::Module {
  nn::Sequential encoder{nn::Linear(64, 128), nn::GELU(), nn::Linear(128, 64), nn::GELU(),
                         nn::Linear(64, 2)};
  nn::Sequential decoder{nn::Linear(2, 64), nn::GELU(),          nn::Linear(64, 128),
                         nn::GELU(),        nn::Linear(128, 64), nn::Sigmoid()};
  Autoencoder() {
    add("encoder", encoder);
    add("decoder", decoder);
  }
  Tensor forward(Tensor x) override { return decoder(encoder(x)); }
};

// The squared error of two principal components: Adam finds the same as a linear autoencoder.
double linear_error(const Tensor& x, const Tensor& test, std::uint64_t seed) {
  nn::Sequential linear(nn::Linear(64, 2), nn::Linear(2, 64));
  train::fit(linear, {x, x},
             {.epochs = 60,
              .loss = "mse_loss",
              .optimizer = "adam(lr=0.01)",
              .seed = seed,
              .verbose = train::Verbose::kSilent,
              .callbacks = {train::StepSchedule("cosine(t_max=60)")}});
  return train::evaluate(linear, {test, test}, {.loss = "mse_loss"})["loss"];
}

// The test scans on the plane, one series per digit.
std::vector<train::Series> places(Autoencoder& model, const digits::Digits& test) {
  const Tensor codes = train::predict(model.encoder, test.pixels);
  const std::vector<std::int64_t> labels = test.labels.to_vector<std::int64_t>();
  std::vector<train::Series> series;
  for (int digit = 0; digit < 10; ++digit)
    series.push_back({std::to_string(digit), {}, {}, train::Series::Style::kPoints});
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::vector<double> code = codes[static_cast<std::int64_t>(i)].to_vector();
    train::Series& s = series[static_cast<std::size_t>(labels[i])];
    s.x.push_back(code[0]);
    s.y.push_back(code[1]);
  }
  return series;
}

// What the decoder makes of a lattice over the plane, as wide as the scans' codes; the second
// number grows upwards.
Tensor decoded_plane(Autoencoder& model, const Tensor& scans) {
  constexpr std::int64_t kSide = 20;
  const Tensor codes = train::predict(model.encoder, scans);
  const Tensor least = min(codes, {0}), range = codes.max({0}) - least;
  const Tensor at = linspace(0, 1, kSide);
  const Tensor x = at.unsqueeze(0).expand({kSide, kSide}), y = 1 - x.t();
  const Tensor lattice = least + stack({x.flatten(), y.flatten()}, 1) * range;
  return train::predict(model.decoder, lattice).reshape({-1, 8, 8});
}

}  // namespace

task::Result task::autoencoder(const Options& options) {
  manual_seed(options.seed);
  const std::string path = options.data_dir + "/digits/digits.csv";
  const Tensor x = digits::load(path, "train").pixels;
  const digits::Digits test = digits::load(path, "test");
  Autoencoder model;
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 100;
  const train::History history = train::fit(
      model, {x, x},
      {.epochs = epochs,
       .loss = "mse_loss",
       .optimizer = "adam(lr=0.003)",
       .validation_data = {test.pixels, test.pixels},
       .seed = options.seed,
       .verbose = options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent,
       .log_every = 10,
       .callbacks = {train::StepSchedule("cosine(t_max=" + std::to_string(epochs) + ")")}});
  if (history.interrupted) return {.interrupted = true};

  Result result;
  result.score = history["val_loss"].back();
  result.target = 0.03;
  result.at_most = true;
  result.values = {{"test_squared_error", result.score},
                   {"two_principal_components", linear_error(x, test.pixels, options.seed)}};
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (!options.out_dir.empty()) {
    const std::string plane = options.out_dir + "/decoded_plane.png";
    train::write_png(
        1 - train::image_grid(decoded_plane(model, x), {.scale = 4, .gap = 4, .background = 0}),
        plane);
    result.pictures = {train::plot_history(history, options.out_dir, {"loss", "val_loss"}),
                       train::plot(places(model, test), options.out_dir, "latent_plane",
                                   {.x_label = "first number", .y_label = "second number"}),
                       plane};
  }
  return result;
}
