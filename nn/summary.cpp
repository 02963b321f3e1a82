#include "catena/nn/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/nn/mode_guard.hpp"
#include "catena/nn/module_state.hpp"

namespace catena::nn {

namespace {

using detail::ModuleState;
using Row = std::array<std::string, 3>;

// Remembers the first output shape of each module.
class Shapes : public detail::CallObserver {
 public:
  void called(const ModuleState& module, const Tensor& output) override {
    if (output.defined()) shapes_.try_emplace(&module, output.shape());
  }
  const Shape* find(const ModuleState& module) const {
    const auto it = shapes_.find(&module);
    return it == shapes_.end() ? nullptr : &it->second;
  }

 private:
  std::map<const ModuleState*, Shape> shapes_;
};

// "1,234,567".
std::string with_separators(std::int64_t n) {
  const std::string digits = std::to_string(n);
  std::string s;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) s += ',';
    s += digits[i];
  }
  return s;
}

std::string with_unit(double bytes) {
  for (const char* unit : {"B", "KB", "MB"}) {
    if (bytes < 1024) return fmt::format("{:.2f} {}", bytes, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.2f} GB", bytes);
}

// The columns of a string as a terminal shows them.
std::size_t width(std::string_view s) {
  return static_cast<std::size_t>(
      std::ranges::count_if(s, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string shape_text(const Shape* shape, bool any_batch) {
  if (shape == nullptr) return "?";
  std::string s = "[";
  for (int i = 0; i < shape->rank(); ++i)
    s += fmt::format("{}{}", i == 0 ? "" : ", ",
                     i == 0 && any_batch ? "?" : std::to_string((*shape)[i]));
  return s + "]";
}

// A row per module that has parameters of its own or no parts.
void add_rows(const ModuleState& module, const std::string& name, const std::string& type,
              const Shapes& shapes, bool any_batch, std::vector<Row>* rows) {
  if (!module.parameters.empty() || module.children.empty()) {
    std::int64_t own = 0;
    for (const auto& entry : module.parameters) own += entry.tensor.numel();
    rows->push_back({name.empty() ? type : fmt::format("{} ({})", name, type),
                     shape_text(shapes.find(module), any_batch), with_separators(own)});
  }
  for (const auto& [child_name, child] : module.children)
    add_rows(*child, name.empty() ? child_name : fmt::format("{}.{}", name, child_name),
             child->type, shapes, any_batch, rows);
}

std::string table(const Row& titles, const std::vector<Row>& rows) {
  std::array<std::size_t, 3> widths;
  for (std::size_t c = 0; c < 3; ++c) {
    widths[c] = width(titles[c]);
    for (const Row& row : rows) widths[c] = std::max(widths[c], width(row[c]));
  }
  const auto rule = [&](const char* left, const char* line, const char* cross, const char* right) {
    std::string s = left;
    for (std::size_t c = 0; c < 3; ++c) {
      if (c > 0) s += cross;
      for (std::size_t i = 0; i < widths[c] + 2; ++i) s += line;
    }
    return s + right + "\n";
  };
  const auto line = [&](const Row& row, const char* bar) {
    std::string s = bar;
    for (std::size_t c = 0; c < 3; ++c) {
      const std::string space(widths[c] - width(row[c]), ' ');
      // Numbers stand to the right.
      s += c == 2 ? fmt::format(" {}{} {}", space, row[c], bar)
                  : fmt::format(" {}{} {}", row[c], space, bar);
    }
    return s + "\n";
  };
  std::string s = rule("┏", "━", "┳", "┓") + line(titles, "┃") + rule("┡", "━", "╇", "┩");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) s += rule("├", "─", "┼", "┤");
    s += line(rows[i], "│");
  }
  return s + rule("└", "─", "┴", "┘");
}

std::string total(const char* what, std::int64_t count, double bytes) {
  return fmt::format(" {} params: {} ({})\n", what, with_separators(count), with_unit(bytes));
}

}  // namespace

std::string summary(Module& model, const Shape& input, std::source_location loc) {
  Shapes shapes;
  const bool any_batch = !input.empty() && input[0] == -1;
  if (!input.empty()) {
    Shape shape = input;
    if (any_batch) shape[0] = 1;
    const std::vector<Tensor> parameters = model.parameters();
    const TensorOptions options =
        parameters.empty() ? TensorOptions()
                           : TensorOptions(parameters.front().dtype(), parameters.front().device());
    NoGrad no_grad;
    const ModeGuard mode(model, false);
    model(zeros(shape, options), loc);
  }

  std::vector<Row> rows;
  add_rows(*model.shared_state(), "", model.type(), shapes, any_batch, &rows);
  std::int64_t trainable = 0, frozen = 0;
  double trainable_bytes = 0, frozen_bytes = 0;
  for (const Tensor& p : model.parameters()) {
    const double bytes = static_cast<double>(p.numel()) * static_cast<double>(size_of(p.dtype()));
    (p.requires_grad() ? trainable : frozen) += p.numel();
    (p.requires_grad() ? trainable_bytes : frozen_bytes) += bytes;
  }
  return fmt::format("Model: \"{}\"\n", model.type()) +
         table({"Layer (type)", "Output Shape", "Param #"}, rows) +
         total("Total", trainable + frozen, trainable_bytes + frozen_bytes) +
         total("Trainable", trainable, trainable_bytes) +
         total("Non-trainable", frozen, frozen_bytes);
}

}  // namespace catena::nn
