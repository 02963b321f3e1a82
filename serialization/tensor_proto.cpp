#include "catena/serialization/tensor_proto.hpp"

#include <bit>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/serialization/file.hpp"
#include "catena/serialization/onnx/tensor_codec.hpp"
#include "catena_onnx_tensor.pb.h"

namespace catena {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

using onnx_tensor::TensorProto;

constexpr std::uint64_t kMaxMessage = std::numeric_limits<std::int32_t>::max();

}  // namespace

Tensor load_tensor_proto(const std::string& path, const LoadOptions& options,
                         std::source_location loc) {
  const auto damaged = [&](std::string_view what) {
    throw SystemError(
        fmt::format("[load_tensor_proto] {}: damaged file: {}{}", path, what, called_at(loc)));
  };
  const detail::InputFile file(path,
                               {options.max_seconds, fmt::format("[load_tensor_proto] {}", path)});
  if (file.size() > kMaxMessage)
    damaged(fmt::format("{} bytes; protobuf holds at most {}", file.size(), kMaxMessage));
  if (file.size() > options.max_bytes)
    throw_argument("load_tensor_proto",
                   fmt::format("{}: {} bytes; the options allow {}; raise max_bytes", path,
                               file.size(), options.max_bytes),
                   loc);
  std::string bytes(file.size(), '\0');
  file.read_at(0, bytes.data(), bytes.size());
  TensorProto proto;
  if (!proto.ParseFromString(bytes)) damaged("not a protobuf message");
  bytes.clear();
  bytes.shrink_to_fit();
  onnx::TensorSource source;
  source.op = "load_tensor_proto";
  source.where = path;
  source.max_bytes = options.max_bytes;
  return onnx::read_tensor(proto, source, loc);
}

void save_tensor_proto(const Tensor& tensor, const std::string& path, const std::string& name,
                       std::source_location loc) {
  if (!tensor.defined()) throw_argument("save_tensor_proto", "the tensor is undefined", loc);
  const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
  if (bytes > kMaxMessage - (std::uint64_t{1} << 16))
    throw UnsupportedError(fmt::format(
        "[save_tensor_proto] {}: {} bytes; protobuf holds at most 2 GiB; write .npy instead{}",
        path, bytes, called_at(loc)));
  TensorProto proto;
  for (const std::int64_t size : tensor.shape()) proto.add_dims(size);
  proto.set_data_type(onnx::dtype_code(tensor.dtype()));
  proto.set_name(name);
  std::string* raw = proto.mutable_raw_data();
  raw->resize(bytes);
  detail::copy_out(tensor, tensor.dtype(), raw->data(), loc);
  std::string message;
  if (!proto.SerializeToString(&message)) throw_internal("a TensorProto was not serialized", loc);
  detail::OutputFile file(path);
  file.write_at(0, message.data(), message.size());
  file.commit(false);
}

}  // namespace catena
