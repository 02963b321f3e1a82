#include "catena/serialization/archive.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/view.hpp"
#include "catena/serialization/checksum.hpp"
#include "catena/serialization/header_codec.hpp"
#include "catena/serialization/layout.hpp"
#include "catena/serialization/parallel_tensors.hpp"
#include "catena/version.hpp"

#include "catena_file.pb.h"

namespace catena {

using namespace file_format;

namespace {

// The bytes of a tensor in CPU memory, row-major.
class HostBytes {
 public:
  explicit HostBytes(const Tensor& tensor) {
    const NoGrad no_grad;
    host_ = tensor.device().is_cpu() ? tensor : tensor.to(kCpu);
    if (!host_.is_contiguous()) host_ = host_.contiguous();
    detail::ensure_ready(host_.impl());
  }
  const char* data() const { return static_cast<const char*>(detail::data_of(host_.impl())); }
  std::size_t size() const {
    return static_cast<std::size_t>(host_.numel()) * size_of(host_.dtype());
  }

 private:
  Tensor host_;
};

void check_unique(const std::string& name, std::set<std::string>* seen, const char* what) {
  if (name.empty()) throw ArgumentError(fmt::format("[save] {} without a name", what));
  if (!seen->insert(name).second)
    throw ArgumentError(
        fmt::format("[save] two {}s are named '{}'; expected each name once", what, name));
}

void fill_header(const Archive& archive, const Metadata& more, detail::TensorTable* tensors,
                 FileHeader* header) {
  header->set_producer("catena " CATENA_VERSION);
  if (archive.graph) write_graph(*archive.graph, tensors, header->mutable_graph());
  std::set<std::string> names;
  for (const auto& [name, tensor] : archive.state.tensors) {
    check_unique(name, &names, "tensor");
    if (!tensor.defined())
      throw ArgumentError(fmt::format("[save] tensor '{}' is undefined", name));
    NamedIndex* r = header->add_state_tensors();
    r->set_name(name);
    r->set_index(tensors->add(tensor));
  }
  names.clear();
  for (const NamedAttr& value : archive.state.values) {
    check_unique(value.name, &names, "value");
    detail::write_attribute(value.name, value.value, header->add_state_values());
  }
  Metadata metadata = archive.metadata;
  metadata.insert(metadata.end(), more.begin(), more.end());
  std::sort(metadata.begin(), metadata.end());
  names.clear();
  for (const auto& [key, value] : metadata) {
    check_unique(key, &names, "metadata entry");
    MetadataEntry* r = header->add_metadata();
    r->set_key(key);
    r->set_value(value);
  }
  for (const Tensor& tensor : tensors->tensors()) {
    TensorRecord* r = header->add_tensors();
    r->set_dtype(static_cast<DTypeCode>(detail::dtype_code(tensor.dtype())));
    for (std::int64_t size : tensor.shape()) r->add_sizes(size);
    r->set_requires_grad(tensor.is_leaf() && tensor.requires_grad());
    r->set_bytes(static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype()));
    // Fixed-size fields: the header keeps its length when they get their values.
    r->set_offset(0);
    r->set_checksum(0);
  }
}

// Writes the tensor and sets its checksum.
void write_tensor(const Tensor& tensor, detail::OutputFile* file, TensorRecord* record) {
  const HostBytes bytes(tensor);
  detail::Checksum checksum;
  for (std::size_t at = 0; at < bytes.size(); at += detail::kBlockBytes) {
    const std::size_t n = std::min(detail::kBlockBytes, bytes.size() - at);
    checksum.add(bytes.data() + at, n);
    file->write_at(record->offset() + at, bytes.data() + at, n);
  }
  record->set_checksum(checksum.value());
}

Tensor read_tensor(const detail::InputFile& file, const TensorRecord& record,
                   const std::string& field, bool verify) {
  DType dtype;
  detail::dtype_from_code(record.dtype(), &dtype);
  Tensor tensor = empty(detail::read_sizes(record), dtype);
  char* to = static_cast<char*>(detail::data_of(tensor.impl()));
  detail::Checksum checksum;
  for (std::size_t at = 0; at < record.bytes(); at += detail::kBlockBytes) {
    const std::size_t n = std::min<std::size_t>(detail::kBlockBytes, record.bytes() - at);
    file.read_at(record.offset() + at, to + at, n);
    if (verify) checksum.add(to + at, n);
  }
  if (verify && checksum.value() != record.checksum())
    detail::bad_file(file.path(), field + ": checksum", fmt::format("{:#x}", checksum.value()),
                     fmt::format("{:#x}", record.checksum()));
  if (record.requires_grad()) {
    if (!is_differentiable(dtype))
      detail::bad_file(file.path(), field, fmt::format("{} with a gradient", name_of(dtype)),
                       "a floating dtype");
    tensor.set_requires_grad();
  }
  return tensor;
}

}  // namespace

