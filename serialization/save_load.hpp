// Saving and loading graphs, weights and training states as .catena files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "catena/serialization/archive.hpp"

namespace catena {

// A graph with its parameters. See save_archive for what is promised and what fails.
void save(const std::string& path, const Graph& graph, const SaveOptions& options = {});
Graph load_graph(const std::string& path, const LoadOptions& options = {});

// Named tensors. load_tensors also reads the parameters of a saved graph and the tensors of a
// saved state.
void save_tensors(const std::string& path, std::span<const NamedTensor> tensors,
                  const SaveOptions& options = {});
std::vector<NamedTensor> load_tensors(const std::string& path, const LoadOptions& options = {});

// The state of a training (see train::training_state), with the graph of the model if given.
void save_checkpoint(const std::string& path, const State& state);
void save_checkpoint(const std::string& path, const State& state, const Graph* graph,
                     const SaveOptions& options = {});
State load_checkpoint(const std::string& path, const LoadOptions& options = {});

// What load_parameters found different.
struct ParameterReport {
  std::vector<std::string> missing;     // asked for, not in the file
  std::vector<std::string> unexpected;  // in the file, not asked for
  std::vector<std::string> mismatched;  // "name: [2, 3] float32 in the file, expected [3, 2] ..."
  bool complete() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
};

struct ParameterOptions {
  // Strict: nothing is changed, and ArgumentError has the whole report, unless names, shapes and
  // dtypes agree. Otherwise what agrees is copied and the rest reported.
  bool strict = true;
  bool convert = false;  // another dtype is no mismatch, its values are converted
  // What names of the file are called here, first match first: {"fc.weight", "head.weight"}; with a
  // dot at their end both are beginnings of names: {"module.", ""}; a `*` in front makes it an end,
  // and an empty new name leaves the tensor out: {"*.num_batches_tracked", ""}.
  std::vector<std::pair<std::string, std::string>> rename;
  LoadOptions load;
};

// Copies the tensors of a .catena, .safetensors or .npz file (told apart by what they begin with)
// into `parameters`, by name:
//   load_parameters(net.state().tensors, "resnet.safetensors", {.rename = {{"module.", ""}}});
// Errors: ArgumentError when the file does not fit (see ParameterOptions), a renaming matches
// nothing in the file, or two tensors come to one name; and what the file's reader throws.
ParameterReport load_parameters(std::span<const NamedTensor> parameters, const std::string& path,
                                const ParameterOptions& options);

// Copies the file's tensors into `parameters`, by name. Strict: throws ArgumentError with the whole
// report, and changes nothing, unless names, shapes and dtypes agree. Otherwise what agrees is
// copied and the rest reported.
ParameterReport load_parameters(std::span<const NamedTensor> parameters, const std::string& path,
                                bool strict = true, const LoadOptions& options = {});

}  // namespace catena
