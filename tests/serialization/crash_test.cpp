// Whatever ends a save, the file it was to replace is whole; a damaged file is an error or has the
// same contents. Of every format that is written.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <optional>
#include <ostream>

#include <sys/resource.h>
#include <sys/syscall.h>

#include "catena/ops/all.hpp"
#include "catena/serialization/npy.hpp"
#include "catena/serialization/npz.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"
#include "catena/serialization/safetensors.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/serialization/tensor_proto.hpp"
#include "file_builder.hpp"
#include "traced_process.hpp"

namespace catena {
namespace {

using test::read_file;
using test::TracedProcess;
using test::write_file;

// What a damaged file may be when it is no error: how much of it its format has checksums of.
enum class Covers { kAll, kValues, kNothing };

struct Format {
  const char* name;
  std::function<void(const Tensor&, const std::string& path)> save;
  std::function<Tensor(const std::string& path)> load;
  Covers covers;
};
void PrintTo(const Format& f, std::ostream* out) { *out << f.name; }

// y = x + w.
Graph graph_with(const Tensor& w) {
  Graph graph;
  const Graph::ValueId x = graph.add_input("x", w.dtype(), {w.size(0)});
  const Graph::ValueId p = graph.add_parameter("w", w);
  graph.add_output("y", graph.add_node(OpValue(get_op("add")), {x, p}));
  return graph;
}
std::vector<NamedTensor> named(const Tensor& w) { return {{"w", w}}; }
// The first, by any name.
Tensor first_of(const std::vector<NamedTensor>& tensors) {
  return tensors.empty() ? Tensor() : tensors[0].second;
}

const Format kFormats[] = {
    {"graph", [](const Tensor& w, const std::string& path) { save(path, graph_with(w)); },
     [](const std::string& path) { return first_of(load_graph(path).named_parameters()); },
     Covers::kAll},
    {"checkpoint",
     [](const Tensor& w, const std::string& path) {
       State state;
       state.add("w", w);
       state.add_value("step", std::int64_t{3});
       save_checkpoint(path, state);
     },
     [](const std::string& path) { return first_of(load_checkpoint(path).tensors); }, Covers::kAll},
    {"safetensors",
     [](const Tensor& w, const std::string& path) { save_safetensors(named(w), path); },
     [](const std::string& path) { return first_of(load_safetensors(path)); }, Covers::kNothing},
    {"npz", [](const Tensor& w, const std::string& path) { save_npz(named(w), path); },
     [](const std::string& path) { return first_of(load_npz(path)); }, Covers::kValues},
    {"npz_compressed",
     [](const Tensor& w, const std::string& path) { save_npz(named(w), path, true); },
     [](const std::string& path) { return first_of(load_npz(path)); }, Covers::kValues},
    {"npy", [](const Tensor& w, const std::string& path) { save_npy(w, path); },
     [](const std::string& path) { return load_npy(path); }, Covers::kNothing},
    {"tensor_proto", [](const Tensor& w, const std::string& path) { save_tensor_proto(w, path); },
     [](const std::string& path) { return load_tensor_proto(path); }, Covers::kNothing},
    {"onnx", [](const Tensor& w, const std::string& path) { save_onnx(graph_with(w), path); },
     [](const std::string& path) { return first_of(load_onnx(path).named_parameters()); },
     Covers::kNothing},
    {"onnx_with_data_file",
     [](const Tensor& w, const std::string& path) {
       save_onnx(graph_with(w), path, {.external_data_above = 16});
     },
     [](const std::string& path) { return first_of(load_onnx(path).named_parameters()); },
     Covers::kNothing},
};

class Crash : public test::FileTest, public ::testing::WithParamInterface<Format> {
 protected:
  void SetUp() override {
    FileTest::SetUp();
    GetParam().save(old_, path_);
  }

