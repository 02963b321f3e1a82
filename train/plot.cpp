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

std::filesystem::path made(const std::string& folder) {
  const std::filesystem::path path = folder.empty() ? "." : folder;
  std::error_code ignored;  // writing into it will say what is wrong
  std::filesystem::create_directories(path, ignored);
  return path;
}

// gnuplot has so many colours; series beyond have hollow squares for their points, not discs.
constexpr std::size_t kColors = 8;

// For a string in single quotes.
std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2)
    text.insert(at, 1, '\'');
  return text;
}

}  // namespace

std::string plot(const std::vector<Series>& series, const std::string& folder,
                 const std::string& name, const PlotOptions& options) {
  std::string data, plots;
  for (std::size_t k = 0; k < series.size(); ++k) {
    const Series& s = series[k];
    if (s.x.size() != s.y.size())
      throw ArgumentError(fmt::format("[plot] series '{}' has {} x and {} y; expected as many",
                                      s.name, s.x.size(), s.y.size()));
    data += fmt::format("$data{} << END\n", k);
    for (std::size_t i = 0; i < s.x.size(); ++i) data += fmt::format("{} {}\n", s.x[i], s.y[i]);
    data += "END\n";
    plots +=
        fmt::format("{}$data{} with {} title '{}'", plots.empty() ? "" : ", \\\n     ", k,
                    s.style == Series::Style::kLine
                        ? "lines linewidth 2"
                        : fmt::format("points pointtype {} pointsize 0.6", k < kColors ? 7 : 4),
                    quoted(s.name));
  }
  const std::string script = fmt::format(
      "{}set terminal svg size 800,500 font 'sans,14' background rgb 'white'\n"
      "set output '{}.svg'\n"
      "set key noenhanced\n"
      "set title '{}' noenhanced\n"
      "set xlabel '{}' noenhanced\n"
      "set ylabel '{}' noenhanced\n"
      "set grid\n"
      "{}plot {}\n",
      data, name, quoted(options.title), quoted(options.x_label), quoted(options.y_label),
      options.log_y ? "set logscale y\n" : "", plots);

  const std::filesystem::path base = made(folder);
  const std::filesystem::path path = base / (name + ".gp");
  std::ofstream out(path);
  out << script;
  out.close();
  if (!out)
    throw SystemError(
        fmt::format("[plot] cannot write '{}': {}", path.string(), std::strerror(errno)));
  return run_gnuplot(base.string(), name + ".gp") ? (base / (name + ".svg")).string() : "";
}

std::string plot_history(const History& history, const std::string& folder,
                         const std::vector<std::string>& names) {
  const std::filesystem::path base = made(folder);
  history.write_csv((base / "history.csv").string());
  std::vector<Series> series;
  // A logarithmic axis shows a loss that falls by powers of ten; it needs positive values.
  bool positive = true;
  for (const std::string& name : names) {
    Series s{name, {}, history.at(name)};
    for (std::size_t i = 0; i < s.y.size(); ++i) s.x.push_back(static_cast<double>(i + 1));
    positive &= std::ranges::all_of(s.y, [](double v) { return v > 0; });
    series.push_back(std::move(s));
  }
  return plot(series, folder, "history", {.x_label = "epoch", .log_y = positive});
}

}  // namespace catena::train
