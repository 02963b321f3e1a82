#include "catena/serialization/npy.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/serialization/file.hpp"
#include "catena/serialization/npy_format.hpp"

namespace catena {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kMaxHeader = 1 << 16;

struct NpyType {
  DType dtype;
  const char* code;  // NumPy's kind and size
};
constexpr NpyType kTypes[] = {
    {kFloat32, "f4"}, {kFloat64, "f8"}, {kInt32, "i4"},   {kInt64, "i8"},
    {kUInt8, "u1"},   {kBool, "b1"},    {kFloat16, "f2"}, {kInt8, "i1"},
    {kInt16, "i2"},   {kUInt16, "u2"},  {kUInt32, "u4"},  {kUInt64, "u8"},
};

struct Header {
  DType dtype = kFloat32;
  bool swapped = false;
  bool fortran = false;
  std::vector<std::int64_t> shape;
};

// Reads the header, the text of a Python dict with three known keys.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const detail::NpySource& source,
               const std::source_location& loc)
      : text_(text), source_(source), loc_(loc) {}

  Header parse() {
    Header header;
    bool have_descr = false, have_order = false, have_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        if (peek() != '\'' && peek() != '"')
          unsupported("arrays of records (a structured 'descr') cannot be read");
        set_dtype(string(), &header);
        have_descr = true;
      } else if (key == "fortran_order") {
        header.fortran = boolean();
        have_order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        have_shape = true;
      } else {
        damaged(fmt::format("the header has an unknown key '{}'", key));
      }
      if (!accept(',') && peek() != '}') damaged("the header lacks a comma or a closing brace");
    }
    skip_space();
    if (at_ != text_.size()) damaged("the header goes on behind its closing brace");
    if (!have_descr || !have_order || !have_shape)
      damaged("the header lacks one of 'descr', 'fortran_order', 'shape'");
    return header;
  }

 private:
  [[noreturn]] void damaged(std::string_view what) const {
    throw SystemError(fmt::format("[{}] {}: damaged file: {}{}", source_.op, source_.name, what,
                                  called_at(loc_)));
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    throw UnsupportedError(
        fmt::format("[{}] {}: {}{}", source_.op, source_.name, what, called_at(loc_)));
  }
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged(fmt::format("the header lacks '{}' at character {}", c, at_));
  }
  std::string_view string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"')
      damaged(fmt::format("the header lacks a quoted string at character {}", at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) damaged("a string in the header has no end");
    const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    skip_space();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    damaged("'fortran_order' is neither True nor False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t value = 0;
      const auto [end, error] =
          std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) damaged("'shape' is not a tuple of sizes");
      at_ = static_cast<std::size_t>(end - text_.data());
      values.push_back(value);
      if (!accept(',') && peek() != ')') damaged("'shape' is not a tuple of sizes");
    }
    return values;
  }
  void set_dtype(std::string_view descr, Header* header) const {
    std::string_view code = descr;
    char order = '=';
    if (!code.empty() && std::string_view("<>|=").find(code[0]) != std::string_view::npos) {
      order = code[0];
      code.remove_prefix(1);
    }
    for (const NpyType& type : kTypes) {
      if (code == type.code) {
        header->dtype = type.dtype;
        header->swapped = order == '>' && size_of(type.dtype) > 1;
        return;
      }
    }
    unsupported(fmt::format(
        "dtype '{}' cannot be read; known: bool, int8 to int64, uint8 to uint64, float16, float32, "
        "float64",
        descr));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const detail::NpySource& source_;
  const std::source_location& loc_;
};

void swap_bytes(char* data, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < width / 2; ++j)
      std::swap(data[i * width + j], data[i * width + width - 1 - j]);
}

}  // namespace

namespace detail {

Tensor read_npy(const NpySource& source, const std::source_location& loc) {
  const auto fail = [&](std::string_view what) {
    throw SystemError(fmt::format("[{}] {}: {}{}", source.op, source.name, what, called_at(loc)));
  };
  char start[12];
  if (!source.read(start, 10)) fail("damaged file: too short for a .npy header");
  if (std::string_view(start, 6) != kMagic)
    fail("not a .npy file: it does not start with \\x93NUMPY");
  const int major = start[6];
  if (major < 1 || major > 3)
    fail(fmt::format("format version {} cannot be read; known: 1, 2, 3", major));
  const auto byte = [&](int i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(start[i]));
  };
  std::size_t header_size = byte(8) | byte(9) << 8;
  std::size_t data_at = 10;
  if (major > 1) {
    if (!source.read(start + 10, 2)) fail("damaged file: too short for a .npy header");
    header_size |= byte(10) << 16 | byte(11) << 24;
    data_at = 12;
  }
  if (header_size > kMaxHeader || header_size > source.size - data_at)
    fail(fmt::format("damaged file: the header claims {} bytes", header_size));
  std::string text(header_size, '\0');
  if (!source.read(text.data(), header_size)) fail("damaged file: the header is cut off");
  data_at += header_size;

