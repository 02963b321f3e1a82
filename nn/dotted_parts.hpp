// The tree of modules that dotted names tell of: "a.b.weight" is the tensor "weight" of the part
// "b" of the part "a". For modules made from files.
#pragma once

#include <map>
#include <string>

#include "catena/nn/module.hpp"

namespace catena::nn {

class DottedParts {
 public:
  // Trees are walked by recursion, which a deep one from a hostile file would not survive.
  static constexpr int kMostDots = 100;

  // Register `value` in `root` under its dotted name, making the parts on the way. Throws
  // ArgumentError for a name of more than kMostDots dots.
  Tensor add_parameter(Module& root, const std::string& name, Tensor value,
                       Module::Location loc = Module::Location::current());
  Tensor add_buffer(Module& root, const std::string& name, Tensor value, bool persistent = true,
                    Module::Location loc = Module::Location::current());

 private:
  // Where the tensor of this name belongs; `own` is set to its name there.
  Module& owner(Module& root, const std::string& name, std::string* own, Module::Location loc);
  std::map<std::string, Module> parts_;  // by dotted path
};

}  // namespace catena::nn
