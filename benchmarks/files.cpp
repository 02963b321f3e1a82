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

// Both in turn, so that what else the machine does meets both: medians in nanoseconds. `before` is
// not timed.
std::pair<double, double> in_turn(Session& session, const std::string& raw_name,
                                  const std::function<void()>& raw, const std::string& our_name,
                                  const std::function<void()>& ours,
                                  const std::function<void()>& before) {
  std::vector<double> times[2];
  const int repetitions = session.repetitions > 0 ? session.repetitions : 15;
  for (int i = -1; i < repetitions; ++i)  // the first is not counted
    for (int side = 0; side < 2; ++side) {
      before();
      const double begin = now_ns();
      (side == 0 ? raw : ours)();
      if (i >= 0) times[side].push_back(now_ns() - begin);
    }
  const auto report = [&](const std::string& name, const std::vector<double>& t) {
    session.report({name, "total", quantile(t, 0.5), quantile(t, 0), quantile(t, 0.25),
                    quantile(t, 0.75), t.size()});
    return quantile(t, 0.5);
  };
  return {report(raw_name, times[0]), report(our_name, times[1])};
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
  const auto report_ratio = [&](const std::string& of, const char* what,
                                std::pair<double, double> times) {
    const double ratio = times.first / times.second;
    session.report({of, what, ratio, ratio, ratio, ratio, 1});
  };
  for (const bool sync : {false, true}) {
    const std::string suffix = sync ? " sync=on" : " sync=off";
    report_ratio(name + suffix, "save_rate_over_raw_write",
                 in_turn(
                     session, name + " op=raw_write" + suffix,
                     [&] { raw_write(buffer, path.c_str(), sync); }, name + " op=save" + suffix,
                     [&] { catena::save_tensors(path, model, {.sync = sync}); },
                     [&] { ::unlink(path.c_str()); }));
    if (sync) continue;
    const auto load = [&] {
      sum = 0;
      for (const auto& [key, tensor] : catena::load_tensors(path))
        sum += tensor.sum().item<double>();
    };
    report_ratio(name + suffix, "load_rate_over_raw_read",
                 in_turn(
                     session, name + " op=raw_read", [&] { raw_read(buffer, path.c_str()); },
                     name + " op=load_verified_and_summed", load, [] {}));
  }
  ::unlink(path.c_str());
  const double expected = static_cast<double>(each) * count * (count - 1) / 2;
  if (std::abs(sum - expected) > 1e-4 * expected)
    throw catena::InternalError("[bench] the loaded weights do not sum to what was saved");
}

}  // namespace bench
