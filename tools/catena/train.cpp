// catena train: the worked tasks of examples/.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <catena/catena.hpp>
#include <catena/graph/trace.hpp>
#include <catena/serialization/npy.hpp>
#include <catena/serialization/save_load.hpp>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "digits/digits.hpp"
#include "profile.hpp"
#include "program.hpp"

namespace catena::tool {
namespace {

struct Options {
  digits::Options task;
  std::string json, device = "cpu";
  std::string save, resume;  // files with the state of the training
};

void write_json(const digits::Result& result, const Options& options) {
  nlohmann::ordered_json json;
  json["task"] = "digits";
  json["model"] = result.model;
  json["device"] = options.device;
  json["seed"] = result.seed;
  json["test_accuracy"] = result.test_accuracy;
  json["test_loss"] = result.test_loss;
  json["train_accuracy"] = result.train_accuracy;
  json["epochs"] = result.epochs;
  json["parameters"] = result.parameters;
  json["seconds"] = result.seconds;
  json["losses"] = result.losses;
  json["predictions"] = result.predictions;
  std::ofstream out(options.json, std::ios::trunc);
  out << json.dump(1) << '\n';
  out.close();
  if (!out) throw SystemError(fmt::format("{}: cannot be written", options.json));
}

// The trained model as a graph of any batch size, the test digits it was judged by, and its output
// for them, so that another process can load the model and compare.
void save_results(nn::Module& model, const digits::Result& result, const Options& options) {
  const std::filesystem::path folder = options.task.out_dir;
  TraceOptions trace_options;
  trace_options.input_names = {"pixels"};
  trace_options.output_names = {"logits"};
  trace_options.dynamic_axes = {{0, 0, "batch"}};
  trace_options.parameters = model.named_parameters();
  const digits::Digits test = digits::load(options.task.data_path, "test");
  const Tensor pixels = test.pixels.to(options.task.device);

  model.train();  // so that dropout is part of the graph; running it decides
  const Graph graph =
      trace([&](const Tensor& x) { return model(x); }, pixels.slice({Slice(0, 2)}), trace_options);
  SaveOptions save_options;
  save_options.metadata = {{"task", "digits"},
                           {"model", result.model},
                           {"test_accuracy", fmt::format("{}", result.test_accuracy)}};
  save((folder / "model.catena").string(), graph, save_options);

  model.eval();
  NoGrad no_grad;
  save_npy(test.pixels, (folder / "test_pixels.npy").string());
  save_npy(test.labels, (folder / "test_labels.npy").string());
  save_npy(model(pixels), (folder / "test_logits.npy").string());
  fmt::print("saved: {}, test_pixels.npy, test_labels.npy, test_logits.npy\n",
             (folder / "model.catena").string());
}

constexpr std::int64_t kSaveEvery = 10;

// The command that goes on from the file of --save.
std::string resume_command(const Options& options) {
  const digits::Options& task = options.task;
  std::string command =
      fmt::format("catena train digits --model {} --seed {}", task.model, task.seed);
  if (task.epochs > 0) command += fmt::format(" --epochs {}", task.epochs);
  if (options.device != "cpu") command += " --device " + options.device;
  return command + fmt::format(" --resume {0} --save {0}", options.save);
}

void train_digits(Options options) {
  options.task.device = device_from_name(options.device);
  if (options.task.data_path.empty()) options.task.data_path = data_folder() + "/digits/digits.csv";
  if (!options.task.out_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.task.out_dir, error);
    if (error)
      throw SystemError(
          fmt::format("{}: the folder cannot be made: {}", options.task.out_dir, error.message()));
  }
  // Better now than after the training.
  if (!options.json.empty() && !std::ofstream(options.json, std::ios::app))
    throw SystemError(fmt::format("{}: the results cannot be written there", options.json));
  if (const auto folder = std::filesystem::path(options.save).parent_path();
      !folder.empty() && !std::filesystem::is_directory(folder))
    throw SystemError(fmt::format("{}: there is no folder {}", options.save, folder.string()));
  if (!options.save.empty())
    options.task.callbacks = {train::Checkpoint({.path = options.save,
                                                 .save = save_checkpoint,
                                                 .every = kSaveEvery,
                                                 .resume_hint = resume_command(options)})};
  State state;
  if (!options.resume.empty()) {
    state = load_checkpoint(options.resume);
    options.task.resume = &state;
  }
  std::shared_ptr<nn::Module> model;
  const digits::Result result = digits::run(options.task, &model);
  if (result.interrupted) throw Interrupted();
  if (!options.json.empty()) write_json(result, options);
  if (!options.task.out_dir.empty()) save_results(*model, result, options);
  if (!result.loss_curve.empty()) fmt::print("loss curve: {}\n", result.loss_curve);
  fmt::print("model {}, seed {}: test accuracy {:.2f} %, {} epochs in {:.2f} s\n", result.model,
             result.seed, 100 * result.test_accuracy, result.epochs, result.seconds);
}

}  // namespace

void add_train(CLI::App& app, Action* action) {
  auto options = std::make_shared<Options>();
  options->task.data_path.clear();
  CLI::App* sub = app.add_subcommand("train", "Train a worked task");
  sub->require_subcommand(1);
  CLI::App* task =
      sub->add_subcommand("digits", "Classify the 8x8 scans of the UCI handwritten digits");
  task->add_option("--model", options->task.model,
                   "best: ReLU, dropout, Adam; classic: sigmoid, full-batch gradient descent")
      ->check(CLI::IsMember({"best", "classic"}))
      ->capture_default_str();
  task->add_option("--seed", options->task.seed, "Of weights, masks and the order of the data")
      ->capture_default_str();
  task->add_option("--epochs", options->task.epochs,
                   "Passes over the data; 0: the model's own number")
      ->check(CLI::NonNegativeNumber);
  task->add_option("--out", options->task.out_dir,
                   "Folder for the model, its predictions, the history and the loss curve");
  task->add_option("--json", options->json, "Write the results to this file");
  task->add_option("--save", options->save,
                   "Keep the state of the training in this file: every 10 epochs, at the end, and "
                   "when Ctrl-C ends it");
  task->add_option("--resume", options->resume,
                   "Go on from a file of --save, with the same options, to the same bits");
  task->add_option("--device", options->device, "cpu or cuda")->capture_default_str();
  task->add_option("--data", options->task.data_path, "Another file than the shipped digits.csv");
  add_train_tasks(*sub, action);
  task->callback([options, profile = add_profile(*task), action] {
    *action = [=] { with_profile(*profile, [&] { train_digits(*options); }); };
  });
}

}  // namespace catena::tool
