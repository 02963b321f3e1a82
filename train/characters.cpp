#include "catena/train/characters.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "catena/graph/error.hpp"

namespace catena::train {

namespace {

// The bytes that a first byte of UTF-8 announces; 1 for one that is none.
std::size_t announced(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte >= 0xf0 && byte < 0xf8) return 4;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  if (byte >= 0xc0 && byte < 0xe0) return 2;
  return 1;
}

// The length of the character at the start of a text that is not empty.
std::size_t length_of_first(std::string_view text) {
  const std::size_t length = announced(text[0]);
  if (length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  return length;
}

template <class Function>
void for_each_character(std::string_view text, const Function& fn) {
  while (!text.empty()) {
    const std::size_t length = length_of_first(text);
    fn(text.substr(0, length));
    text.remove_prefix(length);
  }
}

}  // namespace

std::string read_text(const std::string& path, std::source_location loc) {
  const auto fail = [&](std::string_view what) {
    throw SystemError(fmt::format("[read_text] {}: {}{}", path, what, called_at(loc)));
  };
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
    fail("is not a regular file; expected a text");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  return text;
}

Characters::Characters(std::string_view text) {
  for_each_character(text, [&](std::string_view c) {
    if (!number_of_.contains(c)) number_of_.emplace(c, 0);
  });
  for (auto& [character, number] : number_of_) {
    number = size();
    characters_.push_back(character);
  }
}

Tensor Characters::encode(std::string_view text, Location loc) const {
  std::vector<std::int64_t> numbers;
  for_each_character(text, [&](std::string_view c) {
    const auto at = number_of_.find(c);
    if (at == number_of_.end())
      throw_argument("encode",
                     fmt::format("character {} is '{}'; expected one of the {} known",
                                 numbers.size(), c, size()),
                     loc);
    numbers.push_back(at->second);
  });
  return tensor(numbers, {static_cast<std::int64_t>(numbers.size())}, kInt64, loc);
}

std::string Characters::decode(const Tensor& numbers, Location loc) const {
  if (!numbers.defined() || is_floating(numbers.dtype()))
    throw_argument("decode",
                   fmt::format("the numbers are {}; expected integers",
                               numbers.defined() ? name_of(numbers.dtype()) : "undefined"),
                   loc);
  std::string text;
  for (const std::int64_t number : numbers.to_vector<std::int64_t>(loc)) {
    if (number < 0 || number >= size())
      throw_argument("decode", fmt::format("number {}; expected 0 to {}", number, size() - 1), loc);
    text += characters_[static_cast<std::size_t>(number)];
  }
  return text;
}

}  // namespace catena::train
