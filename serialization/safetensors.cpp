#include "catena/serialization/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "catena/graph/error.hpp"
#include "catena/serialization/file.hpp"

namespace catena {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMostHeader = 100'000'000;  // the format's own limit
constexpr int kDeepest = 3;                         // header, tensor, shape

// In the order of DType.
constexpr const char* kNames[kNumDTypes] = {"F32",  "F64", "I32", "I64", "U8",  "BOOL", "F16",
                                            "BF16", "I8",  "I16", "U16", "U32", "U64"};

struct Entry {
  std::string name;
  DType dtype = kFloat32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

class Reader {
 public:
  Reader(const std::string& path, const LoadOptions& options, const std::source_location& loc)
      : file_(path, {options.max_seconds, fmt::format("[load_safetensors] {}", path)}),
        options_(options),
        loc_(loc) {
    read_header();
  }

  std::vector<NamedTensor> tensors() {
    std::vector<NamedTensor> list;
    for (const Entry& e : entries_) {
      Tensor t = empty(e.shape, e.dtype, loc_);
      visit_dtype(e.dtype, [&]<class T>(T) {
        char* to = reinterpret_cast<char*>(t.data<T>(loc_));
        file_.read_at(data_ + e.begin, to, e.end - e.begin);
        // A byte other than 0 or 1 in a bool would be undefined behaviour later.
        if constexpr (std::is_same_v<T, bool>)
          for (std::int64_t i = 0; i < t.numel(); ++i) to[i] = to[i] != 0;
      });
      list.emplace_back(e.name, std::move(t));
    }
    return list;
  }
  Metadata take_metadata() { return std::move(metadata_); }

 private:
  [[noreturn]] void damaged(std::string_view what) const {
    throw SystemError(fmt::format("[load_safetensors] {}: damaged file: {}{}", file_.path(), what,
                                  called_at(loc_)));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw UnsupportedError(
        fmt::format("[load_safetensors] {}: {}{}", file_.path(), what, called_at(loc_)));
  }

  void read_header() {
    if (file_.size() < 8) damaged(fmt::format("{} bytes; a header's length takes 8", file_.size()));
    std::uint64_t length = 0;
    file_.read_at(0, &length, 8);
    if (length > kMostHeader || length > file_.size() - 8)
      damaged(fmt::format("the header has {} bytes; the file has {}, and a header at most {}",
                          length, file_.size(), kMostHeader));
    if (length > options_.max_bytes)
      throw_argument("load_safetensors",
                     fmt::format("{}: a header of {} bytes is more than max_bytes = {}",
                                 file_.path(), length, options_.max_bytes),
                     loc_);
    std::string text(length, '\0');
    file_.read_at(8, text.data(), length);
    if (text.empty() || text[0] != '{') damaged("the header does not begin with '{'");
    data_ = 8 + length;
    const Json header = parse(text);
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__")
        read_metadata(value);
      else
        entries_.push_back(read_entry(name, value));
    }
    check_tiles();
  }

  // Also refuses names that come twice, of which a JSON parser would keep one, and nesting.
  Json parse(const std::string& text) const {
    std::vector<std::set<std::string>> open;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
      file_.limit().check();
      if (depth > kDeepest) damaged(fmt::format("the header nests deeper than {}", kDeepest));
      if (event == Json::parse_event_t::object_start) open.emplace_back();
      if (event == Json::parse_event_t::object_end) open.pop_back();
      if (event == Json::parse_event_t::key &&
          !open.back().insert(parsed.get<std::string>()).second)
        damaged(fmt::format("the header names '{}' twice", parsed.get<std::string>()));
      return true;
    };
    try {
      return Json::parse(text, watch);
    } catch (const Json::exception& e) {
      damaged(fmt::format("the header is no JSON: {}", e.what()));
    }
  }

  void read_metadata(const Json& value) {
    if (!value.is_object()) damaged("__metadata__ is no object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) damaged(fmt::format("__metadata__: '{}' is no text", key));
      metadata_.emplace_back(key, text.get<std::string>());
    }
    std::sort(metadata_.begin(), metadata_.end());
  }

  std::uint64_t number(const Json& value, const std::string& field) const {
    if (!value.is_number_unsigned())
      damaged(fmt::format("{} is {}; expected a whole number of 0 or more", field, value.dump()));
    return value.get<std::uint64_t>();
  }

