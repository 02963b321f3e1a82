// Runs a program that prints "grad VALUE peak_rss_MiB=N" again and again: wall time from its start
// to that line, and N. (What wait4 says of memory includes this process before exec.)
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "workloads.hpp"

extern char** environ;

namespace bench {
namespace {

struct Start {
  double ns = 0;
  double peak_mib = 0;
};

Start start_once(const std::string& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string name = program;
  char* arguments[] = {name.data(), nullptr};
  pid_t child = 0;
  Start result;
  const double begin = now_ns();
  const int failed = ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed) {
    ::close(ends[0]);
    throw std::runtime_error("cannot start " + program + ": " + std::strerror(failed));
  }
  std::string output;
  char part[256];
  for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;) {
    output.append(part, static_cast<std::size_t>(n));
    const std::size_t at = output.find("grad ");
    if (result.ns == 0 && at != std::string::npos && output.find('\n', at) != std::string::npos)
      result.ns = now_ns() - begin;
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (result.ns == 0 || status != 0) throw std::runtime_error(program + " printed no gradient");
  const std::size_t memory = output.find("peak_rss_MiB=");
  if (memory != std::string::npos) result.peak_mib = std::atof(output.c_str() + memory + 13);
  return result;
}

}  // namespace

void cold_start(Session& session, const std::string& program) {
  const std::string name = "W8_cold start_to_gradient";
  if (!session.selected(name)) return;
  constexpr int kWarmUp = 3, kRuns = 31;
  std::vector<double> times, memory;
  for (int i = 0; i < kWarmUp + kRuns; ++i) {
    const Start s = start_once(program);
    if (i < kWarmUp) continue;
    times.push_back(s.ns);
    memory.push_back(s.peak_mib);
  }
  auto report = [&](const char* phase, const std::vector<double>& v) {
    session.report({name, phase, quantile(v, 0.5), quantile(v, 0), quantile(v, 0.25),
                    quantile(v, 0.75), v.size()});
  };
  report("total", times);
  report("peak_rss_MiB", memory);
}

}  // namespace bench
