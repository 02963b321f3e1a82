// Texts as class numbers, for language models on characters.
//
//   const std::string text = read_text("alice.txt");
//   const Characters characters(text);
//   Dataset data = next_steps(characters.encode(text), 64);
#pragma once

#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::train {

// The content of a file. Throws SystemError when it cannot be read.
std::string read_text(const std::string& path,
                      std::source_location loc = std::source_location::current());

// The characters of a text, numbered from 0 in the order of their bytes. A character of UTF-8 is
// one; what is no UTF-8 counts byte by byte.
class Characters {
 public:
  using Location = std::source_location;

  explicit Characters(std::string_view text);
  std::int64_t size() const { return static_cast<std::int64_t>(characters_.size()); }

  // The numbers of a text, [length] of int64. Error: a character that is not among them.
  Tensor encode(std::string_view text, Location loc = Location::current()) const;
  // The text of numbers, of any shape and integer dtype. Error: a number that is none.
  std::string decode(const Tensor& numbers, Location loc = Location::current()) const;

 private:
  std::vector<std::string> characters_;
  std::map<std::string, std::int64_t, std::less<>> number_of_;
};

}  // namespace catena::train
