#include "catena/graph/profiler.hpp"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "catena/graph/autograd.hpp"
#include "catena/graph/chain_report.hpp"
#include "catena/graph/checkpoint.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Events = std::vector<ProfileEvent>;

Events named(const Profiler& profiler, std::string_view name) {
  Events found;
  for (const ProfileEvent& event : profiler.events())
    if (event.name == name) found.push_back(event);
  return found;
}
std::vector<std::string> names(const Profiler& profiler) {
  std::vector<std::string> all;
  for (const ProfileEvent& event : profiler.events()) all.push_back(event.name);
  return all;
}
const ProfileRow* row(std::vector<ProfileRow>&&, std::string_view) = delete;  // it would dangle
const ProfileRow* row(const std::vector<ProfileRow>& rows, std::string_view name) {
  for (const ProfileRow& r : rows)
    if (r.name == name) return &r;
  return nullptr;
}
std::string line_name(unsigned line) { return "profiler_test.cpp:" + std::to_string(line); }

bool inside(const ProfileEvent& inner, const ProfileEvent& outer) {
  return inner.thread == outer.thread && inner.begin >= outer.begin &&
         inner.begin + inner.duration <= outer.begin + outer.duration;
}

TEST(Profiler, RecordsCallsAndGradients) {
  Tensor x = randn({2, 3}).set_requires_grad(), w = randn({3, 4}).set_requires_grad();
  Profiler profiler;
  Tensor y;
  const unsigned product = __LINE__ + 1;
  y = matmul(x, w);
  const unsigned product_tanh = __LINE__ + 1;
  y = tanh(y);
  const Tensor loss = y.sum();
  const unsigned pass = __LINE__ + 1;
  loss.backward();
  profiler.stop();

  const Events calls = named(profiler, "tanh");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].kind, ProfileKind::kCall);
  EXPECT_EQ(calls[0].lines[0].line(), product_tanh);
  EXPECT_NE(std::string(calls[0].lines[0].file_name()).find("profiler_test.cpp"),
            std::string::npos);
  ASSERT_EQ(calls[0].values.size(), 1u);
  EXPECT_EQ(calls[0].values[0].shape, (Shape{2, 4}));
  EXPECT_EQ(calls[0].values[0].dtype, kFloat32);
  EXPECT_TRUE(calls[0].device.is_cpu());
  EXPECT_GT(calls[0].duration, 0);

  const Events gradients = named(profiler, "tanh'");
  ASSERT_EQ(gradients.size(), 1u);
  EXPECT_EQ(gradients[0].kind, ProfileKind::kGradient);
  EXPECT_EQ(gradients[0].lines[0].line(), product_tanh);
  EXPECT_EQ(gradients[0].values[0].shape, (Shape{2, 4}));

  const Events passes = named(profiler, "backward");
  ASSERT_EQ(passes.size(), 1u);
  EXPECT_EQ(passes[0].kind, ProfileKind::kSpan);
  EXPECT_EQ(passes[0].lines[0].line(), pass);
  EXPECT_TRUE(inside(gradients[0], passes[0]));
  EXPECT_FALSE(inside(calls[0], passes[0]));

  // The call itself; in the gradient one for x; the one for w when all products for it are there.
  const Events products = named(profiler, "matmul");
  ASSERT_EQ(products.size(), 3u);
  for (const ProfileEvent& event : products) EXPECT_EQ(event.lines[0].line(), product);
  ASSERT_EQ(products[0].values.size(), 2u);
  EXPECT_EQ(products[0].values[1].shape, (Shape{3, 4}));
  EXPECT_TRUE(inside(products[1], named(profiler, "matmul'")[0]));
  EXPECT_TRUE(inside(products[2], passes[0]));
}

