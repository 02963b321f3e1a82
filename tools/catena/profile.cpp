#include "profile.hpp"

#include <fstream>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/graph/profiler.hpp>

namespace catena::tool {

std::shared_ptr<std::string> add_profile(CLI::App& sub) {
  auto path = std::make_shared<std::string>();
  sub.add_option("--profile", *path,
                 "Print what took the time, and write a trace for chrome://tracing and Perfetto to "
                 "this file");
  return path;
}

void with_profile(const std::string& path, const std::function<void()>& work) {
  if (path.empty()) return work();
  // Better now than after the work.
  if (!std::ofstream(path, std::ios::app))
    throw SystemError(fmt::format("{}: the trace cannot be written there", path));
  Profiler profiler;
  const auto report = [&] {
    profiler.stop();
    fmt::print("\n{}\n{}", profiler.table(), profiler.table({.by = ProfileBy::kLine}));
    profiler.write_chrome_trace(path);
    fmt::print("trace: {}\n", path);
  };
  try {
    work();
  } catch (const Interrupted&) {
    report();
    throw;
  }
  report();
}

}  // namespace catena::tool