  Entry read_entry(const std::string& name, const Json& value) const {
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets"))
      damaged(fmt::format("'{}': expected dtype, shape and data_offsets", name));
    Entry e;
    e.name = name;
    const Json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
    if (!dtype.is_string()) damaged(fmt::format("'{}': dtype is no text", name));
    const auto text = dtype.get<std::string>();
    const auto* const found = std::find(std::begin(kNames), std::end(kNames), text);
    if (found == std::end(kNames))
      unsupported(fmt::format("'{}': tensors of dtype {} cannot be held", name, text));
    e.dtype = static_cast<DType>(found - kNames);
    if (!shape.is_array()) damaged(fmt::format("'{}': shape is no list", name));
    if (shape.size() > static_cast<std::size_t>(kMaxRank))
      unsupported(fmt::format("'{}': {} dimensions; a tensor has at most {}", name, shape.size(),
                              kMaxRank));
    std::uint64_t bytes = size_of(e.dtype);
    for (const Json& s : shape) {
      const std::uint64_t size = number(s, fmt::format("'{}': a size", name));
      if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        damaged(fmt::format("'{}': a size of {}", name, size));
      e.shape.push_back(static_cast<std::int64_t>(size));
      if (__builtin_mul_overflow(bytes, size, &bytes))
        damaged(fmt::format("'{}': shape {} has more bytes than there are numbers for", name,
                            shape.dump()));
    }
    if (!offsets.is_array() || offsets.size() != 2)
      damaged(fmt::format("'{}': data_offsets are not two numbers", name));
    e.begin = number(offsets[0], fmt::format("'{}': data_offsets", name));
    e.end = number(offsets[1], fmt::format("'{}': data_offsets", name));
    const std::uint64_t have = file_.size() - data_;
    if (e.begin > e.end || e.end > have)
      damaged(fmt::format("'{}': data_offsets [{}, {}] of {} bytes of data", name, e.begin, e.end,
                          have));
    if (e.end - e.begin != bytes)
      damaged(fmt::format("'{}': {} {} needs {} bytes; data_offsets give {}", name, text,
                          to_string(e.shape), bytes, e.end - e.begin));
    return e;
  }

  // The tensors fill the data without holes and overlap.
  void check_tiles() {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t at = 0;
    for (const Entry& e : entries_) {
      if (e.begin != at)
        damaged(
            fmt::format("'{}' begins at byte {} of the data; expected {}, where the one before "
                        "it ends",
                        e.name, e.begin, at));
      at = e.end;
    }
    if (at != file_.size() - data_)
      damaged(fmt::format("the tensors end at byte {} of {} of data", at, file_.size() - data_));
    if (at > options_.max_bytes)
      throw_argument("load_safetensors",
                     fmt::format("{}: {} bytes of tensors are more than max_bytes = {}",
                                 file_.path(), at, options_.max_bytes),
                     loc_);
  }

  detail::InputFile file_;
  const LoadOptions& options_;
  const std::source_location& loc_;
  std::uint64_t data_ = 0;  // where the tensors' bytes begin
  std::vector<Entry> entries_;
  Metadata metadata_;
};

}  // namespace

std::vector<NamedTensor> load_safetensors(const std::string& path, const LoadOptions& options,
                                          std::source_location loc) {
  return Reader(path, options, loc).tensors();
}

Metadata load_safetensors_metadata(const std::string& path, const LoadOptions& options,
                                   std::source_location loc) {
  return Reader(path, options, loc).take_metadata();
}

void save_safetensors(std::span<const NamedTensor> tensors, const std::string& path,
                      const SaveOptions& options, std::source_location loc) {
  Json header = Json::object();
  const auto bad_name = [&](const std::string& name, const char* why) {
    throw_argument("save_safetensors", fmt::format("the name '{}' {}", name, why), loc);
  };
  if (!options.metadata.empty()) {
    Metadata sorted = options.metadata;
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [key, value] : sorted) header["__metadata__"][key] = value;
  }
  std::uint64_t at = 0;
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name == "__metadata__") bad_name(name, "is not one of a tensor");
    if (!names.insert(name).second) bad_name(name, "is given twice");
    if (!tensor.defined()) bad_name(name, "stands for an undefined tensor");
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
    Json& entry = header[name];
    entry["dtype"] = kNames[static_cast<int>(tensor.dtype())];
    entry["shape"] = std::vector<std::int64_t>(tensor.shape().begin(), tensor.shape().end());
    entry["data_offsets"] = {at, at + bytes};
    at += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::type_error&) {
    throw_argument("save_safetensors", "a name or a text of the metadata is not UTF-8", loc);
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begin at a multiple of 8
  if (text.size() > kMostHeader)
    throw UnsupportedError(
        fmt::format("[save_safetensors] {}: the header would have {} bytes; the format allows {}{}",
                    path, text.size(), kMostHeader, called_at(loc)));
  const std::uint64_t length = text.size();
  detail::OutputFile file(path);
  file.write_at(0, &length, 8);
  file.write_at(8, text.data(), text.size());
  std::uint64_t to = 8 + length;
  std::vector<char> bytes;
  for (const auto& [name, tensor] : tensors) {
    bytes.resize(static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype()));
    detail::copy_out(tensor, tensor.dtype(), bytes.data(), loc);
    file.write_at(to, bytes.data(), bytes.size());
    to += bytes.size();
  }
  file.commit(options.sync);
}

}  // namespace catena