TEST(Profiler, SelfTimeIsWithoutWhatIsInside) {
  Tensor x = randn({8, 8}).set_requires_grad();
  Profiler profiler;
  {
    const ProfileSpan outer("outer");
    {
      const ProfileSpan inner("inner");
      tanh(matmul(x, x)).sum().backward();
    }
    sigmoid(x);
  }
  profiler.stop();
  EXPECT_EQ(names(profiler).front(), "outer") << "an enclosing event comes first";
  for (const ProfileEvent& event : profiler.events()) {
    EXPECT_GE(event.self, 0) << event.name;
    std::int64_t within = 0;  // of the events directly inside
    const ProfileEvent* last = nullptr;
    for (const ProfileEvent& other : profiler.events())
      if (&other > &event && inside(other, event) && !(last && inside(other, *last))) {
        within += other.duration;
        last = &other;
      }
    EXPECT_LE(event.self, event.duration - within) << event.name;
    if (!last) {
      EXPECT_EQ(event.self, event.duration) << event.name;
    }
  }
}

TEST(Profiler, RecordsViewsOfSmallTensors) {
  const Tensor x = randn({2, 3});
  Profiler profiler;
  transpose(x, 0, 1);
  reshape(x, {6});
  profiler.stop();
  EXPECT_EQ(names(profiler), (std::vector<std::string>{"transpose", "reshape"}));
}

TEST(Profiler, RecordsNothingWhenNotActive) {
  const Tensor x = randn({4});
  tanh(x);
  Profiler profiler;
  EXPECT_TRUE(profiler.active());
  sigmoid(x);
  profiler.stop();
  EXPECT_FALSE(profiler.active());
  relu(x);
  profiler.stop();  // once more changes nothing
  EXPECT_EQ(names(profiler), std::vector<std::string>{"sigmoid"});
  EXPECT_EQ(profiler.dropped_events(), 0u);
  EXPECT_GT(profiler.seconds(), 0);
}

TEST(Profiler, WhatIsUnderWayAtEitherEndIsLeftOut) {
  const Tensor x = randn({4});
  std::optional<ProfileSpan> before("before");
  std::optional<Profiler> first;
  first.emplace();
  std::optional<ProfileSpan> during("during");
  before.reset();
  first.reset();
  Profiler second;
  tanh(x);
  during.reset();
  second.stop();
  EXPECT_EQ(names(second), std::vector<std::string>{"tanh"});
}

// A span need not end in the order of a stack.
TEST(Profiler, SpansMayOverlap) {
  Profiler profiler;
  std::optional<ProfileSpan> a("a"), b("b");
  a.reset();
  tanh(randn({2}));
  b.reset();
  profiler.stop();
  ASSERT_EQ(named(profiler, "b").size(), 1u);
  EXPECT_TRUE(inside(named(profiler, "tanh")[0], named(profiler, "b")[0]));
  EXPECT_LT(named(profiler, "b")[0].self, named(profiler, "b")[0].duration);
}

TEST(Profiler, RecordsTheRunsOfChains) {
  const DeferralScope on(true, 16);
  Tensor x = randn({4, 8}).set_requires_grad();
  std::vector<std::string> observed;
  set_chain_observer([&](const ChainReport& report) { observed.push_back(report.calls[0]); });
  Profiler profiler;
  const unsigned first = __LINE__ + 1;
  const Tensor twice = x * 2;
  const Tensor y = tanh(twice);
  EXPECT_EQ(pending_values(), 2) << "the profiler makes nothing run earlier";
  const unsigned read = __LINE__ + 1;
  y.sum().item<double>();
  y.mean().backward();
  profiler.stop();
  set_chain_observer(nullptr);
  EXPECT_EQ(observed, (std::vector<std::string>{"mul", "tanh'"})) << "the observer goes on as well";

  EXPECT_EQ(named(profiler, "mul").size(), 1u) << "the call, which only records";
  const Events chains = named(profiler, "chain (mul, tanh)");
  ASSERT_EQ(chains.size(), 1u);
  EXPECT_EQ(chains[0].kind, ProfileKind::kChain);
  ASSERT_EQ(chains[0].lines.size(), 2u);
  EXPECT_EQ(chains[0].lines[0].line(), first);
  EXPECT_EQ(chains[0].lines[1].line(), first + 1);
  ASSERT_EQ(chains[0].values.size(), 2u) << "both have handles";
  EXPECT_EQ(chains[0].values[0].shape, (Shape{4, 8}));
  const Events sums = named(profiler, "sum");
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums[0].lines[0].line(), read);
  EXPECT_TRUE(inside(chains[0], sums[0]));
  const Events back = named(profiler, "chain (tanh', mul')");
  ASSERT_EQ(back.size(), 1u);
  EXPECT_TRUE(inside(back[0], named(profiler, "backward")[0]));
  EXPECT_EQ(back[0].lines[0].line(), first + 1);

  // The time of a chain belongs to the lines of its calls.
  const std::vector<ProfileRow> rows = profiler.rows(ProfileBy::kNameAndLine);
  const ProfileRow* line = row(rows, "chain (mul, tanh) " + line_name(first));
  ASSERT_NE(line, nullptr);
  EXPECT_EQ(line->calls, 1);
  EXPECT_NEAR(static_cast<double>(line->self), 0.5 * static_cast<double>(chains[0].self), 1);
}

