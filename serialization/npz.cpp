#include "catena/serialization/npz.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <minizip/unzip.h>
#include <minizip/zip.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <set>

#include "catena/graph/error.hpp"
#include "catena/serialization/file.hpp"
#include "catena/serialization/npy_format.hpp"

namespace catena {
namespace {

// zlib's inflate makes at most 1032 bytes of one.
constexpr std::uint64_t kMostInflation = 1032;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // of one call of minizip

// A file as minizip sees it. Exceptions must not cross its code: the first one is kept.
struct ZipStream {
  const detail::InputFile* in = nullptr;
  detail::OutputFile* out = nullptr;
  std::uint64_t at = 0, end = 0;
  std::exception_ptr error;

  void rethrow() const {
    if (error) std::rethrow_exception(error);
  }
};

ZipStream* stream_of(void* opaque) { return static_cast<ZipStream*>(opaque); }
void* open_stream(void* opaque, const void*, int) { return opaque; }
unsigned long read_stream(void* opaque, void*, void* data, unsigned long bytes) {
  ZipStream* s = stream_of(opaque);
  const std::uint64_t n = s->at < s->end ? std::min<std::uint64_t>(bytes, s->end - s->at) : 0;
  try {
    s->in->read_at(s->at, data, n);
  } catch (...) {
    s->error = std::current_exception();
    return 0;
  }
  s->at += n;
  return n;
}
unsigned long write_stream(void* opaque, void*, const void* data, unsigned long bytes) {
  ZipStream* s = stream_of(opaque);
  try {
    s->out->write_at(s->at, data, bytes);
  } catch (...) {
    s->error = std::current_exception();
    return 0;
  }
  s->at += bytes;
  s->end = std::max(s->end, s->at);
  return bytes;
}
ZPOS64_T tell_stream(void* opaque, void*) { return stream_of(opaque)->at; }
long seek_stream(void* opaque, void*, ZPOS64_T offset, int origin) {
  ZipStream* s = stream_of(opaque);
  s->at = offset + (origin == ZLIB_FILEFUNC_SEEK_CUR   ? s->at
                    : origin == ZLIB_FILEFUNC_SEEK_END ? s->end
                                                       : 0);
  return 0;
}
int close_stream(void*, void*) { return 0; }
int stream_error(void* opaque, void*) { return stream_of(opaque)->error ? -1 : 0; }

zlib_filefunc64_def functions_of(ZipStream* stream) {
  return {open_stream, read_stream,  write_stream, tell_stream,
          seek_stream, close_stream, stream_error, stream};
}

struct CloseUnzip {
  void operator()(void* zip) const { unzClose(zip); }
};

class NpzReader {
 public:
  NpzReader(const std::string& path, const LoadOptions& options, const std::source_location& loc)
      : file_(path, {options.max_seconds, fmt::format("[load_npz] {}", path)}),
        loc_(loc),
        left_(options.max_bytes) {
    stream_.in = &file_;
    stream_.end = file_.size();
    functions_ = functions_of(&stream_);
    zip_.reset(unzOpen2_64("", &functions_));
    stream_.rethrow();
    if (!zip_ && !is_empty_archive()) fail("not a .npz file: it has no directory of a zip archive");
  }

  // Calls f(name, read) for each member; read() gives its array.
  template <class F>
  void each(F&& f) {
    if (!zip_) return;
    std::uint64_t compressed = 0;
    int status = unzGoToFirstFile(zip_.get());
    for (; status == UNZ_OK; status = unzGoToNextFile(zip_.get())) {
      unz_file_info64 info;
      std::string name(kMaxName, '\0');
      check(unzGetCurrentFileInfo64(zip_.get(), &info, name.data(), name.size(), nullptr, 0,
                                    nullptr, 0),
            "the directory");
      if (info.size_filename >= kMaxName)
        fail(fmt::format("damaged file: a name of {} characters", info.size_filename));
      name.resize(info.size_filename);
      // Members that share bytes would add up to more than the file.
      compressed += info.compressed_size;
      if (info.compressed_size > file_.size() || compressed > file_.size())
        fail(
            fmt::format("damaged file: up to the member '{}' {} bytes are claimed, the file has {}",
                        name, compressed, file_.size()));
      if (!name.ends_with(".npy"))
        throw UnsupportedError(fmt::format("[load_npz] {}: the member '{}' is no .npy file{}",
                                           file_.path(), name, called_at(loc_)));
      name.resize(name.size() - 4);
      if (!f(name, [&] { return read_member(name, info); })) return;
    }
    if (status != UNZ_END_OF_LIST_OF_FILE) check(status, "the directory");
  }

 private:
  static constexpr std::size_t kMaxName = 4096;

