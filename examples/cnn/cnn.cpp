// Convolutional networks. LeNet-like on the 8 x 8 scans of digits; with a folder of CIFAR-10's
// binary files ResNet-18 learns them instead, cropped and mirrored at random. What the first layer
// looks for, and what it finds in one picture, are drawn.
#include "cnn.hpp"

#include <iostream>

#include <catena/graph/philox.hpp>

#include "../digits/digits.hpp"
#include "resnet.hpp"

namespace {

using namespace catena;

// Two convolutions with pooling, then two dense layers (LeCun et al., 1998), with ReLU and dropout.
struct LeNet : nn::Module {
  nn::Conv2d conv1{1, 32, 3, {.padding = 1}}, conv2{32, 64, 3, {.padding = 1}};
  nn::Linear fc1{256, 128}, fc2{128, 10};
  nn::Dropout drop{0.5};
  LeNet() {
    add("conv1", conv1);
    add("conv2", conv2);
    add("fc1", fc1);
    add("drop", drop);
    add("fc2", fc2);
  }
  Tensor forward(Tensor x) override {
    x = max_pool2d(relu(conv1(x)), 2);
    x = max_pool2d(relu(conv2(x)), 2);
    return fc2(drop(relu(fc1(x.flatten(1)))));
  }
};

train::Verbose verbose(const task::Options& options) {
  return options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent;
}

task::Result finish(const cnn::Options& options, nn::Module& model, nn::Conv2d first,
                    const Tensor& picture, double accuracy, double target) {
  task::Result result;
  result.score = accuracy;
  result.target = target;
  result.values = {{"test_accuracy", accuracy},
                   {"parameters", static_cast<double>(model.num_parameters())}};
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (options.out_dir.empty()) return result;
  NoGrad off;
  const std::string filters = options.out_dir + "/filters.png";
  const std::string maps = options.out_dir + "/feature_maps.png";
  train::write_png(train::image_grid(first.weight(), {.columns = 8, .scale = 16, .stretch = true}),
                   filters);
  const Tensor found = relu(first(picture.unsqueeze(0)))[0];
  train::write_png(train::image_grid(found, {.columns = 8, .scale = 6, .stretch = true}), maps);
  result.pictures = {filters, maps};
  return result;
}

task::Result digits_with_lenet(const cnn::Options& options) {
  const auto part = [&](const char* name) {
    const digits::Digits scans = digits::load(options.data_dir + "/digits/digits.csv", name);
    return train::Dataset{scans.pixels.reshape({-1, 1, 8, 8}), scans.labels};
  };
  const train::Dataset training = part("train"), test = part("test");
  LeNet model;
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 40;
  const train::History history = train::fit(
      model, training,
      {.epochs = epochs,
       .batch_size = 32,
       .optimizer = "adamw(lr=0.002, weight_decay=0.01)",
       .metrics = {"accuracy"},
       .seed = options.seed,
       .verbose = verbose(options),
       .callbacks = {train::StepSchedule("cosine(t_max=" + std::to_string(epochs) + ")")}});
  if (history.interrupted) return {.interrupted = true};
  const double accuracy = train::evaluate(model, test, {.metrics = {"accuracy"}})["accuracy"];
  return finish(options, model, model.conv1, test.x[0], accuracy, 0.985);
}

// Of CIFAR-10's training pictures.
Tensor normalized(const Tensor& pixels) {
  const Tensor mean = tensor({0.4914, 0.4822, 0.4465}).reshape({3, 1, 1});
  const Tensor stddev = tensor({0.2470, 0.2435, 0.2616}).reshape({3, 1, 1});
  return (pixels.to(kFloat32) / 255 - mean) / stddev;
}

// Shifted by up to 4 pixels, and mirrored every second time.
train::Sample augmented(train::Sample sample, PhiloxState random) {
  const auto draw = [&](std::uint32_t below) {
    return static_cast<std::int64_t>(philox_number(random.seed, random.offset++) % below);
  };
  const std::int64_t top = draw(9), left = draw(9);
  Tensor x = pad(normalized(sample.x), {{4, 4}, {4, 4}});
  x = x.slice({Ellipsis, Slice(top, top + 32), Slice(left, left + 32)});
  return {draw(2) == 1 ? flip(x, {2}) : x.contiguous(), sample.y};
}

task::Result cifar_with_resnet(const cnn::Options& options) {
  const auto training = train::items(train::read_cifar10(options.cifar));
  const auto test = train::items(train::read_cifar10(options.cifar, false));
  const auto plain = [](train::Sample sample, PhiloxState) {
    return train::Sample{normalized(sample.x), sample.y};
  };
  train::DataLoader batches(train::transformed(training, augmented),
                            {.batch_size = 128, .shuffle = true, .seed = options.seed});
  train::DataLoader held_out(train::transformed(test, plain), {.batch_size = 128});
  cnn::ResNet18 model;
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 30;
  optim::SGD sgd(model.parameters(), {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  optim::OneCycleLR schedule(
      sgd,
      {.max_lr = 0.05, .total_steps = epochs * batches.num_batches(), .cycle_momentum = false});
  const train::History history =
      train::fit(model, batches,
                 {.epochs = epochs,
                  .optimizer = sgd,
                  .metrics = {"accuracy"},
                  .validation_data = held_out,
                  .verbose = verbose(options),
                  .callbacks = {train::StepSchedule(schedule, {.per = "batch"})}});
  if (history.interrupted) return {.interrupted = true};
  const double accuracy = train::evaluate(model, held_out, {.metrics = {"accuracy"}})["accuracy"];
  nn::Conv2d& stem = dynamic_cast<nn::Conv2d&>(model.blocks[0]);
  return finish(options, model, stem, plain(test->get(0, {}), {}).x, accuracy, 0.93);
}

}  // namespace

task::Result cnn::run(const Options& options) {
  manual_seed(options.seed);
  return options.cifar.empty() ? digits_with_lenet(options) : cifar_with_resnet(options);
}

task::Result task::cnn(const Options& options) { return ::cnn::run({options, ""}); }