TEST(Profiler, PutsEventsTogetherByNameAndByLine) {
  const Tensor x = randn({4});
  Profiler profiler;
  unsigned line = 0;
  for (int i = 0; i < 3; ++i) {
    line = __LINE__ + 1;
    sigmoid(tanh(x));
  }
  tanh(x);
  profiler.stop();
  const std::vector<ProfileRow> by_name = profiler.rows();
  ASSERT_EQ(by_name.size(), 2u);
  EXPECT_GE(by_name[0].self, by_name[1].self);
  ASSERT_NE(row(by_name, "tanh"), nullptr);
  EXPECT_EQ(row(by_name, "tanh")->calls, 4);
  EXPECT_EQ(row(by_name, "sigmoid")->calls, 3);
  const std::vector<ProfileRow> by_line = profiler.rows(ProfileBy::kLine);
  ASSERT_NE(row(by_line, line_name(line)), nullptr);
  EXPECT_EQ(row(by_line, line_name(line))->calls, 6);
  EXPECT_EQ(row(by_line, line_name(line + 2))->calls, 1);
  const std::vector<ProfileRow> both = profiler.rows(ProfileBy::kNameAndLine);
  EXPECT_EQ(row(both, "tanh " + line_name(line))->calls, 3);
  for (const auto* rows : {&by_name, &by_line, &both}) {
    std::int64_t self = 0;
    for (const ProfileRow& r : *rows) self += r.self;
    std::int64_t events = 0;
    for (const ProfileEvent& event : profiler.events()) events += event.self;
    EXPECT_EQ(self, events);
  }
}

// A call in a call of the same name counts once.
TEST(Profiler, TotalsCountNestedEventsOnce) {
  Profiler profiler;
  {
    const ProfileSpan outer("part");
    const ProfileSpan inner("part");
  }
  profiler.stop();
  const std::vector<ProfileRow> rows = profiler.rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].calls, 2);
  EXPECT_EQ(rows[0].total, profiler.events()[0].duration);
}

TEST(Profiler, PrintsATable) {
  const Tensor x = randn({64, 64});
  Profiler profiler({.max_events = 5});
  for (int i = 0; i < 4; ++i) matmul(x, x);
  tanh(x);
  sigmoid(x);
  profiler.stop();
  const std::string table = profiler.table();
  std::istringstream lines(table);
  std::string title, first;
  std::getline(lines, title);
  std::getline(lines, first);
  for (const char* column : {"name", "self", "share", "total", "calls", "mean", "memory"})
    EXPECT_NE(title.find(column), std::string::npos) << title;
  // Which of the two that is depends on the machine.
  EXPECT_TRUE(first.starts_with(profiler.rows()[0].name + " ")) << table;
  EXPECT_NE(table.find("\nmatmul "), std::string::npos) << table;
  EXPECT_NE(table.find("\ntanh "), std::string::npos) << table;
  EXPECT_NE(first.find(" % "), std::string::npos) << first;
  EXPECT_EQ(first.size(), title.size());
  EXPECT_NE(table.find("5 events in "), std::string::npos) << table;
  EXPECT_NE(table.find("; 1 later ones were dropped (max_events is 5)\n"), std::string::npos);
  EXPECT_NE(profiler.table({.rows = 1}).find("\nand 1 more\n"), std::string::npos);
  EXPECT_TRUE(profiler.table({.by = ProfileBy::kLine}).starts_with("line "));
}

