// One walk over the state of optimizers and schedules serves saving, checking, loading and options
// given as text; access to the memory of dense CPU tensors for the fused updates. Not a public
// header.
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/backends/cpu/update.hpp"
#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::optim::detail {

// A value of the state, where it lives.
using Field = std::variant<double*, std::int64_t*, bool*, std::string*, std::vector<double>*,
                           std::vector<std::int64_t>*>;

class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  template <class T>
  void value(std::string_view name, T& v) {
    visit_value(name, Field(&v), false);
  }
  // An option that files of an earlier version lack: loading such a file keeps what is there.
  template <class T>
  void later_value(std::string_view name, T& v) {
    visit_value(name, Field(&v), true);
  }
  // A tensor of the shape of the parameter under way; undefined until first needed.
  virtual void tensor(std::string_view name, Tensor& t) = 0;
  // Any number of such tensors.
  virtual void tensors(std::string_view name, std::vector<Tensor>& list) = 0;
  // What sort of object this is, e.g. "schedule", "step"; a state of another one does not fit.
  virtual void kind(std::string_view what, std::string_view name) = 0;

  std::string prefix;             // of the names that follow, e.g. "params.3."
  const Tensor* param = nullptr;  // the parameter under way

 private:
  virtual void visit_value(std::string_view name, Field field, bool optional) = 0;
};

// Writes what it is shown into a State.
class StateSaver : public StateVisitor {
 public:
  explicit StateSaver(State& out) : out_(out) {}
  void tensor(std::string_view name, Tensor& t) override;
  void tensors(std::string_view name, std::vector<Tensor>& list) override;
  void kind(std::string_view what, std::string_view name) override;

 private:
  void visit_value(std::string_view name, Field field, bool optional) override;
  State& out_;
};

// Reads it from one; with `apply` false it only checks. Throws ArgumentError for what is missing or
// does not fit.
class StateLoader : public StateVisitor {
 public:
  StateLoader(const State& in, bool apply, const std::source_location& loc)
      : in_(in), apply_(apply), loc_(loc) {}
  void tensor(std::string_view name, Tensor& t) override;
  void tensors(std::string_view name, std::vector<Tensor>& list) override;
  void kind(std::string_view what, std::string_view name) override;

 private:
  void visit_value(std::string_view name, Field field, bool optional) override;
  void load(const std::string& full, Tensor& t);
  const State& in_;
  bool apply_;
  const std::source_location& loc_;
};

// True when `param` and everything that goes with it is contiguous float32 or float64 CPU memory,
// so that one pass over plain arrays updates it.
bool is_dense_cpu(const Tensor& param);
// `grad` in the layout and dtype the fused update reads.
Tensor dense_like(const Tensor& grad, const Tensor& param);

// Makes a state tensor one of the parameter's shape, dtype and device: `value` everywhere at first,
// converted when the model was moved since.
void follow(Tensor& state, const Tensor& param, double value = 0);

// For updates made of ops: (maximize ? -grad : grad) + weight_decay param, detached.
Tensor plain_gradient(const Tensor& grad, const Tensor& param, double weight_decay, bool maximize);

// The memory behind a tensor, computed if it was pending. write_pointer counts as an in-place
// write: pending readers run first, and a tape that saved the old value will say so.
const void* read_pointer(const Tensor& t);
void* write_pointer(const Tensor& t, const std::source_location& loc);

// Fused updates of several parameters, done in one go: their entries are shared out to the threads
// as if they lay one behind the other.
class UpdateQueue {
 public:
  // work(begin, count) updates those of the n entries of `param`; `kept` lives until then.
  void add(const Tensor& param, Tensor kept,
           std::function<void(std::int64_t begin, std::int64_t count)> work);
  void run();

 private:
  struct Entry {
    Tensor param, kept;
    std::function<void(std::int64_t, std::int64_t)> work;
  };
  std::vector<Entry> entries_;
};

// A fused update of one parameter: the kernels for its dtype, and its memory.
template <class T>
struct DenseUpdate {
  UpdateQueue& queue;
  const cpu::UpdateTable<T>& kernels;
  const Tensor& tensor;
  const Tensor& kept;
  T* param;
  const T* grad;
  const std::source_location& loc;
  // Queues kernel(param, grad, states..., n, update); states may be null. One thread does it at
  // once.
  template <class Kernel, class Update, class... States>
  void run(Kernel kernel, const Update& update, States*... states) const {
    if (num_threads() == 1) return kernel(param, grad, states..., tensor.numel(), update);
    queue.add(tensor, kept,
              [kernel, update, p = param, g = grad, states...](std::int64_t at, std::int64_t n) {
                kernel(p + at, g + at, (states ? states + at : nullptr)..., n, update);
              });
  }
  // The memory of a state tensor, to be written; null for one not in use.
  T* state(const Tensor& t) const {
    return t.defined() ? static_cast<T*>(write_pointer(t, loc)) : nullptr;
  }
};
// Calls update(DenseUpdate<T>) for a parameter for which is_dense_cpu holds.
template <class Update>
void update_dense(UpdateQueue& queue, const Tensor& param, const Tensor& grad,
                  const std::source_location& loc, const Update& update) {
  const Tensor dense = dense_like(grad, param);
  const auto run = [&]<class T>(T) {
    const T* g = static_cast<const T*>(read_pointer(dense));
    T* p = static_cast<T*>(write_pointer(param, loc));
    update(DenseUpdate<T>{queue, cpu::updates<T>(), param, dense, p, g, loc});
  };
  return param.dtype() == kFloat64 ? run(double{}) : run(float{});
}

}  // namespace catena::optim::detail
