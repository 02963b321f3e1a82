// Optimizers, schedules and metrics given as text: "adamw(lr=0.001, weight_decay=0.1)",
// "sequential(linear(total_iters=5), cosine(t_max=95), milestones=[5])". Not a public header.
#pragma once

#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/train/optimizer_state.hpp"

namespace catena::train::detail {

using TextOption = std::pair<std::string, std::string>;  // name, value

// name, or name(item, item, ...) where an item is option=value or another Spec.
struct Spec {
  std::string name;
  std::vector<TextOption> options;
  std::vector<Spec> parts;
};
// Throw ArgumentError "[op] ..." where the text cannot be read.
Spec parse_spec(std::string_view op, std::string_view text, const std::source_location& loc);
std::vector<TextOption> parse_options(std::string_view op, std::string_view text,
                                      const std::source_location& loc);

// Sets the values it is shown from options; finish() throws for options that were not shown.
class TextReader : public optim::detail::StateVisitor {
 public:
  TextReader(std::string_view op, std::span<const TextOption> options,
             const std::source_location& loc);
  void finish() const;

  void tensor(std::string_view, Tensor&) override {}
  void tensors(std::string_view, std::vector<Tensor>&) override {}
  void kind(std::string_view, std::string_view) override {}

 private:
  void visit_value(std::string_view name, optim::detail::Field field, bool optional) override;
  std::string op_;
  std::span<const TextOption> options_;
  const std::source_location& loc_;
  std::vector<std::string> shown_;
};

}  // namespace catena::train::detail
