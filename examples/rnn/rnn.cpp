// A recurrent network reads a digit row by row, from top to bottom: the 8 rows of a scan are the
// steps, the 8 pixels of a row the features. Only the last state is classified. Drawn are the
// curves of the training, and which pixels matter: the gradient of the right score.
#include <iostream>

#include <catena/catena.hpp>

#include "../digits/digits.hpp"
#include "../task.hpp"

namespace {

using namespace catena;

struct Reader : nn::Module {
  nn::RNN rnn{8, 96, {.batch_first = true}};
  nn::Dropout drop{0.3};
  nn::Linear out{96, 10};
  Reader() {
    add("rnn", rnn);
    add("drop", drop);
    add("out", out);
  }
  Tensor forward(Tensor x) override { return out(drop(rnn(x).slice({Slice(), -1}))); }
};

train::Dataset part(const task::Options& options, const char* name) {
  const digits::Digits scans = digits::load(options.data_dir + "/digits/digits.csv", name);
  return {scans.pixels.reshape({-1, 8, 8}), scans.labels};
}

// Ten scans, and below how much each pixel changes the score of the right class.
std::string draw_influence(Reader& model, const train::Dataset& data, const std::string& folder) {
  nn::ModeGuard evaluation(model, false);
  const Tensor scans = data.x.slice({Slice(0, 10)}).clone().set_requires_grad();
  const Tensor score = sum(model(scans) * one_hot(data.y.slice({Slice(0, 10)}), 10, kFloat32));
  const Tensor both = concat({scans.detach(), abs(grad(score, scans))});
  const std::string path = folder + "/influence.png";
  train::write_png(train::image_grid(both, {.columns = 10, .scale = 6, .stretch = true}), path);
  return path;
}

}  // namespace

task::Result task::rnn(const Options& options) {
  manual_seed(options.seed);
  const train::Dataset training = part(options, "train"), test = part(options, "test");
  Reader model;
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 60;
  const train::History history = train::fit(
      model, training,
      {.epochs = epochs,
       .optimizer = "adamw(lr=0.003, weight_decay=0.01)",
       .metrics = {"accuracy"},
       .validation_data = test,
       .seed = options.seed,
       .clip_norm = 1,
       .verbose = options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent,
       .callbacks = {train::StepSchedule("cosine(t_max=" + std::to_string(epochs) + ")")}});
  if (history.interrupted) return {.interrupted = true};

  Result result;
  result.score = history["val_accuracy"].back();
  result.target = 0.98;
  result.values = {{"test_accuracy", result.score}, {"test_loss", history["val_loss"].back()}};
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (!options.out_dir.empty())
    result.pictures = {train::plot_history(history, options.out_dir, {"loss", "val_loss"}),
                       draw_influence(model, test, options.out_dir)};
  return result;
}
