#include "catena/train/optimizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "catena/graph/autograd.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/trace_hook.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

namespace {

class Saver : public detail::StateVisitor {
 public:
  explicit Saver(State& out) : out_(out) {}
  void value(std::string_view name, double& v) override { add(name, v); }
  void value(std::string_view name, std::int64_t& v) override { add(name, v); }
  void value(std::string_view name, bool& v) override { add(name, v); }
  void tensor(std::string_view name, Tensor& t) override {
    if (t.defined()) out_.add(fmt::format("{}{}", prefix, name), t);
  }

 private:
  void add(std::string_view name, AttrValue v) {
    out_.add_value(fmt::format("{}{}", prefix, name), std::move(v));
  }
  State& out_;
};

// Reads a state; with `apply` false it only checks.
class Loader : public detail::StateVisitor {
 public:
  Loader(const State& in, bool apply, const std::source_location& loc)
      : in_(in), apply_(apply), loc_(loc) {}
  void value(std::string_view name, double& v) override { read(name, v); }
  void value(std::string_view name, std::int64_t& v) override { read(name, v); }
  void value(std::string_view name, bool& v) override { read(name, v); }
  void tensor(std::string_view name, Tensor& t) override {
    const std::string full = fmt::format("{}{}", prefix, name);
    const Tensor* source = in_.find_tensor(full);
    if (source != nullptr && source->shape() != param->shape())
      throw_argument("load_state",
                     fmt::format("'{}' is {}, but the parameter it belongs to is {}", full,
                                 to_string(source->shape()), to_string(param->shape())),
                     loc_);
    if (!apply_) return;
    t = Tensor();
    if (source == nullptr) return;
    t = zeros_like(*param);
    t.copy_(*source, loc_);
  }

 private:
  template <class T>
  void read(std::string_view name, T& v) {
    const T found = in_.get<T>(fmt::format("{}{}", prefix, name), loc_);
    if (apply_) v = found;
  }
  const State& in_;
  bool apply_;
  const std::source_location& loc_;
};

}  // namespace

void Optimizer::step(Location loc) {
  NoGrad no_grad;
  for (std::size_t g = 0; g < num_groups(); ++g) {
    const auto [begin, end] = group_range(g);
    for (std::size_t i = begin; i < end; ++i) {
      const Tensor grad = params_[i].grad();
      if (grad.defined()) update(i, g, grad, loc);
    }
  }
}

void Optimizer::zero_grad() {
  for (Tensor& p : params_) p.zero_grad();
}

void Optimizer::add_group(const std::vector<Tensor>& params, const Location& loc) {
  const auto fail = [&](std::string_view what) { throw_argument(name(), what, loc); };
  if (params.empty()) fail("the list of parameters is empty; give model.parameters()");
  std::unordered_set<const void*> known;
  for (const Tensor& p : params_) known.insert(p.impl());
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Tensor& p = params[i];
    if (!p.defined()) fail(fmt::format("parameter {} is an undefined tensor", i));
    if (!p.is_leaf())
      fail(fmt::format("parameter {} of shape {} was computed by ops; only leaves can be optimized",
                       i, to_string(p.shape())));
    if (!is_floating(p.dtype()))
      fail(fmt::format("parameter {} is {}; expected a floating dtype", i, name_of(p.dtype())));
    if (!known.insert(p.impl()).second)
      fail(fmt::format("parameter {} of shape {} was given before; each belongs to one group, once",
                       i, to_string(p.shape())));
  }
  params_.insert(params_.end(), params.begin(), params.end());
  group_ends_.push_back(params_.size());
}

std::pair<std::size_t, std::size_t> Optimizer::group_range(std::size_t group) const {
  return {group == 0 ? 0 : group_ends_[group - 1], group_ends_[group]};
}

void Optimizer::visit(detail::StateVisitor& visitor) {
  for (std::size_t g = 0; g < num_groups(); ++g) {
    visitor.prefix = fmt::format("groups.{}.", g);
    visit_group(g, visitor);
  }
  for (std::size_t i = 0; i < params_.size(); ++i) {
    visitor.prefix = fmt::format("params.{}.", i);
    visitor.param = &params_[i];
    visit_param(i, visitor);
  }
}

State Optimizer::state() const {
  State out;
  out.add_value("type", std::string(name()));
  std::vector<std::int64_t> sizes;
  for (std::size_t g = 0; g < num_groups(); ++g) {
    const auto [begin, end] = group_range(g);
    sizes.push_back(static_cast<std::int64_t>(end - begin));
  }
  out.add_value("group_sizes", std::move(sizes));
  Saver saver(out);
  // The visitor writes into optimizers only when it loads.
  const_cast<Optimizer*>(this)->visit(saver);
  return out;
}

void Optimizer::load_state(const State& state, Location loc) {
  const auto type = state.get<std::string>("type", loc);
  if (type != name())
    throw_argument(
        "load_state",
        fmt::format("the state is of the optimizer '{}', this one is '{}'", type, name()), loc);
  const State own = this->state();
  const auto sizes = state.get<std::vector<std::int64_t>>("group_sizes", loc);
  if (sizes != own.get<std::vector<std::int64_t>>("group_sizes"))
    throw_argument("load_state",
                   fmt::format("the state has parameter groups of sizes {}, this optimizer {}",
                               to_string(*state.find_value("group_sizes")),
                               to_string(*own.find_value("group_sizes"))),
                   loc);
  NoGrad no_grad;
  Loader check(state, false, loc);
  visit(check);
  Loader apply(state, true, loc);
  visit(apply);
}

namespace detail {

bool is_dense_cpu(const Tensor& param) {
  return param.device().is_cpu() && param.is_contiguous() &&
         (param.dtype() == kFloat32 || param.dtype() == kFloat64);
}

Tensor dense_like(const Tensor& grad, const Tensor& param) {
  Tensor g = grad.detach();
  if (g.dtype() != param.dtype()) g = g.to(param.dtype());
  return g.is_contiguous() ? g : g.contiguous();
}

void follow(Tensor& state, const Tensor& param) {
  if (!state.defined()) state = zeros_like(param);
  if (state.dtype() != param.dtype()) state = state.to(param.dtype());
  if (state.device() != param.device()) state = state.to(param.device());
}

const void* read_pointer(const Tensor& t) {
  catena::detail::TensorImpl* impl = t.impl();
  catena::detail::ensure_ready(impl);
  return static_cast<const char*>(impl->storage->data) +
         impl->offset * static_cast<std::int64_t>(size_of(impl->dtype));
}

void* write_pointer(const Tensor& t, const std::source_location& loc) {
  catena::detail::TensorImpl* impl = t.impl();
  catena::detail::ensure_ready(impl);
  catena::detail::ensure_writable(impl->storage);
  if (Tracer* tracer = catena::detail::thread_state.tracer) tracer->written(impl, loc);
  impl->storage->version.fetch_add(1, std::memory_order_relaxed);
  impl->storage->last_write = loc;
  return static_cast<char*>(impl->storage->data) +
         impl->offset * static_cast<std::int64_t>(size_of(impl->dtype));
}

}  // namespace detail
}  // namespace catena::optim
