// The catena command. Exit status: 0 done; 1 the input is wrong; 2 usage; 3 something unsupported;
// 130 interrupted.
#include <cstdio>
#include <exception>
#include <iostream>

#include <catena/graph/error.hpp>
#include <catena/version.hpp>

#include "command.hpp"

namespace {

constexpr int kWrongInput = 1, kUsage = 2, kUnsupported = 3, kInterrupted = 130;

int complain(const char* what, int status) {
  std::fprintf(stderr, "catena: %s\n", what);
  return status;
}

int run(int argc, char** argv) {
  using namespace catena::tool;
  CLI::App app{"Catena: train, run and look into models and ops", "catena"};
  app.set_version_flag("--version", "catena " CATENA_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done; 1 the input is wrong; 2 usage; 3 something needed is unsupported;\n"
      "130 interrupted by Ctrl-C.\n"
      "catena SUBCOMMAND --help tells more.");
  Action action;
  add_train(app, &action);
  add_run(app, &action);
  add_inspect(app, &action);
  add_check(app, &action);
  add_convert(app, &action);
  add_ops(app, &action);
  add_op(app, &action);
  add_bench(app, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsage;
  }
  action();
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0 || std::ferror(stdout))
    return complain("standard output cannot be written", kWrongInput);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const catena::tool::UsageError& e) {
    return complain(e.what(), kUsage);
  } catch (const catena::tool::Interrupted&) {
    return kInterrupted;
  } catch (const catena::UnsupportedError& e) {
    return complain(e.what(), kUnsupported);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", kWrongInput);
  } catch (const std::exception& e) {
    return complain(e.what(), kWrongInput);
  } catch (...) {
    return complain("an unknown error", kWrongInput);
  }
}
