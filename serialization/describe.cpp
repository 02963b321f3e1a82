#include "catena/serialization/describe.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "catena/serialization/checksum.hpp"
#include "catena/serialization/header_codec.hpp"
#include "catena/serialization/layout.hpp"
#include "catena/serialization/parallel_tensors.hpp"

#include "catena_file.pb.h"

namespace catena {

using namespace file_format;

namespace {

void verify_tensor(const detail::InputFile& file, const TensorRecord& record,
                   const std::string& field) {
  detail::Checksum checksum;
  std::vector<char> block(std::min<std::uint64_t>(detail::kBlockBytes, record.bytes()));
  for (std::uint64_t at = 0; at < record.bytes(); at += block.size()) {
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), record.bytes() - at));
    file.read_at(record.offset() + at, block.data(), n);
    checksum.add(block.data(), n);
  }
  if (checksum.value() != record.checksum())
    detail::bad_file(file.path(), field + ": checksum", fmt::format("{:#x}", checksum.value()),
                     fmt::format("{:#x}", record.checksum()));
}

void describe_graph(const GraphRecord& graph, const std::string& path, FileInfo* info) {
  info->has_graph = true;
  info->num_nodes = static_cast<std::uint64_t>(graph.nodes_size());
  std::vector<std::string> axes;
  for (const AxisRecord& axis : graph.axes()) axes.push_back(axis.name());
  for (const InputRecord& in : graph.inputs()) {
    const std::string field = fmt::format("input '{}'", in.name());
    const SymbolicShape shape = detail::read_input_shape(in, axes.size(), path, field);
    DType dtype;
    if (!detail::dtype_from_code(in.dtype(), &dtype))
      detail::bad_file(path, field, fmt::format("dtype {}", static_cast<int>(in.dtype())),
                       fmt::format("1 to {}", kNumDTypes));
    info->inputs.push_back(
        fmt::format("{} {} {}", in.name(), name_of(dtype), to_string(shape, axes)));
  }
  for (const NamedIndex& out : graph.outputs()) info->outputs.push_back(out.name());
  std::map<std::string, std::uint64_t> counts;
  for (const NodeRecord& node : graph.nodes()) {
    if (node.op() >= static_cast<std::uint32_t>(graph.ops_size()))
      detail::bad_file(path, "a node of the graph", fmt::format("op {}", node.op()),
                       fmt::format("less than {}", graph.ops_size()));
    ++counts[graph.ops(static_cast<int>(node.op())).name()];
  }
  info->op_counts.assign(counts.begin(), counts.end());
  info->unknown_ops = detail::unknown_ops(graph);
}

}  // namespace

FileInfo read_info(const std::string& path, const LoadOptions& options) {
  const detail::InputFile file(path, {options.max_seconds, fmt::format("[load] '{}'", path)});
  FileHeader header;
  FileInfo info;
  info.format_version = detail::read_header(file, options, &header);
  info.path = path;
  info.bytes = file.size();
  if (options.verify) {
    detail::for_each_tensor(header.tensors_size(), file.size(), options.threads, [&](int i) {
      verify_tensor(file, header.tensors(i),
                    fmt::format("tensor {} of {}", i, header.tensors_size()));
    });
  }
  const auto add_tensor = [&](const NamedIndex& entry, const char* role) {
    if (entry.index() >= static_cast<std::uint32_t>(header.tensors_size()))
      detail::bad_file(path, fmt::format("{} '{}'", role, entry.name()),
                       fmt::format("tensor {}", entry.index()),
                       fmt::format("less than {}", header.tensors_size()));
    const TensorRecord& t = header.tensors(static_cast<int>(entry.index()));
    TensorInfo tensor;
    tensor.name = entry.name();
    tensor.role = role;
    detail::dtype_from_code(t.dtype(), &tensor.dtype);
    tensor.shape = detail::read_sizes(t);
    tensor.requires_grad = t.requires_grad();
    tensor.offset = t.offset();
    tensor.bytes = t.bytes();
    tensor.checksum = t.checksum();
    info.tensors.push_back(std::move(tensor));
  };
  if (header.has_graph()) {
    describe_graph(header.graph(), path, &info);
    std::set<std::uint32_t> counted;
    for (const NamedIndex& p : header.graph().parameters()) {
      add_tensor(p, "parameter");
      if (counted.insert(p.index()).second)
        info.num_parameters += static_cast<std::uint64_t>(info.tensors.back().shape.numel());
    }
    for (const NamedIndex& c : header.graph().constants()) add_tensor(c, "constant");
  }
  for (const NamedIndex& t : header.state_tensors()) add_tensor(t, "state");
  for (const AttributeRecord& value : header.state_values())
    info.values.push_back({value.name(), detail::read_attribute(value, path, "value")});
  for (const MetadataEntry& entry : header.metadata())
    info.metadata.emplace_back(entry.key(), entry.value());
  const bool state = header.state_tensors_size() > 0 || header.state_values_size() > 0;
  info.kind = header.state_values_size() > 0 ? "checkpoint"
              : header.has_graph()           ? state ? "checkpoint" : "graph"
              : state                        ? "tensors"
                                             : "empty";
  return info;
}

}  // namespace catena
