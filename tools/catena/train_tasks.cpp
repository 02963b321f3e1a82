// catena train NAME: the small worked tasks of examples/.
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <catena/catena.hpp>
#include <nlohmann/json.hpp>

#include "cnn/cnn.hpp"
#include "command.hpp"
#include "multilayer/multilayer.hpp"
#include "profile.hpp"
#include "program.hpp"
#include "task.hpp"

namespace catena::tool {
namespace {

void write_json(const std::string& path, const std::string& name, const task::Options& options,
                const task::Result& result) {
  nlohmann::ordered_json json;
  json["task"] = name;
  json["seed"] = options.seed;
  json["score"] = result.score;
  json["target"] = result.target;
  json["at_most"] = result.at_most;
  json["reached"] = result.reached();
  for (const auto& [key, value] : result.values) json["values"][key] = value;
  json["pictures"] = result.pictures;
  std::ofstream out(path, std::ios::trunc);
  out << json.dump(1) << '\n';
  out.close();
  if (!out) throw SystemError(fmt::format("{}: cannot be written", path));
}

template <class Run>
void train_task(const std::string& name, const task::Options& options, const std::string& json,
                const Run& run) {
  const task::Result result = run();
  if (result.interrupted) throw Interrupted();
  for (const std::string& picture : result.pictures)
    if (!picture.empty()) fmt::print("picture: {}\n", picture);
  if (!json.empty()) write_json(json, name, options, result);
  fmt::print("{}, seed {}: score {:.6g}, target {} {:.6g}: {}\n", name, options.seed, result.score,
             result.at_most ? "at most" : "at least", result.target,
             result.reached() ? "reached" : "missed");
}

void add_options(CLI::App& app, const task::Task& t, task::Options& options, std::string& json) {
  options.data_dir = data_folder();
  app.add_option("--seed", options.seed, "Of the data, weights and masks")->capture_default_str();
  app.add_option("--out", options.out_dir, "Folder for the pictures");
  app.add_option("--json", json, "Write the results to this file");
  if (t.trains_long || t.run == task::multilayer)
    app.add_option("--epochs", options.epochs, "Passes over the data; 0: the task's own number")
        ->check(CLI::NonNegativeNumber);
}

// A task with options of its own: `add` adds them, `run` takes them.
template <class Options, class Add>
void add_task(CLI::App& sub, const task::Task& t, Action* action, const Add& add,
              task::Result (*run)(const Options&)) {
  auto json = std::make_shared<std::string>();
  auto options = std::make_shared<Options>();
  add_options(sub, t, *options, *json);
  add(*options);
  const auto profile = add_profile(sub);
  sub.callback([=] {
    *action = [=] {
      with_profile(*profile,
                   [&] { train_task(t.name, *options, *json, [&] { return run(*options); }); });
    };
  });
}

}  // namespace

void add_train_tasks(CLI::App& train, Action* action) {
  for (const task::Task& t : task::kTasks) {
    CLI::App* sub = train.add_subcommand(t.name, t.summary);
    if (t.run == task::multilayer)
      add_task(
          *sub, t, action,
          [&](multilayer::Options& options) {
            sub->add_option("--loss", options.loss, "categorical_cross_entropy, log_loss or mse")
                ->check(CLI::IsMember({"categorical_cross_entropy", "log_loss", "mse"}))
                ->capture_default_str();
            sub->add_option("--layers", options.hidden, "Sizes of the hidden layers, e.g. 64,32")
                ->delimiter(',')
                ->check(CLI::PositiveNumber)
                ->capture_default_str();
          },
          multilayer::run);
    else if (t.run == task::cnn)
      add_task(
          *sub, t, action,
          [&](cnn::Options& options) {
            sub->add_option("--cifar", options.cifar,
                            "Folder with CIFAR-10's binary files: ResNet-18 learns them");
          },
          cnn::run);
    else
      add_task(
          *sub, t, action, [](task::Options&) {}, t.run);
  }
}

}  // namespace catena::tool