TEST(Profiler, DropsWhatIsTooMuchAndCountsIt) {
  const Tensor x = randn({4});
  Profiler profiler({.max_events = 10});
  for (int i = 0; i < 25; ++i) tanh(x);
  profiler.stop();
  EXPECT_EQ(profiler.events().size(), 10u);
  EXPECT_EQ(profiler.dropped_events(), 15u);
}

TEST(Profiler, CountsMemory) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer's build counts no memory";
#endif
  const DeferralScope off(false);
  const Tensor x = randn({1 << 18});
  Profiler profiler;
  Tensor y;
  {
    const ProfileSpan span("span");
    y = tanh(x);
  }
  profiler.stop();
  const ProfileEvent call = named(profiler, "tanh")[0], span = named(profiler, "span")[0];
  EXPECT_GE(call.memory, 4 << 18);
  EXPECT_LT(call.memory, 6 << 18) << "a size class may be larger";
  EXPECT_EQ(call.self_memory, call.memory);
  EXPECT_EQ(span.memory, call.memory);
  EXPECT_EQ(span.self_memory, 0);
  EXPECT_GE(call.memory_in_use, std::uint64_t{8} << 18);
}

TEST(Profiler, RecordsAllThreads) {
  const Tensor x = randn({4});
  Profiler profiler;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) tanh(x);
    });
  for (std::thread& t : threads) t.join();
  profiler.stop();
  std::map<std::uint32_t, int> counts;
  for (const ProfileEvent& event : profiler.events()) ++counts[event.thread];
  EXPECT_EQ(counts.size(), 4u);
  for (const auto& [thread, count] : counts) EXPECT_EQ(count, 50) << thread;
}

// Calls go on while profilers come and go.
TEST(Profiler, BeginsAndEndsWhileOthersCompute) {
  Tensor x = randn({16}).set_requires_grad();
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!done) tanh(x * 2).reshape({4, 4}).sum().backward();
    });
  for (int i = 0; i < 50; ++i) {
    Profiler profiler({.max_events = 1000});
    tanh(x);
    profiler.stop();
    for (const ProfileEvent& event : profiler.events()) EXPECT_GE(event.begin, 0);
    profiler.table();
  }
  done = true;
  for (std::thread& t : threads) t.join();
}

std::vector<Tensor> compute() {
  manual_seed(3);
  Tensor x = randn({20, 30}).set_requires_grad(), w = randn({30, 5}).set_requires_grad();
  Tensor b = randn({5}).set_requires_grad();
  Tensor wide = randn({200, 200}).set_requires_grad();
  const Tensor y = softmax(matmul(gelu(x * 2 + 1), w) + b, 1);
  const Tensor z = checkpoint([](const Tensor& t) { return tanh(t) * sigmoid(t); }, wide);
  const Tensor loss =
      (y * y).sum() + dropout(z, 0.5).mean() + transpose(x, 0, 1).reshape({-1}).max();
  const Tensor g = grad(loss, w, {.retain_graph = true, .create_graph = true});
  (loss + (g * g).sum()).backward();
  return {loss.detach(), x.grad(), w.grad(), b.grad(), wide.grad()};
}

TEST(Profiler, ResultsHaveTheSameBits) {
  for (const bool deferred : {false, true}) {
    const DeferralScope scope(deferred, 64);
    const std::vector<Tensor> without = compute();
    Profiler profiler;
    const std::vector<Tensor> with = compute();
    profiler.stop();
    EXPECT_GT(profiler.events().size(), 50u);
    const std::vector<Tensor> after = compute();
    for (std::size_t i = 0; i < without.size(); ++i) {
      EXPECT_TRUE(same_bits(without[i], with[i])) << i << " " << deferred;
      EXPECT_TRUE(same_bits(without[i], after[i])) << i << " " << deferred;
    }
  }
}

