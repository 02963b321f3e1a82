// W9: weights to a file and back, against plain write and read of as many bytes in the same run.
// All of it goes to the page cache, like the raw calls; "sync" lines wait for the disk on both
// sides. Loading verifies checksums and sums the values once, so that every byte has been used.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include <catena/catena.hpp>
#include <catena/serialization/save_load.hpp>

#include "workloads.hpp"

namespace bench {
namespace {

using catena::Tensor;

// Calls transfer(pointer, count) until all bytes are through.
template <class Transfer>
void in_pieces(std::vector<char>& buffer, Transfer transfer) {
  for (std::size_t at = 0; at < buffer.size();) {
    const ssize_t n =
        transfer(buffer.data() + at, std::min<std::size_t>(1 << 24, buffer.size() - at));
    if (n <= 0) throw catena::SystemError("[bench] the file system refuses the test file");
    at += static_cast<std::size_t>(n);
  }
}

void raw_write(std::vector<char>& buffer, const char* path, bool sync) {
  const int file = ::open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  in_pieces(buffer, [&](char* p, std::size_t n) { return ::write(file, p, n); });
  if (sync) ::fsync(file);
  ::close(file);
}
void raw_read(std::vector<char>& buffer, const char* path) {
  const int file = ::open(path, O_RDONLY);
  in_pieces(buffer, [&](char* p, std::size_t n) { return ::read(file, p, n); });
  ::close(file);
}

}  // namespace

void files(Session& session, long parameters) {
  const std::string name = "W9_serialization params=" + std::to_string(parameters);
  if (!session.selected(name)) return;
  const std::string path =
      (std::filesystem::temp_directory_path() / ("catena_bench_" + std::to_string(::getpid())))
          .string();
  const long count = 25, each = parameters / count;
  std::vector<catena::NamedTensor> model;
  for (int i = 0; i < count; ++i)
    model.emplace_back("p" + std::to_string(i), catena::full({each}, static_cast<double>(i)));
  std::vector<char> buffer(static_cast<std::size_t>(each * count * 4), 1);
  double sum = 0;
  double raw[2] = {}, ours[2] = {};
  for (bool sync : {false, true}) {
    const std::string suffix = sync ? " sync=on" : " sync=off";
    auto fresh_file = [&](Clock& clock) {
      ::unlink(path.c_str());
      clock.skip();
    };
    raw[0] = Benchmark(session, name + " op=raw_write" + suffix)
                 .warm_up(1)
                 .repetitions(5, 5)
                 .run([&](Clock& clock) {
                   fresh_file(clock);
                   raw_write(buffer, path.c_str(), sync);
                   clock.lap("write");
                 });
    if (!sync)
      raw[1] = Benchmark(session, name + " op=raw_read")
                   .warm_up(1)
                   .repetitions(5, 5)
                   .run([&](Clock& clock) {
                     raw_read(buffer, path.c_str());
                     clock.lap("read");
                   });
    ours[0] = Benchmark(session, name + " op=save" + suffix)
                  .warm_up(1)
                  .repetitions(5, 5)
                  .run([&](Clock& clock) {
                    fresh_file(clock);
                    catena::save_tensors(path, model, {.sync = sync});
                    clock.lap("save");
                  });
    if (!sync)
      ours[1] = Benchmark(session, name + " op=load_verified_and_summed")
                    .warm_up(1)
                    .repetitions(5, 5)
                    .run([&](Clock& clock) {
                      sum = 0;
                      for (const auto& [key, tensor] : catena::load_tensors(path))
                        sum += tensor.sum().item<double>();
                      clock.lap("load");
                    });
    auto ratio = [&](const char* what, double a, double b) {
      if (b > 0) session.report({name + suffix, what, a / b, a / b, a / b, a / b, 1});
    };
    ratio("save_rate_over_raw_write", raw[0], ours[0]);
    if (!sync) ratio("load_rate_over_raw_read", raw[1], ours[1]);
  }
  ::unlink(path.c_str());
  const double expected = static_cast<double>(each) * count * (count - 1) / 2;
  if (std::abs(sum - expected) > 1e-4 * expected)
    throw catena::InternalError("[bench] the loaded weights do not sum to what was saved");
}

}  // namespace bench
