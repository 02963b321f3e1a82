// Texts as numbers of characters: any bytes are a text, and come back as they were.
#include "catena/train/characters.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catena;
  const std::string text = train::read_text(fuzz::file_of(data, size));
  const train::Characters characters(text);
  if (characters.decode(characters.encode(text)) != text) std::abort();
  return 0;
}
