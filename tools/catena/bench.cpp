// catena bench: runs the benchmark program that is built or installed beside this one.
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>
#include <catena/graph/error.hpp>

#include "command.hpp"
#include "program.hpp"

namespace catena::tool {
namespace {

// Where the build and the installation put it, seen from this program's folder.
std::string find_benchmarks() {
  const std::filesystem::path here = program_folder();
  std::string tried;
  for (const char* place : {"../benchmarks/catena_bench", "../libexec/catena/catena_bench"}) {
    const std::filesystem::path path = (here / place).lexically_normal();
    if (::access(path.c_str(), X_OK) == 0) return path.string();
    tried += " " + path.string();
  }
  throw UnsupportedError(
      fmt::format("[bench] this installation has no benchmarks; looked for:{}; build with "
                  "-DCATENA_BUILD_BENCHMARKS=ON",
                  tried));
}

}  // namespace

void add_bench(CLI::App& app, Action* action) {
  struct Options {
    std::string filter, json;
  };
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("bench", "Measure: run the benchmarks");
  sub->add_option("--filter", options->filter,
                  "Only benchmarks that this regular expression finds");
  sub->add_option("--json", options->json, "Write the results to this file as well");
  sub->callback([options, action] {
    *action = [options] {
      std::vector<std::string> arguments{find_benchmarks()};
      if (!options->filter.empty())
        arguments.insert(arguments.end(), {"--filter", options->filter});
      if (!options->json.empty()) arguments.insert(arguments.end(), {"--json", options->json});
      const int status = run_program(arguments);
      if (status != 0)
        throw SystemError(fmt::format("[bench] {} ended with status {}", arguments[0], status));
    };
  });
}

}  // namespace catena::tool
