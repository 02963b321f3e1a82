// catena train NAME: the small worked tasks of examples/.
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <catena/catena.hpp>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "multilayer/multilayer.hpp"
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
  for (const std::string& picture : result.pictures)
    if (!picture.empty()) fmt::print("picture: {}\n", picture);
  if (!json.empty()) write_json(json, name, options, result);
  fmt::print("{}, seed {}: score {:.6g}, target {} {:.6g}: {}\n", name, options.seed, result.score,
             result.at_most ? "at most" : "at least", result.target,
             result.reached() ? "reached" : "missed");
}

void add_options(CLI::App& app, task::Options& options, std::string& json) {
  app.add_option("--seed", options.seed, "Of the data, weights and masks")->capture_default_str();
  app.add_option("--out", options.out_dir, "Folder for the pictures");
  app.add_option("--json", json, "Write the results to this file");
}

}  // namespace

void add_train_tasks(CLI::App& train, Action* action) {
  for (const task::Task& t : task::kTasks) {
    auto json = std::make_shared<std::string>();
    CLI::App* sub = train.add_subcommand(t.name, t.summary);
    if (t.run == task::multilayer) {
      auto options = std::make_shared<multilayer::Options>();
      add_options(*sub, *options, *json);
      sub->add_option("--loss", options->loss, "categorical_cross_entropy, log_loss or mse")
          ->check(CLI::IsMember({"categorical_cross_entropy", "log_loss", "mse"}))
          ->capture_default_str();
      sub->add_option("--layers", options->hidden, "Sizes of the hidden layers, e.g. 64,32")
          ->delimiter(',')
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
      sub->add_option("--epochs", options->epochs, "Passes over the data")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
      sub->callback([=] {
        *action = [=] {
          train_task(t.name, *options, *json, [&] { return multilayer::run(*options); });
        };
      });
      continue;
    }
    auto options = std::make_shared<task::Options>();
    add_options(*sub, *options, *json);
    sub->callback([=] {
      *action = [=] { train_task(t.name, *options, *json, [&] { return t.run(*options); }); };
    });
  }
}

}  // namespace catena::tool
