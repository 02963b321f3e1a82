#include "catena/train/plot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "catena/graph/error.hpp"

namespace catena::train {

namespace {

// Runs gnuplot on a script in its folder; false when it is not installed or fails.
bool run_gnuplot(const std::string& folder, const std::string& script) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::string program = "gnuplot", argument = script;
  char* arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::string plot_history(const History& history, const std::string& folder,
                         const std::vector<std::string>& names) {
  const std::filesystem::path base = folder.empty() ? "." : folder;
  history.write_csv((base / "history.csv").string());

  // A logarithmic axis shows a loss that falls by powers of ten; it needs positive values.
  bool positive = true;
  for (const std::string& name : names)
    positive &= std::ranges::all_of(history.at(name), [](double v) { return v > 0; });
  const std::vector<std::string> columns = history.names();
  std::string plots;
  for (const std::string& name : names) {
    const auto column = std::ranges::find(columns, name) - columns.begin() + 2;
    plots += fmt::format("{}'history.csv' using 1:{} with lines linewidth 2 title '{}'",
                         plots.empty() ? "" : ", \\\n     ", column, name);
  }
  const std::string script = fmt::format(
      "set datafile separator ','\n"
      "set terminal svg size 800,500 font 'sans,14' background rgb 'white'\n"
      "set output 'history.svg'\n"
      "set key autotitle columnhead noenhanced\n"
      "set xlabel 'epoch'\n"
      "set grid\n"
      "{}plot {}\n",
      positive ? "set logscale y\n" : "", plots);
  const std::filesystem::path path = base / "history.gp";
  std::ofstream out(path);
  out << script;
  out.close();
  if (!out)
    throw SystemError(
        fmt::format("[plot_history] cannot write '{}': {}", path.string(), std::strerror(errno)));
  return run_gnuplot(base.string(), "history.gp") ? (base / "history.svg").string() : "";
}

}  // namespace catena::train
