// A random program for the checker of the memory gate (random_program_test.cpp). It mixes calls of
// every pointwise op on all dtypes and broadcast forms with views, casts, dropout, reductions,
// in-place writes, writes through escaped pointers, hooks, several backward passes, and threads
// that read shared tensors. A deferred run also changes the number of threads it computes with, and
// mostly makes machine code for its chains.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/backends/cpu/step_code.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/graph/registry.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {

struct Record {
  std::string what;
  std::vector<double> values;
  std::string error;
};

// What one run of a program showed.
struct Outcome {
  std::vector<Record> records;
  std::vector<std::string> text;
};

// A program under way. Every choice comes from the seed and from shapes, dtypes and flags, never
// from values or from the way of running, so that both runs make the same ones.
class Program {
 public:
  Program(std::uint64_t seed, bool deferred)
      : random_(seed), deferred_(deferred), how_(seed ^ 0x5DEECE66Du) {}

  Outcome run() {
    DeferralScope scope(deferred_, 1);
    const int threads = num_threads();
    if (deferred_) {
      set_num_threads(1 + static_cast<int>(how_() % 3));
      cpu::set_step_code_after(how_() % 4 == 0 ? 0 : 1);
    }
    manual_seed(random_());
    // Some are large enough for several threads, and for blocks of several lines.
    const bool large = chance(2);
    limit_ = large ? 70000 : 4096;
    length_ = large ? 17000 : pick({1, 2, 3, 5, 8, 13, 130, 520, 1030});
    uses_threads_ = chance(8);
    make_inputs();
    const int steps = 10 + number(large ? 10 : 40);
    for (int i = 0; i < steps; ++i) guarded([&] { step(); });
    guarded([&] { finish(); });
    for (std::size_t i = 0; i < pool_.size(); ++i)
      read("end: value " + std::to_string(i), pool_[i]);
    for (std::size_t i = 0; i < leaves_.size(); ++i)
      read("end: gradient of leaf " + std::to_string(i), leaves_[i].grad());
    // A kept gradient that was recorded refers back to its tensor: a cycle, theirs to break.
    for (Tensor& t : retained_) t.zero_grad();
    set_num_threads(threads);
    return std::move(outcome_);
  }

 private:
  // --- Choices ---
  int number(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return number(100) < percent; }
  int pick(std::initializer_list<int> list) {
    return list.begin()[number(static_cast<int>(list.size()))];
  }
  double real() { return static_cast<double>(random_() >> 11) * 0x1p-52 - 1; }
  Tensor any() { return pool_[static_cast<std::size_t>(number(static_cast<int>(pool_.size())))]; }
  // A value that broadcasts with `a`, if some tries find one, and mostly of its dtype.
  Tensor mate(const Tensor& a) {
    const bool any_dtype = chance(15);
    for (int i = 0; i < 12; ++i) {
      Tensor b = any();
      Shape joined;
      if ((any_dtype || b.dtype() == a.dtype()) &&
          broadcast_shapes(a.shape(), b.shape(), &joined) && joined.numel() <= limit_)
        return b;
    }
    return a;
  }

  void note(const std::string& s) { outcome_.text.push_back(s); }
  static std::string shown(const Tensor& t) {
    return std::string(name_of(t.dtype())) + to_string(t.shape()) +
           (t.requires_grad() ? " grad" : "");
  }
  void read(const std::string& what, const Tensor& t) {
    Record r{what, {}, {}};
    if (t.defined()) r.values = t.to_vector<double>();
    outcome_.records.push_back(std::move(r));
  }
  template <class F>
  void guarded(F f) {
    try {
      f();
    } catch (const Error& e) {
      note(std::string("  threw: ") + e.what());
      // Which of several overwritten values is met first depends on whether the gradient is fused.
      const std::string text = e.what();
      outcome_.records.push_back({"error", {}, text.substr(0, text.find("overwritten in place"))});
    }
  }
  void push(const Tensor& t) {
    if (t.numel() > limit_ || t.rank() > 4) return;
    pool_.push_back(t);
    if (pool_.size() > 24) pool_.erase(pool_.begin() + number(static_cast<int>(pool_.size())));
  }

  Tensor fresh(const Shape& shape, DType dtype, bool grad) {
    std::vector<double> v(static_cast<std::size_t>(shape.numel()));
    for (double& x : v) x = is_floating(dtype) ? real() : std::floor(real() * 3 + 1);
    return tensor(v, shape, {dtype, kCpu, grad});
  }
  Shape some_shape() {
    switch (number(6)) {
      case 0:
        return {length_};
      case 1:
        return {2, length_};
      case 2:
        return {1, length_};
      case 3:
        return {2, 1};
      case 4:
        return {};
      default:
        return {length_, 2};
    }
  }

