// catena_bench: runs the workloads and prints one line per workload and phase.
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <regex>

#include <CLI/CLI.hpp>
#include <catena/backends/cpu/kernel_table.hpp>
#include <catena/backends/cpu/parallel.hpp>
#include <catena/catena.hpp>
#include <nlohmann/json.hpp>

#include "workloads.hpp"

namespace {

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

void write_json(const std::string& path, const bench::Session& session) {
  nlohmann::ordered_json root;
  root["date"] = timestamp();
  root["catena"] = CATENA_VERSION;
  root["cpu"] = cpu_name();
  root["instruction_set"] = catena::cpu::instruction_set();
  root["threads"] = catena::num_threads();
  root["results"] = nlohmann::json::array();
  for (const bench::Result& r : session.results)
    root["results"].push_back({{"name", r.name},
                               {"phase", r.phase},
                               {"median", r.median},
                               {"min", r.min},
                               {"p25", r.p25},
                               {"p75", r.p75},
                               {"count", r.count}});
  std::ofstream file(path);
  file << root.dump(1) << '\n';
  if (!file) throw catena::SystemError("[bench] cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Catena's benchmarks: medians in nanoseconds per unit of work");
  std::string filter, json, program;
  int threads = 1;
  long parameters = 10'000'000;
  bench::Session session;
  app.add_option("--filter", filter, "Only workloads whose name this regular expression finds");
  app.add_option("--json", json, "Write the results to this file as well");
  app.add_option("--threads", threads, "Threads that a call may use")->capture_default_str();
  app.add_option("--file-parameters", parameters, "Size of the model of W9")->capture_default_str();
  app.add_option("--repetitions", session.repetitions,
                 "Exactly so many of each, however long they take; to count instructions");
  app.add_option("--cold-program", program, "What W8 starts (catena_cold beside this program)");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!filter.empty())
      session.selected = [wanted = std::regex(filter)](const std::string& name) {
        return std::regex_search(name, wanted);
      };
    if (program.empty())
      program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "catena_cold";
    catena::set_num_threads(threads);
    catena::manual_seed(1);
    bench::small_ops(session);
    bench::mlp(session);
    bench::images(session);
    bench::pointwise(session);
    bench::chains(session);
    bench::lstm(session);
    bench::transformer(session);
    bench::cross_entropy(session);
    bench::layer_norm(session);
    bench::tree(session);
    bench::second_order(session);
    bench::cold_start(session, program);
#ifdef CATENA_BENCH_FILES
    bench::files(session, parameters);
#endif
    if (!json.empty()) write_json(json, session);
    if (session.results.empty()) {
      std::fprintf(stderr, "[bench] no workload matches '%s'\n", filter.c_str());
      return 1;
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
