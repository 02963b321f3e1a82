// catena ops: the table of ops, or all about one of them.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <catena/graph/device.hpp>
#include <catena/graph/registry.hpp>

#include "command.hpp"

namespace catena::tool {
namespace {

std::vector<std::string> input_names(const OpInfo& op) {
  return {op.inputs.names, op.inputs.names + op.inputs.count};
}

std::string dtype_names(DTypeSet set) {
  if (set.bits() == kAllTypes.bits()) return "all";
  std::vector<std::string_view> names;
  for (int i = 0; i < kNumDTypes; ++i)
    if (set.contains(static_cast<DType>(i))) names.push_back(name_of(static_cast<DType>(i)));
  return fmt::format("{}", fmt::join(names, " "));
}

// The dtypes a device computes the op in; views and composites work wherever their parts do.
std::string device_cell(const OpInfo& op, DeviceType device) {
  if (op.kind == OpKind::kView) return "view";
  if (op.kind == OpKind::kComposite) return "composite";
  const KernelRow& row = op.rows[static_cast<int>(device)];
  return row.present() ? dtype_names(row.dtypes) : "-";
}

const char* gradient_cell(const OpInfo& op, DeviceType device) {
  if (!op.differentiable) return "-";
  return op.rows[static_cast<int>(device)].backward ? "fused" : "ops";
}

std::string onnx_cell(const OpInfo& op) {
  return op.onnx.op_type ? op.onnx.op_type : fmt::format("({})", op.onnx.note);
}

std::string attributes_cell(const OpInfo& op) {
  std::vector<std::string> cells;
  for (const AttrInfo& a : op.attrs)
    cells.push_back(fmt::format("{}={}", a.name, to_string(a.default_value)));
  return fmt::format("{}", fmt::join(cells, ", "));
}

// Columns of text, the last without padding.
void print_table(const std::vector<std::vector<std::string>>& rows, bool markdown) {
  std::vector<std::size_t> width(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < width.size(); ++i) {
      if (markdown)
        line += fmt::format("| {} ", rows[r][i]);
      else
        line += fmt::format("{:<{}}  ", rows[r][i], i + 1 < width.size() ? width[i] : 0);
    }
    if (markdown) line += "|";
    while (line.back() == ' ') line.pop_back();
    std::puts(line.c_str());
    if (markdown && r == 0) {
      std::string rule;
      for (std::size_t i = 0; i < width.size(); ++i) rule += "|---";
      std::puts((rule + "|").c_str());
    }
  }
}

void print_all(bool markdown) {
  // Documentation does not depend on the machine that wrote it.
  const bool cuda = !markdown && is_available(catena::cuda());
  const auto code = [&](const std::string& text) {
    if (!markdown || text.empty()) return text;
    std::string escaped;
    for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
    return "`" + escaped + "`";
  };
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"op", "inputs", "attributes", "cpu", "gradient", "onnx", "formula"});
  if (cuda) rows[0].insert(rows[0].begin() + 4, "cuda");
  for (const OpInfo* op : all_ops()) {
    std::vector<std::string> row{code(op->name),
                                 fmt::format("{}", fmt::join(input_names(*op), " ")),
                                 code(attributes_cell(*op)),
                                 device_cell(*op, DeviceType::kCpu),
                                 gradient_cell(*op, DeviceType::kCpu),
                                 onnx_cell(*op),
                                 code(op->formula)};
    if (cuda) row.insert(row.begin() + 4, device_cell(*op, DeviceType::kCuda));
    rows.push_back(std::move(row));
  }
  print_table(rows, markdown);
}

void print_one(const OpInfo& op) {
  static constexpr const char* kKinds[] = {"kernel", "pointwise", "view", "composite"};
  fmt::print("{} (version {}, {}{})\n", op.name, op.version, kKinds[static_cast<int>(op.kind)],
             op.built_in ? "" : ", not built in");
  fmt::print("  {}\n", op.formula);
  fmt::print("inputs: {}\n",
             op.inputs.count == 0 ? "none" : fmt::format("{}", fmt::join(input_names(op), ", ")));
  fmt::print("outputs: {}\n", op.num_outputs);
  fmt::print("attributes:{}\n", op.attrs.empty() ? " none" : "");
  for (const AttrInfo& a : op.attrs)
    fmt::print("  {} ({}, default {}): {}\n", a.name, attr_type_name(a.default_value),
               to_string(a.default_value), a.doc);
  fmt::print("gradient: {}\n", op.differentiable ? "yes" : "none");
  for (const DeviceType device : {DeviceType::kCpu, DeviceType::kCuda}) {
    const Device d{device, 0};
    if (device != DeviceType::kCpu && !is_available(d)) continue;
    const KernelRow& row = op.rows[static_cast<int>(device)];
    fmt::print("{}: {}{}\n", device == DeviceType::kCpu ? "cpu" : "cuda", device_cell(op, device),
               row.backward ? ", fused gradient" : "");
  }
  fmt::print("onnx: {}\n", onnx_cell(op));
}

}  // namespace

void add_ops(CLI::App& app, Action* action) {
  struct Options {
    std::string name;
    bool markdown = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("ops", "The table of ops, or all about one op");
  sub->add_option("NAME", options->name, "An op");
  sub->add_flag("--markdown", options->markdown, "Print the table as Markdown");
  sub->callback([options, action] {
    *action = [options] {
      init();
      if (options->name.empty())
        print_all(options->markdown);
      else
        print_one(get_op(options->name));
    };
  });
}

}  // namespace catena::tool
