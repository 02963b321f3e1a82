// Convolutional networks: LeNet-like on the scans of digits, ResNet-18 on CIFAR-10.
#pragma once

#include <string>

#include "../task.hpp"

namespace cnn {

struct Options : task::Options {
  std::string cifar;  // folder with CIFAR-10's binary files: ResNet-18 learns them; empty: digits
};

// The score is the test accuracy. Errors: files that are missing or no CIFAR-10.
task::Result run(const Options& options);

}  // namespace cnn
