// catena op: calls one op on arrays, and its gradient.
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <catena/graph/autograd.hpp>
#include <catena/graph/dispatch.hpp>
#include <catena/graph/gradcheck.hpp>
#include <catena/graph/plugin.hpp>
#include <catena/graph/random.hpp>
#include <catena/graph/registry.hpp>

#include "arrays.hpp"
#include "attributes.hpp"
#include "command.hpp"

namespace catena::tool {
namespace {

struct Options {
  std::string name, output_dir, format = "npy", device = "cpu";
  std::vector<std::string> attrs, inputs, cotangents, plugins;
  bool gradcheck = false;
  Limits limits;
};

// The inputs in order, without the optional ones that were left out at the end.
std::vector<Tensor> operands(const OpInfo& op, const Options& options) {
  const std::vector<std::string> names(op.inputs.names, op.inputs.names + op.inputs.count);
  std::vector<Tensor> inputs = read_arrays(options.inputs, names, options.limits);
  while (!inputs.empty() && !inputs.back().defined() &&
         inputs.size() > static_cast<std::size_t>(op.min_inputs()))
    inputs.pop_back();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].defined())
      throw UsageError(fmt::format("the input '{}' is missing; {} takes: {}", names[i], op.name,
                                   fmt::join(names, ", ")));
  const Device device = device_from_name(options.device);
  for (Tensor& input : inputs) input = input.to(device);
  return inputs;
}

void show(const std::string& what, const Tensor& tensor, const Options& options,
          const std::string& stem, std::size_t number) {
  if (options.output_dir.empty())
    fmt::print("{}: {}\n{}\n", what, describe(tensor), tensor.to_string());
  else
    fmt::print("{}: {} -> {}\n", what, describe(tensor),
               write_array(tensor, options.output_dir, stem, number, options.format));
}

void show_gradients(const OpInfo& op, const std::vector<Tensor>& inputs,
                    const std::vector<Tensor>& outputs, const Options& options) {
  std::vector<Tensor> differentiable;
  for (std::size_t k = 0; k < outputs.size(); ++k)
    if (!(op.no_grad_outputs >> k & 1u)) differentiable.push_back(outputs[k]);
  if (options.cotangents.size() != differentiable.size())
    throw UsageError(fmt::format("--cotangent takes one array per differentiable output of {}: {}",
                                 op.name, differentiable.size()));
  std::vector<Tensor> cotangents, wanted;
  for (const std::string& path : options.cotangents)
    cotangents.push_back(read_array(path, options.limits).to(device_from_name(options.device)));
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    wanted.push_back(inputs[i]);
    numbers.push_back(i);
  }
  GradOptions grad_options;
  grad_options.allow_unused = true;
  const std::vector<Tensor> gradients = grad(differentiable, wanted, grad_options, cotangents);
  for (std::size_t i = 0; i < gradients.size(); ++i)
    show(fmt::format("grad_{}", numbers[i]),
         gradients[i].defined() ? gradients[i] : zeros_like(wanted[i]), options, "grad",
         numbers[i]);
}

void check_gradients(const OpValue& op, const std::vector<Tensor>& inputs) {
  if (!op.info().differentiable)
    throw ArgumentError(fmt::format("[{}] has no gradient to check", op.info().name));
  std::vector<Tensor> doubles;
  for (const Tensor& input : inputs)
    doubles.push_back(is_floating(input.dtype()) ? input.detach().to(kFloat64) : input);
  for (Tensor& input : doubles)
    if (is_floating(input.dtype())) input.set_requires_grad();
  const PhiloxState random = random_state();
  const auto fn = [&](std::span<const Tensor> in) {
    set_random_state(random);  // the same mask at every call
    std::vector<Tensor> all = call(op, in), outputs;
    for (std::size_t k = 0; k < all.size(); ++k)
      if (!(op.info().no_grad_outputs >> k & 1u)) outputs.push_back(all[k]);
    return outputs;
  };
  const GradcheckResult result = gradcheck(fn, doubles);
  if (!result) throw ArgumentError(result.report);
  fmt::print("gradcheck: ok\n");
}

void call_op(const Options& options) {
  init();
  for (const std::string& plugin : options.plugins) load_plugin(plugin);
  const OpInfo& info = get_op(options.name);
  OpValue op(info);
  for (const std::string& attr : options.attrs) set_attribute(&op, attr);
  std::vector<Tensor> inputs = operands(info, options);
  const bool want_gradients = !options.cotangents.empty();
  if (want_gradients && !info.differentiable)
    throw ArgumentError(fmt::format("[{}] has no gradient; leave --cotangent out", info.name));
  if (want_gradients)
    for (Tensor& input : inputs)
      if (is_floating(input.dtype())) input.set_requires_grad();

  const std::vector<Tensor> outputs = call(op, inputs);
  for (std::size_t k = 0; k < outputs.size(); ++k)
    show(fmt::format("output_{}", k), outputs[k].detach(), options, "output", k);
  if (want_gradients) show_gradients(info, inputs, outputs, options);
  if (options.gradcheck) check_gradients(op, inputs);
}

}  // namespace

void add_op(CLI::App& app, Action* action) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("op", "Call one op on arrays, and its gradient");
  sub->add_option("NAME", options->name, "An op; `catena ops` lists them")->required();
  sub->add_option("--attr", options->attrs, "Attributes as name=value; lists as 1,2");
  sub->add_option("--inputs", options->inputs, "Arrays (.npy or .pb), in order or as name=file");
  sub->add_option("--cotangent", options->cotangents,
                  "One array per output: also compute grad_0, grad_1, ... of the inputs");
  sub->add_option("--output-dir", options->output_dir,
                  "Write output_0, ... there; without it they are printed");
  sub->add_option("--format", options->format, "Format of the files: npy or pb")
      ->check(CLI::IsMember({"npy", "pb"}))
      ->capture_default_str();
  sub->add_option("--device", options->device, "cpu or cuda")->capture_default_str();
  sub->add_option("--plugin", options->plugins, "A shared library with ops of your own");
  sub->add_flag("--gradcheck", options->gradcheck,
                "Compare the gradient with central differences, in float64");
  add_array_limits(*sub, &options->limits);
  sub->callback([options, action] { *action = [options] { call_op(*options); }; });
}

}  // namespace catena::tool
