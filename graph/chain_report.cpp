#include "catena/graph/chain_report.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/pending.hpp"

namespace catena {
namespace {

void print(const ChainReport& report) {
  fmt::print(stderr, "catena: chain of {}\n", to_string(report));
}

bool asked_to_print() {
  const char* value = std::getenv("CATENA_SHOW_CHAINS");
  return value && std::string_view(value) == "1";
}

struct Listener {
  std::mutex mutex;
  std::shared_ptr<const ChainObserver> observer;
  std::atomic<bool> listens{false};

  Listener() {
    if (asked_to_print()) set(print);
  }
  void set(ChainObserver given) {
    const std::lock_guard lock(mutex);
    observer = given ? std::make_shared<const ChainObserver>(std::move(given)) : nullptr;
    listens.store(observer != nullptr, std::memory_order_relaxed);
  }
  std::shared_ptr<const ChainObserver> get() {
    const std::lock_guard lock(mutex);
    return observer;
  }
};

Listener& listener() {
  static auto* all = new Listener;
  return *all;
}

std::string counted(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace

void set_chain_observer(ChainObserver observer) { listener().set(std::move(observer)); }

std::string to_string(const ChainReport& report) {
  std::vector<std::string_view> dtypes;
  for (const DType dtype : report.results) dtypes.push_back(name_of(dtype));
  const std::string written =
      dtypes.empty()
          ? "read by the kernel of the call after it"
          : fmt::format("{} ({})", counted(dtypes.size(), "result"), fmt::join(dtypes, ", "));
  return fmt::format("{} ({}) on {}: {}, {}, {:.3g} ms", counted(report.calls.size(), "call"),
                     fmt::join(report.calls, ", "), to_string(report.shape),
                     counted(static_cast<std::size_t>(report.num_inputs), "input"), written,
                     report.seconds * 1e3);
}

namespace detail {

void ChainTimer::start(const PendingRun& run) {
  if (!listener().listens.load(std::memory_order_relaxed) && !is_profiling()) return;
  report_ = std::make_unique<ChainReport>();
  report_->shape = run.shape;
  std::unordered_set<const Storage*> inputs;
  for (const PendingValue* p : run.members) {
    const OpInfo& op = p->op.info();
    // A gradient line reads the incoming gradient, the inputs and the output.
    const bool gradient = op.kind == OpKind::kPointwise && p->num_inputs > op.pointwise.inputs;
    report_->calls.push_back(std::string(op.name) + (gradient ? "'" : ""));
    report_->lines.push_back(p->location);
    for (int i = 0; i < p->num_inputs; ++i)
      if (p->inputs[i].storage) inputs.insert(p->inputs[i].storage);
  }
  report_->num_inputs = static_cast<int>(inputs.size());
  for (const PendingValue* p : run.targets) report_->results.push_back(p->out->dtype);
  scope_.begin(*report_);
  begin_ = std::chrono::steady_clock::now();
}

void ChainTimer::finish() {
  if (!report_) return;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin_;
  report_->seconds = taken.count();
  scope_.end();
  if (const auto observer = listener().get()) (*observer)(*report_);
  report_.reset();
}

}  // namespace detail
}  // namespace catena