  const Header header = HeaderParser(text, source, loc).parse();
  if (header.shape.size() > static_cast<std::size_t>(kMaxRank))
    throw UnsupportedError(fmt::format("[{}] {}: {} dimensions; a tensor has at most {}{}",
                                       source.op, source.name, header.shape.size(), kMaxRank,
                                       called_at(loc)));
  // Compared with the file before anything of that size is allocated.
  const std::uintmax_t have = source.size - data_at;
  std::uintmax_t want = size_of(header.dtype);
  bool has_zero = false;
  for (const std::int64_t size : header.shape) has_zero = has_zero || size == 0;
  for (const std::int64_t size : header.shape) {
    if (has_zero) break;
    if (static_cast<std::uintmax_t>(size) > have / want) {
      want = have + 1;
      break;
    }
    want *= static_cast<std::uintmax_t>(size);
  }
  if (has_zero) want = 0;
  if (want > have)
    fail(fmt::format(
        "damaged file: the shape {} of {} needs more than the {} bytes that follow the header",
        to_string(Shape(header.shape)), name_of(header.dtype), have));
  if (want < have)
    fail(fmt::format("damaged file: {} bytes follow the header; the shape {} of {} needs {}", have,
                     to_string(Shape(header.shape)), name_of(header.dtype), want));

  NoGrad no_grad;
  Shape shape(header.shape);
  if (header.fortran) std::reverse(shape.begin(), shape.end());
  Tensor values = empty(shape, header.dtype, loc);
  const auto count = static_cast<std::size_t>(values.numel());
  visit_dtype(header.dtype, [&](auto zero) {
    char* data = reinterpret_cast<char*>(values.data<decltype(zero)>(loc));
    if (want > 0 && !source.read(data, want)) fail("damaged file: the data are cut off");
    if (header.swapped) swap_bytes(data, count, size_of(header.dtype));
    // A byte other than 0 or 1 in a bool would be undefined behaviour later.
    if (header.dtype == kBool)
      for (std::size_t i = 0; i < count; ++i) data[i] = data[i] != 0;
  });
  if (!header.fortran || shape.rank() < 2) return values;
  Shape reversed;
  for (int i = shape.rank() - 1; i >= 0; --i) reversed.push_back(i);
  return values.permute(reversed, loc).contiguous(loc);
}

std::string npy_header(const char* op, const std::string& name, const Tensor& tensor,
                       const std::source_location& loc) {
  const NpyType* type = nullptr;
  for (const NpyType& t : kTypes)
    if (t.dtype == tensor.dtype()) type = &t;
  if (!type)
    throw UnsupportedError(fmt::format("[{}] {}: NumPy has no {}; convert with to(kFloat32){}", op,
                                       name, name_of(tensor.dtype()), called_at(loc)));

  std::string shape = "(";
  for (const std::int64_t size : tensor.shape())
    shape += fmt::format("{}{}", size, tensor.rank() == 1 ? "," : ", ");
  if (tensor.rank() > 1) shape.resize(shape.size() - 2);
  shape += ")";
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}",
                                   size_of(tensor.dtype()) == 1 ? '|' : '<', type->code, shape);
  // The data start at a multiple of 64, as NumPy writes them.
  header.append(63 - (kMagic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';

  const char version[4] = {1, 0, static_cast<char>(header.size() & 0xff),
                           static_cast<char>(header.size() >> 8)};
  return std::string(kMagic) + std::string(version, sizeof version) + header;
}

std::string npy_elements(const Tensor& tensor, const std::source_location& loc) {
  std::string bytes(static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype()), '\0');
  copy_out(tensor, tensor.dtype(), bytes.data(), loc);
  return bytes;
}

}  // namespace detail

Tensor load_npy(const std::string& path, const LoadOptions& options, std::source_location loc) {
  const detail::InputFile file(path, {options.max_seconds, fmt::format("[load_npy] {}", path)});
  if (file.size() > options.max_bytes)
    throw_argument("load_npy",
                   fmt::format("{}: {} bytes; the options allow {}; raise max_bytes", path,
                               file.size(), options.max_bytes),
                   loc);
  std::uint64_t at = 0;
  const auto read = [&](void* data, std::size_t bytes) {
    if (bytes > file.size() - at) return false;
    file.read_at(at, data, bytes);
    at += bytes;
    return true;
  };
  return detail::read_npy({"load_npy", path, file.size(), read}, loc);
}

void save_npy(const Tensor& tensor, const std::string& path, std::source_location loc) {
  if (!tensor.defined()) throw_argument("save_npy", "the tensor is undefined", loc);
  const std::string header = detail::npy_header("save_npy", path, tensor, loc);
  const std::string elements = detail::npy_elements(tensor, loc);
  detail::OutputFile file(path);
  file.write_at(0, header.data(), header.size());
  file.write_at(header.size(), elements.data(), elements.size());
  file.commit(false);
}

}  // namespace catena
