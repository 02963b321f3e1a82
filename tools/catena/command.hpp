// What the subcommands share: each adds its options to the command line and sets the action that
// runs when it was chosen. Results go to standard output, messages to standard error; an exception
// becomes the exit status (see main.cpp).
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

namespace catena::tool {

using Action = std::function<void()>;

// The command line is wrong in a way that only the action can see; exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Ctrl-C ended the work in good order, and what there is to say was said; exit status 130.
class Interrupted : public std::exception {};

void add_run(CLI::App& app, Action* action);
void add_inspect(CLI::App& app, Action* action);
void add_check(CLI::App& app, Action* action);
void add_convert(CLI::App& app, Action* action);
void add_ops(CLI::App& app, Action* action);
void add_op(CLI::App& app, Action* action);
void add_bench(CLI::App& app, Action* action);
void add_train(CLI::App& app, Action* action);
void add_train_tasks(CLI::App& train, Action* action);  // the small ones

}  // namespace catena::tool
