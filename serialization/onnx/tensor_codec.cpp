#include "catena/serialization/onnx/tensor_codec.hpp"

#include <bit>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/serialization/onnx/external_data.hpp"
#include "catena_onnx_tensor.pb.h"

namespace catena::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are read as they lie");

using onnx_tensor::TensorProto;

// In the order of DType.
constexpr int kCodes[kNumDTypes] = {1, 11, 6, 7, 2, 9, 10, 16, 3, 5, 4, 12, 13};
constexpr const char* kCodeNames[] = {
    "undefined",      "float32",  "uint8",        "int8",           "uint16",
    "int16",          "int32",    "int64",        "string",         "bool",
    "float16",        "float64",  "uint32",       "uint64",         "complex64",
    "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
    "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1",     "float8e8m0",
    "uint2",          "int2"};

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
  Reader(const TensorProto& proto, const TensorSource& source, const std::source_location& loc)
      : proto_(proto), source_(source), loc_(loc) {}

  Tensor read() {
    const DType dtype = read_dtype();
    if (proto_.data_location() == 1) return read_external(dtype);
    if (proto_.data_location() != 0)
      damaged(fmt::format("data_location {}; expected 0 or 1", proto_.data_location()));
    const bool raw = !proto_.raw_data().empty();
    const std::uint64_t have = raw ? proto_.raw_data().size() : typed_count(dtype);
    const Shape shape = read_shape(dtype, have, raw ? size_of(dtype) : 1, raw ? "raw_data" : "data",
                                   raw ? "bytes" : "values");
    Tensor values = empty(shape, dtype, loc_);
    visit_dtype(dtype, [&](auto zero) { fill(values.data<decltype(zero)>(loc_), values.numel()); });
    return values;
  }

 private:
  [[noreturn]] void damaged(std::string_view what) const {
    throw SystemError(fmt::format("[{}] {}: damaged file: {}{}", source_.op, source_.where, what,
                                  called_at(loc_)));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw UnsupportedError(
        fmt::format("[{}] {}: {}{}", source_.op, source_.where, what, called_at(loc_)));
  }

  DType read_dtype() const {
    DType dtype;
    const int code = proto_.data_type();
    if (dtype_from_code(code, &dtype)) return dtype;
    if (code > 0 && code < static_cast<int>(std::size(kCodeNames)))
      unsupported(fmt::format("data_type {} ({}); tensors hold no such elements", code,
                              dtype_code_name(code)));
    damaged(fmt::format("data_type {} is unknown", code));
  }

  // The shape, which needs exactly `have` bytes or values, `unit` for an element.
  Shape read_shape(DType dtype, std::uint64_t have, std::uint64_t unit, const char* field,
                   const char* noun) const {
    if (proto_.dims_size() > kMaxRank)
      unsupported(fmt::format("dims: {} dimensions; a tensor has at most {}", proto_.dims_size(),
                              kMaxRank));
    Shape shape;
    bool has_zero = false;
    for (const std::int64_t size : proto_.dims()) {
      if (size < 0) damaged(fmt::format("dims: negative size {}", size));
      shape.push_back(size);
      has_zero = has_zero || size == 0;
    }
    std::uint64_t want = has_zero ? 0 : 1;
    for (const std::int64_t size : shape) {
      if (has_zero) break;
      if (static_cast<std::uint64_t>(size) > kMost / want)
        damaged(fmt::format("dims: {} needs more than the file holds", to_string(shape)));
      want *= static_cast<std::uint64_t>(size);
    }
    if (have != want * unit)
      damaged(fmt::format("{}: {} {}; {} {} needs {}", field, have, noun, name_of(dtype),
                          to_string(shape), want * unit));
    if (want > source_.max_bytes / size_of(dtype))
      throw ArgumentError(fmt::format(
          "[{}] {}: {} {} needs more than the {} bytes that the options allow; raise max_bytes{}",
          source_.op, source_.where, name_of(dtype), to_string(shape), source_.max_bytes,
          called_at(loc_)));
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
    normalise(out, count);
  }

  // A byte other than 0 or 1 in a bool would be undefined behaviour later.
  template <class T>
  static void normalise(T* out, std::int64_t count) {
    if constexpr (std::is_same_v<T, bool>) {
      char* bytes = reinterpret_cast<char*>(out);
      for (std::int64_t i = 0; i < count; ++i) bytes[i] = bytes[i] != 0;
    }
  }

  // "4096", nothing else: no sign, no blank, no overflow.
  std::uint64_t read_number(const char* key, const std::string& text) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
      damaged(fmt::format("external_data {} '{}'; expected a number of bytes", key, text));
    return value;
  }

  // `want` is of the whole file. Upper case digits mean the same.
  void compare_checksum(const ExternalFile& file, const std::string& location,
                        std::string want) const {
    for (char& c : want)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (want.size() != 40 || want.find_first_not_of("0123456789abcdef") != std::string::npos)
      damaged(fmt::format(
          "external_data checksum '{}'; expected the 40 hexadecimal digits of a SHA-1", want));
    auto it = source_.digests->find(location);
    if (it == source_.digests->end()) it = source_.digests->emplace(location, file.sha1()).first;
    if (it->second != want)
      damaged(
          fmt::format("external_data: '{}' has the SHA-1 {}; expected {} by the checksum; load "
                      "with verify = false to take it as it is",
                      location, it->second, want));
  }

  Tensor read_external(DType dtype) const {
    if (source_.folder.empty())
      unsupported(
          "data_location: the data are in another file, which is not read; load the model from a "
          "file");
    std::string location;
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;
    std::optional<std::string> checksum;
    for (const auto& entry : proto_.external_data()) {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") offset = read_number("offset", entry.value());
      if (entry.key() == "length") length = read_number("length", entry.value());
      if (entry.key() == "checksum") checksum = entry.value();
    }
    try {
      const ExternalFile file(source_.folder, location, source_.limit);
      if (offset > file.size() || length.value_or(0) > file.size() - offset)
        damaged(fmt::format("external_data: bytes {} to {} of '{}', which has {}", offset,
                            offset + length.value_or(0), location, file.size()));
      const Shape shape = read_shape(dtype, length.value_or(file.size() - offset), size_of(dtype),
                                     "external_data", "bytes");
      if (checksum && source_.digests) compare_checksum(file, location, *checksum);
      Tensor values = empty(shape, dtype, loc_);
      visit_dtype(dtype, [&](auto zero) {
        auto* out = values.data<decltype(zero)>(loc_);
        file.read_at(offset, out, static_cast<std::uint64_t>(values.numel()) * size_of(dtype));
        normalise(out, values.numel());
      });
      return values;
    } catch (const SystemError& e) {
      if (std::string_view(e.what()).starts_with(fmt::format("[{}]", source_.op))) throw;
      throw SystemError(
          fmt::format("[{}] {}: {}{}", source_.op, source_.where, e.what(), called_at(loc_)));
    }
  }

  static constexpr std::uint64_t kMost = std::uint64_t{1} << 59;
  const TensorProto& proto_;
  const TensorSource& source_;
  const std::source_location& loc_;
};

}  // namespace

int dtype_code(DType dtype) { return kCodes[static_cast<int>(dtype)]; }

bool dtype_from_code(int code, DType* dtype) {
  for (int i = 0; i < kNumDTypes; ++i) {
    if (kCodes[i] != code) continue;
    *dtype = static_cast<DType>(i);
    return true;
  }
  return false;
}

std::string dtype_code_name(int code) {
  return code >= 0 && code < static_cast<int>(std::size(kCodeNames)) ? kCodeNames[code]
                                                                     : fmt::format("{}", code);
}

Tensor read_tensor(const TensorProto& proto, const TensorSource& source,
                   const std::source_location& loc) {
  return Reader(proto, source, loc).read();
}

}  // namespace catena::onnx