void save_archive(const std::string& path, const Archive& archive, const SaveOptions& options) {
  FileHeader header;
  detail::TensorTable table;
  fill_header(archive, options.metadata, &table, &header);
  const std::size_t header_bytes = header.ByteSizeLong();
  if (header_bytes > std::numeric_limits<std::int32_t>::max())
    throw ArgumentError(fmt::format(
        "[save] '{}': the header takes {} bytes; expected less than 2 GiB", path, header_bytes));
  std::uint64_t end = sizeof(detail::Preamble) + header_bytes;
  for (TensorRecord& record : *header.mutable_tensors()) {
    record.set_offset(detail::aligned(end));
    end = record.offset() + record.bytes();
  }
  const std::uint64_t mark_at = detail::aligned(end);

  detail::OutputFile file(path);
  detail::for_each_tensor(header.tensors_size(), end, options.threads, [&](int i) {
    write_tensor(table.tensors()[static_cast<std::size_t>(i)], &file, header.mutable_tensors(i));
  });
  detail::EndMark mark;
  std::memcpy(mark.mark, detail::kEndMark, sizeof mark.mark);
  mark.file_bytes = mark_at + sizeof mark;
  file.write_at(mark_at, &mark, sizeof mark);

  std::string bytes;
  header.SerializeToString(&bytes);
  if (bytes.size() != header_bytes) throw_internal("the header changed its length");
  detail::Preamble preamble;
  std::memcpy(preamble.magic, detail::kMagic, sizeof preamble.magic);
  preamble.version = kFormatVersion;
  preamble.header_bytes = header_bytes;
  preamble.file_bytes = mark.file_bytes;
  preamble.header_checksum = detail::checksum(bytes.data(), bytes.size());
  preamble.checksum = detail::checksum(&preamble, offsetof(detail::Preamble, checksum));
  file.write_at(sizeof preamble, bytes.data(), bytes.size());
  file.write_at(0, &preamble, sizeof preamble);
  file.commit(options.sync);
}

Archive load_archive(const std::string& path, const LoadOptions& options) {
  const detail::InputFile file(path, {options.max_seconds, fmt::format("[load] '{}'", path)});
  FileHeader header;
  detail::read_header(file, options, &header);
  std::vector<Tensor> tensors(static_cast<std::size_t>(header.tensors_size()));
  detail::for_each_tensor(header.tensors_size(), file.size(), options.threads, [&](int i) {
    tensors[static_cast<std::size_t>(i)] =
        read_tensor(file, header.tensors(i),
                    fmt::format("tensor {} of {}", i, header.tensors_size()), options.verify);
  });
  Archive archive;
  std::set<std::string> names;
  const auto check_name = [&](const std::string& name, const char* what) {
    if (name.empty() || !names.insert(name).second)
      detail::bad_file(path, fmt::format("{} '{}'", what, name),
                       name.empty() ? "no name" : "a name used twice", "each name once");
  };
  for (const NamedIndex& entry : header.state_tensors()) {
    check_name(entry.name(), "tensor");
    if (entry.index() >= tensors.size())
      detail::bad_file(path, fmt::format("tensor '{}'", entry.name()),
                       fmt::format("tensor {}", entry.index()),
                       fmt::format("less than {}", tensors.size()));
    archive.state.add(entry.name(), tensors[entry.index()]);
  }
  names.clear();
  for (const AttributeRecord& value : header.state_values()) {
    check_name(value.name(), "value");
    archive.state.add_value(value.name(), detail::read_attribute(value, path, "value"));
  }
  names.clear();
  for (const MetadataEntry& entry : header.metadata()) {
    check_name(entry.key(), "metadata");
    archive.metadata.emplace_back(entry.key(), entry.value());
  }
  if (header.has_graph())
    archive.graph = detail::read_graph(header.graph(), tensors, path, file.limit());
  return archive;
}

}  // namespace catena