  // Nothing but the end of a directory, which minizip does not find at the file's beginning.
  bool is_empty_archive() const {
    constexpr std::string_view kEnd("PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    char bytes[kEnd.size()];
    if (file_.size() != kEnd.size()) return false;
    file_.read_at(0, bytes, sizeof bytes);
    return std::string_view(bytes, sizeof bytes) == kEnd;
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw SystemError(fmt::format("[load_npz] {}: {}{}", file_.path(), what, called_at(loc_)));
  }
  void check(int status, std::string_view what) const {
    stream_.rethrow();
    if (status < 0)
      fail(fmt::format(
          "damaged file: {} cannot be read: {}", what,
          status == UNZ_CRCERROR ? "its checksum differs" : fmt::format("zip error {}", status)));
  }

  Tensor read_member(const std::string& name, const unz_file_info64& info) {
    const std::string member = fmt::format("{}: member '{}.npy'", file_.path(), name);
    const auto unsupported = [&](std::string_view what) {
      throw UnsupportedError(fmt::format("[load_npz] {}: {}{}", member, what, called_at(loc_)));
    };
    if (info.flag & 1) unsupported("it is encrypted");
    if (info.compression_method != 0 && info.compression_method != Z_DEFLATED)
      unsupported(fmt::format("compression method {}; known: 0 (stored), 8 (deflated)",
                              info.compression_method));
    const std::uint64_t most =
        info.compression_method == 0 ? info.compressed_size : info.compressed_size * kMostInflation;
    if (info.uncompressed_size > most)
      fail(fmt::format("damaged file: member '{}.npy' claims {} bytes; its {} can hold at most {}",
                       name, info.uncompressed_size, info.compressed_size, most));
    if (info.uncompressed_size > left_)
      throw_argument("load_npz",
                     fmt::format("{} takes {} bytes; the options leave {}; raise max_bytes", member,
                                 info.uncompressed_size, left_),
                     loc_);
    left_ -= info.uncompressed_size;
    check(unzOpenCurrentFile(zip_.get()), member);
    const auto read = [this](void* data, std::size_t bytes) {
      char* to = static_cast<char*>(data);
      while (bytes > 0) {
        const int n =
            unzReadCurrentFile(zip_.get(), to, static_cast<unsigned>(std::min(bytes, kMostBytes)));
        stream_.rethrow();
        if (n <= 0) return false;
        to += n;
        bytes -= static_cast<std::size_t>(n);
      }
      return true;
    };
    Tensor out = detail::read_npy({"load_npz", member, info.uncompressed_size, read}, loc_);
    check(unzCloseCurrentFile(zip_.get()), member);
    return out;
  }

  detail::InputFile file_;
  const std::source_location& loc_;
  std::uint64_t left_;
  ZipStream stream_;
  zlib_filefunc64_def functions_;
  std::unique_ptr<void, CloseUnzip> zip_;
};

struct CloseZip {
  void operator()(void* zip) const { zipClose(zip, nullptr); }
};

}  // namespace

std::vector<NamedTensor> load_npz(const std::string& path, const LoadOptions& options,
                                  std::source_location loc) {
  NpzReader reader(path, options, loc);
  std::vector<NamedTensor> out;
  std::set<std::string> names;
  reader.each([&](const std::string& name, auto&& read) {
    if (!names.insert(name).second)
      throw SystemError(
          fmt::format("[load_npz] {}: damaged file: the member '{}.npy' is there twice{}", path,
                      name, called_at(loc)));
    out.emplace_back(name, read());
    return true;
  });
  return out;
}

Tensor load_npz(const std::string& path, std::string_view name, const LoadOptions& options,
                std::source_location loc) {
  NpzReader reader(path, options, loc);
  Tensor out;
  std::vector<std::string> names;
  reader.each([&](const std::string& found, auto&& read) {
    names.push_back(found);
    if (found == name) out = read();
    return found != name;
  });
  if (!out.defined())
    throw_argument(
        "load_npz",
        fmt::format("{} has no array '{}'; it has: {}", path, name, fmt::join(names, ", ")), loc);
  return out;
}

void save_npz(std::span<const NamedTensor> tensors, const std::string& path, bool compress,
              std::source_location loc) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || !names.insert(name).second)
      throw_argument("save_npz",
                     fmt::format("the name '{}' is {}; expected each name once", name,
                                 name.empty() ? "empty" : "there twice"),
                     loc);
    if (!tensor.defined())
      throw_argument("save_npz", fmt::format("the tensor '{}' is undefined", name), loc);
  }
  detail::OutputFile file(path);
  ZipStream stream;
  stream.out = &file;
  zlib_filefunc64_def functions = functions_of(&stream);
  std::unique_ptr<void, CloseZip> zip(zipOpen2_64("", APPEND_STATUS_CREATE, nullptr, &functions));
  const auto check = [&](int status, std::string_view what) {
    stream.rethrow();
    if (status != ZIP_OK)
      throw SystemError(
          fmt::format("[save_npz] {}: {} cannot be written: zip error {}", path, what, status));
  };
  check(zip ? ZIP_OK : ZIP_INTERNALERROR, "the archive");
  zip_fileinfo info{};  // the date that NumPy writes
  info.tmz_date.tm_mday = 1;
  info.tmz_date.tm_year = 1980;
  for (const auto& [name, tensor] : tensors) {
    const std::string parts[] = {detail::npy_header("save_npz", path, tensor, loc),
                                 detail::npy_elements(tensor, loc)};
    const bool large = parts[0].size() + parts[1].size() >= 0xffff0000u;
    check(zipOpenNewFileInZip64(zip.get(), (name + ".npy").c_str(), &info, nullptr, 0, nullptr, 0,
                                nullptr, compress ? Z_DEFLATED : 0,
                                compress ? Z_DEFAULT_COMPRESSION : 0, large),
          name);
    for (const std::string& part : parts)
      for (std::size_t at = 0; at < part.size(); at += kMostBytes)
        check(zipWriteInFileInZip(zip.get(), part.data() + at,
                                  static_cast<unsigned>(std::min(part.size() - at, kMostBytes))),
              name);
    check(zipCloseFileInZip(zip.get()), name);
  }
  check(zipClose(zip.release(), nullptr), "the directory");
  file.commit(false);
}

}  // namespace catena