  DType some_dtype() {
    static constexpr DType kAll[] = {kFloat32, kFloat64, kInt32, kInt64, kUInt8, kBool, kFloat16};
    return kAll[number(7)];
  }

  void make_inputs() {
    const DType main = chance(50) ? kFloat32 : kFloat64;
    for (int i = 0; i < 3; ++i) {
      leaves_.push_back(fresh(some_shape(), chance(85) ? main : kFloat64, true));
      push(leaves_.back());
    }
    for (int i = 0; i < 3; ++i) push(fresh(some_shape(), main, false));
    if (chance(50)) push(fresh(some_shape(), some_dtype(), false));
  }

  // --- Steps ---
  void step() {
    // How it runs may change on the way; what it computes may not.
    if (deferred_) set_deferral(how_() % 8 != 0);
    switch (number(20)) {
      case 0:
      case 1:
        return unary();
      case 2:
      case 3:
        return any_pointwise();
      case 4:
      case 5:
      case 6:
      case 7:
        return binary();
      case 8:
      case 9:
      case 10:
        return view();
      case 11:
        return chance(30) ? rows() : reduce();
      case 12:
      case 13:
        return write();
      case 14:
        return escape();
      case 15:
        return hook();
      case 16:
        return chance(30) ? entries() : chance(50) ? drop() : modes();
      case 17:
        return differentiate();
      case 18:
        return chain();
      default:
        return uses_threads_ ? threads() : read_some();
    }
  }

  void unary() {
    const Tensor x = any();
    const int f = number(9);
    note("unary " + std::to_string(f) + " of " + shown(x));
    push(apply(f, x));
  }
  static Tensor apply(int f, const Tensor& x) {
    switch (f) {
      case 0:
        return -x;
      case 1:
        return tanh(x);
      case 2:
        return sigmoid(x);
      case 3:
        return relu(x);
      case 4:
        return exp(tanh(x));
      case 5:
        return sqrt(x * x + 1);
      case 6:
        return log(x * x + 1);
      case 7:
        return x * 0.5;
      default:
        return 1 / (x * x + 1);
    }
  }
  void binary() {
    const Tensor a = any(), b = mate(a);
    const int f = number(7);
    note("binary " + std::to_string(f) + " of " + shown(a) + " and " + shown(b));
    Shape joined;
    if (!broadcast_shapes(a.shape(), b.shape(), &joined)) return;
    switch (f) {
      case 0:
        return push(a + b);
      case 1:
        return push(a - b);
      case 2:
        return push(tanh(a * b));
      case 3:
        return push(a / (b * b + 1));
      case 4:
        return push(where(a > b, a, b));
      case 5:
        return push(where(a <= b, a * 2, b - 1) * 0.5);
      default:
        return push(pow(b * b + 1, tanh(a)));
    }
  }
  // Any pointwise op there is, with its default attributes.
  void any_pointwise() {
    static const std::vector<const OpInfo*> ops = [] {
      std::vector<const OpInfo*> list;
      for (const OpInfo* op : all_ops())
        if (op->kind == OpKind::kPointwise && op->built_in) list.push_back(op);
      return list;
    }();
    const OpInfo& op = *ops[static_cast<std::size_t>(number(static_cast<int>(ops.size())))];
    std::vector<Tensor> inputs{any()};
    while (static_cast<int>(inputs.size()) < op.pointwise.inputs) inputs.push_back(mate(inputs[0]));
    if (op.pointwise.first_promoted == 1) inputs[0] = inputs[0] > 0;
    note(std::string(op.name) + " of " + shown(inputs[0]));
    push(call(op.name, inputs)[0]);
  }
  // What joins chains though it is no formula.
  void entries() {
    const Tensor x = any();
    const bool casts = chance(50);
    const DType dtype = some_dtype();
    note((casts ? "cast of " : "dropout of ") + shown(x));
    push(casts ? (x * 2).to(dtype) : dropout(tanh(x), 0.25) + x);
  }
  // A long pointwise chain, beyond what one program holds, with its middle kept at times.
  void chain() {
    Tensor x = any();
    const int n = 5 + number(60);
    note("chain of " + std::to_string(n) + " from " + shown(x));
    for (int i = 0; i < n; ++i) {
      x = apply(number(9), std::move(x));
      if (chance(5)) push(x);
      if (chance(3)) x = x + mate(x);
      if (x.numel() > limit_) return;
    }
    push(x);
  }
  void view() {
    const Tensor x = any();
    const int f = number(8);
    note("view " + std::to_string(f) + " of " + shown(x));
    const int d = x.rank() ? number(x.rank()) : 0;
    switch (f) {
      case 0:
        return x.rank() > 1 ? push(x.transpose(0, x.rank() - 1)) : void();
      case 1:
        return push(x.reshape({-1}));
      case 2:
        return x.rank() ? push(slice(x, d, number(2), x.shape()[d], 1 + number(3))) : void();
      case 3:
        return x.rank() && x.shape()[d] > 0
                   ? push(select(x, d, number(static_cast<int>(x.shape()[d]))))
                   : void();
      case 4:
        return push(x.unsqueeze(number(x.rank() + 1)));
      case 5:
        return x.rank() < 2 ? push(x.unsqueeze(0).expand([&] {
          Shape s = x.shape();
          s.insert(0, 2);
          return s;
        }()))
                            : void();
      case 6:
        return push(x.detach());
      default:
        return push(chance(50) ? x.clone() : x.contiguous());
    }
  }
  void reduce() {
    const Tensor x = any();
    const int f = number(9);
    note("reduce " + std::to_string(f) + " of " + shown(x));
    if (x.rank() == 0 || x.numel() == 0) return;
    const int d = number(x.rank());
    switch (f) {
      case 0:
        return push(x.sum({d}) * 0.25);
      case 1:
        return push(x.mean({d}, true));
      case 2:
        return push(x.max({d}));
      case 3:
        return push(softmax(x, d));
      case 4:
        return x.rank() == 2 && x.numel() <= 4096 ? push(tanh(matmul(x, x.t()))) : void();
      case 5:  // of chains that nothing else sees
        return push(sum(apply(number(9), x) * apply(number(9), x), {d}));
      case 6: {
        const Tensor y = apply(number(9), x);
        return push(mean(apply(number(9), y) + y * x, chance(50) ? Shape{} : Shape{d}));
      }
      case 7:
        return push(max(apply(number(9), x), {d}, true) * min(apply(number(9), x)));
      default:
        return push(concat({x, x * 2}, d));
    }
  }

