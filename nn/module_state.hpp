// What the handles of one module share. Not a public header: modules, containers and the summary
// use it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catena/graph/tensor.hpp"
#include "catena/nn/hooks.hpp"
#include "catena/nn/packed_weights.hpp"

namespace catena::nn::detail {

struct ModuleState {
  struct Entry {
    std::string name;
    Tensor tensor;
    bool persistent = true;
  };
  std::vector<Entry> parameters;
  std::vector<Entry> buffers;
  std::vector<std::pair<std::string, std::shared_ptr<ModuleState>>> children;
  bool training = true;
  std::string path;         // dotted name from the outermost parent
  std::string type;         // class name, once registered as a child
  std::string description;  // what else to print
  // Of layers whose first parameter can be packed.
  std::optional<PackedWeight> packed_weight;
  Hooks hooks;
};

// Notes the dotted names of the module and all below it.
void set_paths(ModuleState& module, const std::string& path);

// While one lives, it is told of each module called on this thread.
class CallObserver {
 public:
  CallObserver();
  virtual ~CallObserver();
  CallObserver(const CallObserver&) = delete;
  CallObserver& operator=(const CallObserver&) = delete;
  virtual void called(const ModuleState& module, const Tensor& output) = 0;

 private:
  friend CallObserver* current_observer();
  CallObserver* before_;
};
CallObserver* current_observer();

// The class name of an object from its typeid, without namespaces.
std::string class_name(const char* mangled);

}  // namespace catena::nn::detail
