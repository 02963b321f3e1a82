// Computes the nodes of a loaded model. Not a public header.
#pragma once

#include <source_location>
#include <span>
#include <vector>

#include "catena/serialization/onnx/import/operators.hpp"
#include "catena/serialization/onnx/import/program.hpp"
#include "catena/serialization/time_limit.hpp"

namespace catena::onnx {

// Each node runs its operator's function, which calls Catena's ops. A value that follows from
// constants and shapes alone is `known`: it is computed outside of traces and tapes, so that shape
// arithmetic can be read on the host and ends as attributes.
class Runner {
 public:
  Runner(const Program& program, bool training, detail::TimeLimit limit);

  void set(int value, Tensor tensor, bool known);
  const Tensor& get(int value) const { return values_[static_cast<std::size_t>(value)]; }
  bool known(int value) const { return known_[static_cast<std::size_t>(value)]; }
  void run(const Block& block);
  // One node, whose inputs are there.
  void run(const Node& node);

  const Program& program() const { return program_; }
  bool training() const { return training_; }

 private:
  void call(const Node& node, bool all_known);

  const Program& program_;
  bool training_;
  detail::TimeLimit limit_;
  std::uint64_t steps_ = 0;
  std::vector<Tensor> values_;
  std::vector<bool> known_;
};

}  // namespace catena::onnx