  // 1 or 2, the value of all elements; nothing when they differ.
  std::optional<double> loaded_value() const {
    const std::vector<double> values = GetParam().load(path_).to_vector<double>();
    const bool is_one = std::count(values.begin(), values.end(), values[0]) ==
                        static_cast<std::ptrdiff_t>(values.size());
    return is_one && values.size() == 30 ? std::optional(values[0]) : std::nullopt;
  }
  std::size_t unfinished_files() const {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      n += entry.path().extension() == ".tmp";
    return n;
  }
  // Writes the new values; 0: done, 1: a SystemError that says `text`.
  int save_new(const char* text) const {
    try {
      GetParam().save(new_, path_);
      return 0;
    } catch (const SystemError& e) {
      return std::string(e.what()).find(text) != std::string::npos ? 1 : 2;
    } catch (...) {
      return 3;
    }
  }
  const Tensor old_ = full({30}, 1), new_ = full({30}, 2);
};
INSTANTIATE_TEST_SUITE_P(Formats, Crash, ::testing::ValuesIn(kFormats),
                         [](const auto& info) { return info.param.name; });

TEST_P(Crash, KilledAtEverySystemCall) {
  bool is_new = false;
  int stops = 0;
  for (bool ended = false; !ended; ++stops) {
    TracedProcess writer([&] { return save_new(""); });
    if (!writer.is_allowed()) GTEST_SKIP() << "this system does not let a process trace another";
    for (int i = 0; i <= stops && !ended; ++i) ended = !writer.next();
    writer.kill();
    const std::optional<double> value = loaded_value();
    ASSERT_TRUE(value == 1 || value == 2) << "killed at stop " << stops;
    EXPECT_TRUE(!is_new || value == 2) << "killed at stop " << stops << ": the new file is gone";
    is_new = value == 2;
    if (ended) EXPECT_EQ(writer.exit_status(), 0);
  }
  EXPECT_TRUE(is_new);
  EXPECT_GT(stops, 10);
  GetParam().save(old_, path_);
  EXPECT_EQ(loaded_value(), 1) << "what was left behind must not matter";
}

// Each call that concerns files fails in its turn, as on a full disk.
TEST_P(Crash, EveryFileCallMayFail) {
  static constexpr long kCalls[] = {SYS_openat, SYS_pwrite64,  SYS_write,  SYS_fsync, SYS_close,
                                    SYS_rename, SYS_ftruncate, SYS_fchmod, SYS_lseek};
  int failed = 0, errors = 0;
  for (bool ended = false; !ended; ++failed) {
    GetParam().save(old_, path_);
    TracedProcess writer([&] { return save_new("No space left on device"); });
    if (!writer.is_allowed()) GTEST_SKIP() << "this system does not let a process trace another";
    int before = failed;  // calls of files that are still to go well
    long call = -1;
    while (!(ended = !writer.next())) {
      if (std::find(std::begin(kCalls), std::end(kCalls), writer.call()) == std::end(kCalls))
        continue;
      if (before-- > 0) continue;
      call = writer.call();
      writer.fail(ENOSPC);
      while (writer.next()) continue;
      break;
    }
    const std::string where = "call " + std::to_string(failed) + ", number " + std::to_string(call);
    const std::optional<double> value = loaded_value();
    if (writer.exit_status() == 0) {
      EXPECT_EQ(value, 2) << where;
    } else {
      EXPECT_EQ(writer.exit_status(), 1) << where << ": another error";
      EXPECT_TRUE(value == 1 || value == 2) << where;
      ++errors;
    }
    EXPECT_EQ(unfinished_files(), 0u) << where << ": a temporary file is left";
  }
  EXPECT_GE(errors, 4);
}

// A limit on the size of files stands for a full disk, wherever the writing ends.
TEST_P(Crash, AFullDiskLeavesTheOldFile) {
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit whole;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &whole), 0);
  GetParam().save(new_, path_);
  const std::uintmax_t size = std::filesystem::file_size(path_);
  GetParam().save(old_, path_);
  std::vector<int> results;
  for (std::uintmax_t most = 0; most < size; ++most) {
    const rlimit limit{most, whole.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    results.push_back(save_new("File too large"));
    ::setrlimit(RLIMIT_FSIZE, &whole);
    if (loaded_value() != 1) results.back() = -1;
  }
  std::signal(SIGXFSZ, before);
  EXPECT_EQ(results, std::vector<int>(size, 1));
  EXPECT_EQ(unfinished_files(), 0u);
}

// Nobody writes through a link that lies where the file is to be.
TEST_P(Crash, ALinkIsReplacedNotItsTarget) {
  const std::string target = folder_ + "/target";
  write_file(target, "precious");
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(target, path_);
  EXPECT_EQ(save_new(""), 0);
  EXPECT_EQ(read_file(target), "precious");
  EXPECT_FALSE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(loaded_value(), 2);
}

// An error that names the file, or, as far as the format has no checksum, loaded.
class Damaged : public Crash {
 protected:
  void expect_met(const std::string& bytes, const std::string& what, bool is_cut) {
    write_file(path_, bytes);
    try {
      const Tensor loaded = GetParam().load(path_);
      EXPECT_NE(GetParam().covers, Covers::kAll) << what;
      if (is_cut || GetParam().covers == Covers::kValues)
        EXPECT_TRUE(loaded.defined() && loaded.to_vector<double>() == values_) << what;
    } catch (const Error& e) {
      if (std::string(e.what()).find(path_) == std::string::npos)
        ADD_FAILURE() << what << ": the error does not name the file: " << e.what();
    }
  }
  std::vector<double> values_ = old_.to_vector<double>();
};
INSTANTIATE_TEST_SUITE_P(Formats, Damaged, ::testing::ValuesIn(kFormats),
                         [](const auto& info) { return info.param.name; });

TEST_P(Damaged, CutAtEveryByte) {
  const std::string whole = read_file(path_);
  for (std::size_t n = 0; n < whole.size(); ++n)
    expect_met(whole.substr(0, n), "cut at byte " + std::to_string(n), true);
}

TEST_P(Damaged, AnyFlippedBit) {
  const std::string whole = read_file(path_);
  for (std::size_t i = 0; i < 8 * whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << i % 8));
    expect_met(bytes, "bit " + std::to_string(i), false);
  }
}

}  // namespace
}  // namespace catena
