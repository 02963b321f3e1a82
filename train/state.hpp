// The state of an interrupted training: everything that decides its future bits, as one State.
//
//   model.*      parameters and buffers                    (nn::Module::state)
//   optimizer.*  moments, step counts, hyperparameters     (optim::Optimizer::state)
//   schedule.*   steps and rates                           (optim::Schedule::state)
//   averages.*   averaged parameters                       (optim::AveragedParameters::state)
//   loader.*     seed, epoch and position of the data order (DataLoader::state)
//   random.*     the process generator's seed and offset
//   history.*    the values of the epochs so far           (History::state)
//   epoch        epochs finished
//
// Saving it, loading it elsewhere and training on gives the bits of a training without the break.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/state.hpp"

namespace catena::nn {
class Module;
}
namespace catena::optim {
class Optimizer;
class Schedule;
class AveragedParameters;
}  // namespace catena::optim

namespace catena::train {

class DataLoader;
class History;

// What takes part in a training; null pointers are left out.
struct TrainingParts {
  nn::Module* model = nullptr;
  optim::Optimizer* optimizer = nullptr;
  DataLoader* loader = nullptr;
  History* history = nullptr;
  optim::Schedule* schedule = nullptr;
  optim::AveragedParameters* averages = nullptr;
  std::int64_t epoch = 0;
};

// The state of the parts and of the process generator; tensors are the live ones.
State training_state(const TrainingParts& parts);

// Puts a state back into the parts and the process generator; returns its epoch. Throws
// ArgumentError naming what is missing or does not fit.
std::int64_t load_training_state(const State& state, const TrainingParts& parts,
                                 std::source_location loc = std::source_location::current());

}  // namespace catena::train