TEST(Profiler, AFailedCallIsRecordedAndNothingIsLeftOpen) {
  const Tensor x = randn({2, 3});
  Profiler profiler;
  expect_error<ArgumentError>([&] { matmul(x, x); }, {"[matmul]"});
  tanh(x);
  profiler.stop();
  EXPECT_EQ(names(profiler), (std::vector<std::string>{"matmul", "tanh"}));
  EXPECT_FALSE(inside(profiler.events()[1], profiler.events()[0]));
}

TEST(Profiler, Errors) {
  Profiler profiler;
  const unsigned made = __LINE__ - 1;
  expect_error<ArgumentError>(
      [] { Profiler second; },
      {"[profiler] another profiler is active, made at ", line_name(made).c_str(),
       "; expected one at a time; stop() that one first. (called at profiler_test.cpp:"});
  EXPECT_TRUE(profiler.active());
  const auto early = {
      "[profiler] it is still recording; expected to be asked after stop(). (called "
      "at profiler_test.cpp:"};
  expect_error<ArgumentError>([&] { profiler.events(); }, early);
  expect_error<ArgumentError>([&] { profiler.rows(); }, early);
  expect_error<ArgumentError>([&] { profiler.table(); }, early);
  expect_error<ArgumentError>([&] { profiler.write_chrome_trace("trace.json"); }, early);
  profiler.stop();
  Profiler next;  // now there may be another
  next.stop();
  expect_error<SystemError>(
      [&] { next.write_chrome_trace("no such folder/trace.json"); },
      {"[profiler] no such folder/trace.json: the trace cannot be written; expected a folder that "
       "exists, that may be written to and has space (called at profiler_test.cpp:"});
}

TEST(Profiler, WritesAChromeTrace) {
  Tensor x = randn({2, 3}).set_requires_grad();
  Profiler profiler;
  unsigned line = 0;
  {
    const ProfileSpan span("a \"part\"\n\xff");
    line = __LINE__ + 1;
    tanh(x).sum().backward();
  }
  std::thread([&] { sigmoid(x); }).join();
  profiler.stop();
  const auto path = std::filesystem::temp_directory_path() /
                    ("catena_profiler_test_" + std::to_string(::getpid()) + ".json");
  profiler.write_chrome_trace(path.string());
  std::ifstream file(path);
  const nlohmann::json trace = nlohmann::json::parse(file);
  std::filesystem::remove(path);

  EXPECT_EQ(trace["displayTimeUnit"], "ms");
  EXPECT_EQ(trace["otherData"]["dropped events"], 0);
  std::map<std::string, nlohmann::json> complete;
  std::set<int> named_threads, threads;
  int counters = 0;
  for (const nlohmann::json& event : trace["traceEvents"]) {
    const std::string phase = event["ph"];
    EXPECT_EQ(event["pid"], 1);
    if (phase == "X") {
      complete[event["name"]] = event;
      threads.insert(event["tid"].get<int>());
    } else if (phase == "C") {
      ++counters;
      EXPECT_EQ(event["name"], "memory");
      EXPECT_TRUE(event["args"]["in use"].is_number_unsigned());
    } else {
      EXPECT_EQ(phase, "M");
      if (event["name"] == "thread_name") named_threads.insert(event["tid"].get<int>());
    }
  }
  EXPECT_EQ(complete.size(), profiler.events().size());
  EXPECT_EQ(threads.size(), 2u);
  EXPECT_EQ(threads, named_threads);
  EXPECT_GT(counters, 0);
  const nlohmann::json& call = complete.at("tanh");
  EXPECT_EQ(call["cat"], "call");
  EXPECT_EQ(call["args"]["inputs"], "[2, 3] float32");
  EXPECT_EQ(call["args"]["device"], "cpu");
  EXPECT_TRUE(call["args"]["line"].get<std::string>().ends_with(line_name(line)));
  EXPECT_EQ(complete.at("tanh'")["cat"], "gradient");
  EXPECT_EQ(complete.at("backward")["cat"], "span");
  const nlohmann::json& span = complete.at("a \"part\"\n\uFFFD");
  EXPECT_LE(span["ts"].get<double>(), call["ts"].get<double>());
  EXPECT_GE(span["ts"].get<double>() + span["dur"].get<double>(),
            call["ts"].get<double>() + call["dur"].get<double>());
}

}  // namespace
}  // namespace catena::test
