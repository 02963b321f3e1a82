#include "catena/serialization/tensor_proto.hpp"

#include <bit>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/serialization/file.hpp"
#include "catena_onnx_tensor.pb.h"

namespace catena {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

using onnx_tensor::TensorProto;

constexpr std::uint64_t kMaxMessage = std::numeric_limits<std::int32_t>::max();

// TensorProto.DataType of each dtype, in the order of DType.
constexpr int kCodes[kNumDTypes] = {1, 11, 6, 7, 2, 9, 10, 16, 3, 5, 4, 12, 13};

template <class T, class List>
void copy_list(const List& list, T* out) {
  for (const auto value : list) {
    if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>)
      out->bits = static_cast<std::uint16_t>(value);
    else
      *out = static_cast<T>(value);
    ++out;
  }
}

class Reader {
 public:
  Reader(const std::string& path, const std::source_location& loc) : path_(path), loc_(loc) {}

  Tensor read() {
    const detail::InputFile file(path_);
    if (file.size() > kMaxMessage)
      damaged(fmt::format("{} bytes; protobuf holds at most {}", file.size(), kMaxMessage));
    std::string bytes(file.size(), '\0');
    file.read_at(0, bytes.data(), bytes.size());
    if (!proto_.ParseFromString(bytes)) damaged("not a protobuf message");
    bytes.clear();
    bytes.shrink_to_fit();

    const DType dtype = read_dtype();
    const Shape shape = read_shape(dtype);
    Tensor values = empty(shape, dtype, loc_);
    visit_dtype(dtype, [&](auto zero) { fill(values.data<decltype(zero)>(loc_), values.numel()); });
    return values;
  }

 private:
  [[noreturn]] void damaged(std::string_view what) const {
    throw SystemError(
        fmt::format("[load_tensor_proto] {}: damaged file: {}{}", path_, what, called_at(loc_)));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw UnsupportedError(
        fmt::format("[load_tensor_proto] {}: {}{}", path_, what, called_at(loc_)));
  }

  DType read_dtype() const {
    if (proto_.data_location() != 0 || proto_.external_data_size() > 0)
      unsupported("data_location: the data are in another file, which is not read");
    for (int i = 0; i < kNumDTypes; ++i)
      if (kCodes[i] == proto_.data_type()) return static_cast<DType>(i);
    const int code = proto_.data_type();
    if (code == 8 || code == 14 || code == 15)
      unsupported(fmt::format("data_type {}: tensors hold no strings or complex numbers", code));
    damaged(fmt::format("data_type {} is unknown", code));
  }

  // How many elements the message holds; checked before anything of the shape's size is allocated.
  Shape read_shape(DType dtype) const {
    if (proto_.dims_size() > kMaxRank)
      unsupported(fmt::format("dims: {} dimensions; a tensor has at most {}", proto_.dims_size(),
                              kMaxRank));
    Shape shape;
    for (const std::int64_t size : proto_.dims()) {
      if (size < 0) damaged(fmt::format("dims: negative size {}", size));
      shape.push_back(size);
    }
    std::uint64_t want = 1;
    bool has_zero = false;
    for (const std::int64_t size : shape) has_zero = has_zero || size == 0;
    for (const std::int64_t size : shape) {
      if (has_zero) break;
      if (static_cast<std::uint64_t>(size) > kMaxMessage / want)
        damaged(fmt::format("dims: {} needs more than the file holds", to_string(shape)));
      want *= static_cast<std::uint64_t>(size);
    }
    if (has_zero) want = 0;
    const bool raw = !proto_.raw_data().empty();
    const std::uint64_t have = raw ? proto_.raw_data().size() : typed_count(dtype);
    const std::uint64_t unit = raw ? size_of(dtype) : 1;
    if (have != want * unit)
      damaged(fmt::format("{}: {} {}; {} {} needs {}", raw ? "raw_data" : "data", have,
                          raw ? "bytes" : "values", name_of(dtype), to_string(shape), want * unit));
    return shape;
  }

  std::uint64_t typed_count(DType dtype) const {
    switch (dtype) {
      case DType::kFloat32:
        return static_cast<std::uint64_t>(proto_.float_data_size());
      case DType::kFloat64:
        return static_cast<std::uint64_t>(proto_.double_data_size());
      case DType::kInt64:
        return static_cast<std::uint64_t>(proto_.int64_data_size());
      case DType::kUInt32:
      case DType::kUInt64:
        return static_cast<std::uint64_t>(proto_.uint64_data_size());
      default:
        return static_cast<std::uint64_t>(proto_.int32_data_size());
    }
  }

  template <class T>
  void fill(T* out, std::int64_t count) const {
    if (proto_.raw_data().empty()) {
      if constexpr (std::is_same_v<T, float>)
        copy_list(proto_.float_data(), out);
      else if constexpr (std::is_same_v<T, double>)
        copy_list(proto_.double_data(), out);
      else if constexpr (std::is_same_v<T, std::int64_t>)
        copy_list(proto_.int64_data(), out);
      else if constexpr (std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t>)
        copy_list(proto_.uint64_data(), out);
      else
        copy_list(proto_.int32_data(), out);
      return;
    }
    char* bytes = reinterpret_cast<char*>(out);
    proto_.raw_data().copy(bytes, proto_.raw_data().size());
    // A byte other than 0 or 1 in a bool would be undefined behaviour later.
    if constexpr (std::is_same_v<T, bool>)
      for (std::int64_t i = 0; i < count; ++i) bytes[i] = bytes[i] != 0;
  }

  const std::string& path_;
  const std::source_location& loc_;
  TensorProto proto_;
};

}  // namespace

Tensor load_tensor_proto(const std::string& path, std::source_location loc) {
  return Reader(path, loc).read();
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
  proto.set_data_type(kCodes[static_cast<int>(tensor.dtype())]);
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
