// What the tasks that learn a book share: its parts, the loss, and what counting gives.
#pragma once

#include <cmath>
#include <map>
#include <string>

#include <catena/catena.hpp>

namespace text {

using catena::Tensor;
namespace train = catena::train;

struct Book {
  std::string training_text, test_text;  // the last tenth
  train::Characters characters;
  train::Dataset training, test;  // windows, and the same one character later
};

inline Book load(const std::string& path, std::int64_t window) {
  const std::string all = train::read_text(path);
  const std::size_t cut = all.size() * 9 / 10;
  Book book{all.substr(0, cut), all.substr(cut), train::Characters(all), {}, {}};
  book.training = train::next_steps(book.characters.encode(book.training_text), window);
  book.test = train::next_steps(book.characters.encode(book.test_text), window);
  return book;
}

// Cross-entropy over all positions: output [n, positions, classes], target [n, positions].
inline Tensor loss(const Tensor& output, const Tensor& target) {
  return cross_entropy(output.reshape({-1, output.size(-1)}), target.flatten());
}

// Bits per character of the test text when each is foretold from how often it follows the order - 1
// before it in the training text, every count one more than it is.
inline double bits(const Book& book, std::size_t order) {
  std::map<std::string, double> follows, occurs;
  const std::string& known = book.training_text;
  for (std::size_t i = 0; i + order <= known.size(); ++i) {
    follows[known.substr(i, order)] += 1;
    occurs[known.substr(i, order - 1)] += 1;
  }
  double sum = 0;
  const std::size_t n = book.test_text.size() - order + 1;
  for (std::size_t i = 0; i < n; ++i)
    sum -= std::log2((follows[book.test_text.substr(i, order)] + 1) /
                     (occurs[book.test_text.substr(i, order - 1)] +
                      static_cast<double>(book.characters.size())));
  return sum / static_cast<double>(n);
}

}  // namespace text