  // Kernels that read a chain row by row.
  void rows() {
    const Tensor x = any();
    const int f = number(5);
    note("rows " + std::to_string(f) + " of " + shown(x));
    if (x.rank() == 0 || x.numel() == 0) return;
    const std::int64_t n = x.shape()[x.rank() - 1];
    switch (f) {
      case 0:
        return push(softmax(apply(number(9), x), number(x.rank())));
      case 1:
        return push(log_softmax(apply(number(9), x) + x, number(x.rank())));
      case 2:
        return push(layer_norm(apply(number(9), x) * x, {n}));
      case 3:
        return push(rms_norm(apply(number(9), x), {n}));
      default:
        if (x.rank() != 2) return;
        return push(cross_entropy(apply(number(9), x) - 1, zeros({x.shape()[0]}, kInt64)));
    }
  }

  // In place: on tensors that need no gradients, or on anything under NoGrad (which may invalidate
  // what a tape has saved: then both runs must say so).
  void write() {
    Tensor target = any();
    const Tensor source = mate(target);
    const int f = number(7);
    const bool off = chance(40);
    note("write " + std::to_string(f) + " to " + shown(target) + " from " + shown(source) +
         (off ? " under NoGrad" : ""));
    std::unique_ptr<NoGrad> no_grad;
    if (off) no_grad = std::make_unique<NoGrad>();
    switch (f) {
      case 0:
        target.copy_(source);
        break;
      case 1:
        target.add_(source, 0.5);
        break;
      case 2:
        target.mul_(0.75);
        break;
      case 3:  // chains that read what they are written to
        target.add_(apply(number(9), source) * target, -0.5);
        break;
      case 4: {
        const Tensor kept = apply(number(9), target);
        target.add_(kept * source);
        push(kept);
        break;
      }
      case 5:
        target.copy_(apply(number(9), target) - source);
        break;
      default:
        target.fill_(real());
        break;
    }
    if (chance(50)) read("written", target);
  }

  // A pointer is taken and kept; now or later something is written through it.
  struct Escaped {
    Tensor owner;
    std::function<void(std::int64_t, double)> write;
  };
  void escape() {
    if (escaped_.empty() || chance(40)) {
      Tensor t = any();
      note("pointer into " + shown(t));
      if (t.dtype() == kFloat32) {
        float* p = t.data<float>();
        escaped_.push_back({t, [p](std::int64_t i, double v) { p[i] = static_cast<float>(v); }});
      } else if (t.dtype() == kFloat64) {
        double* p = t.data<double>();
        escaped_.push_back({t, [p](std::int64_t i, double v) { p[i] = v; }});
      }
      return;
    }
    Escaped& e = escaped_[static_cast<std::size_t>(number(static_cast<int>(escaped_.size())))];
    note("write through the pointer into " + shown(e.owner));
    if (e.owner.numel() == 0) return;
    std::int64_t at = 0;
    for (int d = 0; d < e.owner.rank(); ++d)
      at += number(static_cast<int>(e.owner.shape()[d])) * e.owner.strides()[d];
    e.write(at, real());
  }

