// catena run: computes the outputs of a model.
#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <catena/graph/autograd.hpp>
#include <catena/graph/device.hpp>
#include <catena/nn/graph_module.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>

#include "arrays.hpp"
#include "command.hpp"
#include "models.hpp"
#include "profile.hpp"

namespace catena::tool {
namespace {

struct Options {
  std::string model, output_dir, format, device = "cpu";
  std::vector<std::string> inputs;
  Limits limits;
};

// Of a GraphModule or an OnnxModel, with the names of its inputs and outputs.
template <class Model>
void compute(const Options& options, Model& model, const std::vector<std::string>& names,
             const std::vector<std::string>& output_names) {
  const Device device = device_from_name(options.device);
  std::vector<Tensor> inputs = read_arrays(options.inputs, names, options.limits);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].defined())
      throw UsageError(fmt::format("the input '{}' is missing; {} takes: {}", names[i],
                                   options.model, fmt::join(names, ", ")));

  NoGrad no_grad;
  for (Tensor& input : inputs) input = input.to(device);
  std::string format = options.format;
  if (format.empty())
    format = !options.inputs.empty() && options.inputs[0].ends_with(".pb") ? "pb" : "npy";
  model.to(device);
  model.eval();
  const std::vector<Tensor> outputs = model.forward(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string path = write_array(outputs[i], options.output_dir, "output", i, format);
    fmt::print("{}: {} -> {}\n", output_names[i], describe(outputs[i]), path);
  }
}

void run_model(const Options& options) {
  if (is_onnx(options.model)) {
    OnnxModel model = load_onnx(options.model, options.limits.of_onnx());
    std::vector<std::string> inputs, outputs;
    for (const OnnxValue& v : model.inputs()) inputs.push_back(v.name);
    for (const OnnxValue& v : model.outputs()) outputs.push_back(v.name);
    return compute(options, model, inputs, outputs);
  }
  nn::GraphModule model(load_model(options.model, options.limits));
  std::vector<std::string> inputs, outputs;
  for (const Graph::Named& input : model.graph().inputs()) inputs.push_back(input.name);
  for (const Graph::Named& output : model.graph().outputs()) outputs.push_back(output.name);
  compute(options, model, inputs, outputs);
}

}  // namespace

void add_run(CLI::App& app, Action* action) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("run", "Compute the outputs of a model");
  sub->add_option("MODEL", options->model, "A .catena file with a graph, or an .onnx one")
      ->required();
  sub->add_option("--inputs", options->inputs,
                  "Arrays (.npy or .pb), in the model's order or as name=file");
  sub->add_option("--output-dir", options->output_dir,
                  "Folder for output_0, output_1, ...; made when missing")
      ->required();
  sub->add_option("--format", options->format,
                  "Format of the outputs: npy or pb; that of the inputs")
      ->check(CLI::IsMember({"npy", "pb"}));
  sub->add_option("--device", options->device, "cpu or cuda")->capture_default_str();
  add_model_limits(*sub, &options->limits);
  sub->callback([options, profile = add_profile(*sub), action] {
    *action = [=] { with_profile(*profile, [&] { run_model(*options); }); };
  });
}

}  // namespace catena::tool
