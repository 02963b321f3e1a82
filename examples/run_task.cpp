// A worked task as a program of its own: run_task NAME [SEED [FOLDER FOR PICTURES]]. Fails when the
// task misses its target.
#include <iostream>
#include <string>

#include "task.hpp"

int main(int argc, char** argv) {
  try {
    for (const task::Task& t : task::kTasks) {
      if (argc < 2 || argv[1] != std::string(t.name)) continue;
      task::Options options;
      options.data_dir = CATENA_EXAMPLES;
      if (argc > 2) options.seed = std::stoull(argv[2]);
      if (argc > 3) options.out_dir = argv[3];
      const task::Result result = t.run(options);
      std::cout << t.name << ": score " << result.score << ", target " << result.target << '\n';
      return result.reached() ? 0 : 1;
    }
    std::cerr << "usage: run_task NAME [SEED [FOLDER]], NAME one of";
    for (const task::Task& t : task::kTasks) std::cerr << ' ' << t.name;
    std::cerr << '\n';
    return 2;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
