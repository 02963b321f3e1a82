// To see chains: what was run together, what it read and wrote and how long it took
// (docs/chains.md). CATENA_SHOW_CHAINS=1 in the environment prints a line a chain on standard
// error.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/dtype.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/shape.hpp"

namespace catena {

struct ChainReport {
  std::vector<std::string> calls;  // names of ops, in order; of gradients with a ' behind it
  std::vector<std::source_location> lines;  // where they were called, as many
  Shape shape;                              // of all values of the chain
  int num_inputs = 0;                       // read from memory
  std::vector<DType> results;               // written to memory
  // Empty results: a kernel that follows has read the last value part by part; its time is
  // included.
  double seconds = 0;
};

// "3 calls (mul, add, tanh) on [4096, 64]: 2 inputs, 1 result (float32), 0.12 ms"
std::string to_string(const ChainReport& report);

// Is called after each chain that the process runs, by the thread that ran it; null: none. It must
// neither throw nor compute with tensors.
using ChainObserver = std::function<void(const ChainReport&)>;
void set_chain_observer(ChainObserver observer);

namespace detail {

struct PendingRun;

// Reports one run to the observer and the profiler, where there is one.
class ChainTimer {
 public:
  void start(const PendingRun& run);  // with the mutex of pending values held
  void finish();                      // without

 private:
  std::unique_ptr<ChainReport> report_;
  ProfileScope scope_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace detail
}  // namespace catena
