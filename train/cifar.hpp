// The binary files of CIFAR-10 (www.cs.toronto.edu/~kriz/cifar.html; Krizhevsky, 2009).
//
//   Dataset training = read_cifar10("cifar-10-batches-bin");  // 50,000 pictures
//   Dataset test = read_cifar10("cifar-10-batches-bin", false);
#pragma once

#include <source_location>
#include <string>
#include <vector>

#include "catena/train/dataset.hpp"

namespace catena::train {

// One file: x [n, 3, 32, 32] of uint8 (planes of red, green, blue) and y [n] of int64, 0 to 9. A
// picture is 3,073 bytes: the label, then the planes row by row. Throws SystemError, with path and
// offset, when the file cannot be read, is no whole number of pictures, has none, or a label is
// above 9.
Dataset read_cifar10_file(const std::string& path,
                          std::source_location loc = std::source_location::current());

// The folder of the unpacked archive: the files data_batch_1.bin to data_batch_5.bin after each
// other, or test_batch.bin. Errors as of the files.
Dataset read_cifar10(const std::string& folder, bool training = true,
                     std::source_location loc = std::source_location::current());

// "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck".
const std::vector<std::string>& cifar10_classes();

}  // namespace catena::train