  void hook() {
    Tensor t = any();
    const int f = number(3);
    if (!t.requires_grad()) return;
    note("hook " + std::to_string(f) + " on " + shown(t));
    if (f == 0)
      t.register_hook([](const Tensor& g) { return g * 0.5; });
    else if (f == 1)
      t.register_hook([this](const Tensor& g) {
        read("hooked", g);
        return Tensor();
      });
    else {
      t.retain_grad();
      retained_.push_back(t);
    }
  }

  void drop() {
    if (pool_.size() < 4) return;
    note("drop a handle");
    pool_.erase(pool_.begin() + number(static_cast<int>(pool_.size())));
    if (!escaped_.empty() && chance(50)) escaped_.erase(escaped_.begin());
  }
  void modes() {
    const Tensor x = any();
    note("under NoGrad from " + shown(x));
    NoGrad off;
    push(tanh(x) + x);
  }
  void read_some() {
    const Tensor x = any();
    note("read " + shown(x));
    read("read", x);
  }

  Tensor loss_of(const Tensor& x) {
    const Tensor sum = tanh(x).sum();
    return sum.dtype() == kFloat64 ? sum : sum.to(kFloat64);
  }
  void differentiate() {
    const Tensor x = any();
    if (!x.requires_grad()) return;
    const int f = number(4);
    note("differentiate " + std::to_string(f) + ": " + shown(x));
    const Tensor loss = loss_of(x);
    if (f == 0) return backward(loss, {}, {.retain_graph = true});
    if (f == 1) {
      for (const Tensor& g : grad(loss, leaves_, {.retain_graph = true, .allow_unused = true}))
        read("grad", g);
      return;
    }
    if (f == 2) {
      const std::vector<Tensor> g =
          grad(loss, leaves_, {.create_graph = true, .allow_unused = true});
      for (const Tensor& t : g)
        if (t.defined()) push(t);
      return;
    }
    // A step of gradient descent on a leaf.
    backward(loss, {}, {.retain_graph = true});
    NoGrad off;
    for (Tensor& leaf : leaves_)
      if (leaf.grad().defined() && chance(50)) leaf.add_(leaf.grad(), -0.125);
  }

  // Several threads read what this one has made, perhaps pending, and compute gradients of their
  // own.
  void threads() {
    constexpr int kThreads = 3;
    std::vector<Tensor> shared;
    for (int i = 0; i < kThreads + 1; ++i) shared.push_back(any());
    note("threads over " + shown(shared[0]));
    std::vector<std::vector<Record>> seen(kThreads);
    std::vector<std::thread> list;
    const bool deferred = deferred_;
    for (int i = 0; i < kThreads; ++i)
      list.emplace_back([&, i] {
        set_deferral(deferred);
        auto& mine = seen[static_cast<std::size_t>(i)];
        try {
          const Tensor a = shared[0].detach(), b = shared[static_cast<std::size_t>(i + 1)].detach();
          Tensor w = full({}, 0.5, {a.dtype(), kCpu, true});
          Tensor y = tanh(a * w) * w + 1;
          for (int k = 0; k < 5; ++k) y = tanh(y * w);
          y.sum().backward();
          mine.push_back({"thread: gradient", w.grad().to_vector<double>(), {}});
          mine.push_back({"thread: value", y.to_vector<double>(), {}});
          mine.push_back({"thread: other", (b * 2 + 1).to_vector<double>(), {}});
        } catch (const Error& e) {
          mine.push_back({"thread: error", {}, e.what()});
        }
      });
    for (std::thread& t : list) t.join();
    for (auto& records : seen)
      for (Record& r : records) outcome_.records.push_back(std::move(r));
  }

  void finish() {
    note("last backward");
    Tensor loss = zeros({}, kFloat64);
    for (const Tensor& t : pool_)
      if (t.requires_grad()) loss = loss + loss_of(t);
    read("loss", loss);
    if (!loss.requires_grad()) return;
    backward(loss);
    if (!uses_threads_) {
      EXPECT_EQ(pending_values(), 0) << "work left pending by backward";
    }
  }

  std::mt19937_64 random_;
  bool deferred_;
  std::mt19937_64 how_;
  std::int64_t length_ = 1, limit_ = 4096;
  bool uses_threads_ = false;
  std::vector<Tensor> pool_, leaves_, retained_;
  std::vector<Escaped> escaped_;
  Outcome outcome_;
};

}  // namespace catena::test
