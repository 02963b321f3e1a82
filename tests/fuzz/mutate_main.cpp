// Runs a fuzz target on mutations of seed files where there is no libFuzzer.
//   <target> RUNS SEEDS...        files, folders, or FOLDER:.ext for the files so named below it
// The mutations follow from RUNS and the seeds alone. When the target crashes, the input is left in
// crash-<target> in the current folder; <target> 0 FILE repeats it.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz_target.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes current;
std::string crash_file;

extern "C" void keep_input(int signal) {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, current.data(), current.size()) >= 0) ::close(file);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

Bytes read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes{std::istreambuf_iterator<char>(in), {}};
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Bytes mutate(const std::vector<Bytes>& seeds) {
    Bytes bytes = seeds[below(seeds.size())];
    const std::size_t changes = 1 + below(6);
    for (std::size_t i = 0; i < changes; ++i) change(bytes, seeds);
    return bytes;
  }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

  void change(Bytes& bytes, const std::vector<Bytes>& seeds) {
    static constexpr std::uint64_t kNumbers[] = {0,
                                                 1,
                                                 0x7f,
                                                 0xff,
                                                 0x7fff,
                                                 0xffff,
                                                 0x7fffffff,
                                                 0xffffffff,
                                                 0x7fffffffffffffff,
                                                 0xffffffffffffffff};
    const std::size_t at = below(bytes.size() + 1);
    switch (below(8)) {
      case 0:
        if (at < bytes.size()) bytes[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<std::uint8_t>(random_());
        break;
      case 2: {  // a number that readers meet badly
        const std::uint64_t number = kNumbers[below(std::size(kNumbers))];
        const std::size_t width = std::size_t{1} << below(4);
        if (at + width <= bytes.size()) std::memcpy(bytes.data() + at, &number, width);
        break;
      }
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1 + below(16),
                     static_cast<std::uint8_t>(random_()));
        break;
      case 5:
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() +
                        static_cast<std::ptrdiff_t>(std::min(bytes.size(), at + 1 + below(32))));
        break;
      case 6: {  // a part of it once more
        const std::size_t n = std::min(bytes.size() - at, 1 + below(64));
        const Bytes part(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(at + n));
        const auto to = static_cast<std::ptrdiff_t>(below(bytes.size() + 1));
        bytes.insert(bytes.begin() + to, part.begin(), part.end());
        break;
      }
      default: {  // a part of another seed
        const Bytes& other = seeds[below(seeds.size())];
        const std::size_t from = below(other.size());
        const std::size_t n = std::min({other.size() - from, bytes.size() - at, 1 + below(256)});
        std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from), n,
                    bytes.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s RUNS SEEDS...\n", argv[0]);
    return 2;
  }
  crash_file = "crash-" + std::filesystem::path(argv[0]).filename().string();
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) ::signal(signal, keep_input);
  std::vector<Bytes> seeds;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t colon = argument.rfind(":.");
    const std::filesystem::path place = argument.substr(0, colon);
    if (!std::filesystem::is_directory(place)) {
      seeds.push_back(read(argument));
      continue;
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place))
      if (entry.is_regular_file() &&
          (colon == std::string::npos || entry.path().extension() == argument.substr(colon + 1)))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) seeds.push_back(read(file));
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "%s: no seeds in the folders given\n", argv[0]);
    return 2;
  }
  const auto run = [](Bytes bytes) {
    current = std::move(bytes);
    LLVMFuzzerTestOneInput(current.data(), current.size());
  };
  for (const Bytes& seed : seeds) run(seed);
  const long runs = std::atol(argv[1]);
  Mutator mutator(1);
  for (long i = 0; i < runs; ++i) run(mutator.mutate(seeds));
  std::printf("%zu seeds and %ld mutations of them: loaded or refused\n", seeds.size(), runs);
}
