// Trains the digits as a program of its own: digits [DATA.csv [EPOCHS]]
#include <iostream>
#include <string>

#include "digits.hpp"

int main(int argc, char** argv) {
  try {
    digits::Options options;
    if (argc > 1) options.data_path = argv[1];
    if (argc > 2) options.epochs = std::stoi(argv[2]);
    const digits::Result result = digits::run(options);
    std::cout << "test accuracy: " << 100 * result.test_accuracy << " %\n";
    return result.test_accuracy > 0.5 ? 0 : 1;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
