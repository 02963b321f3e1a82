#include "catena/nn/module.hpp"

#include <cxxabi.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <typeinfo>
#include <unordered_set>

#include "catena/graph/autograd.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/nn/clone.hpp"
#include "catena/nn/module_state.hpp"

namespace catena::nn {

namespace detail {

namespace {
thread_local CallObserver* observer = nullptr;
}

CallObserver::CallObserver() : before_(observer) { observer = this; }
CallObserver::~CallObserver() { observer = before_; }
CallObserver* current_observer() { return observer; }

std::string class_name(const char* mangled) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 ? text.get() : mangled;
  // Cut the namespaces, but not those of template arguments.
  const std::size_t arguments = std::min(name.find('<'), name.size());
  const std::size_t colon = name.rfind("::", arguments);
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

void set_paths(ModuleState& module, const std::string& path) {
  module.path = path;
  for (auto& [name, child] : module.children)
    set_paths(*child, path.empty() ? name : fmt::format("{}.{}", path, name));
}

}  // namespace detail

namespace {

using detail::ModuleState;

// Calls f(dotted name, module) for the module and all below it, parents first.
template <class F>
void walk(const ModuleState& module, const std::string& prefix, const F& f) {
  f(prefix, module);
  for (const auto& [name, child] : module.children) walk(*child, prefix + name + ".", f);
}

bool contains(const ModuleState& module, const ModuleState* wanted) {
  bool found = false;
  walk(module, "", [&](const std::string&, const ModuleState& m) { found |= &m == wanted; });
  return found;
}

// Each tensor once, under its first name.
std::vector<NamedTensor> collect(const ModuleState& root,
                                 std::vector<ModuleState::Entry> ModuleState::*list) {
  std::vector<NamedTensor> out;
  std::unordered_set<const void*> seen;
  walk(root, "", [&](const std::string& prefix, const ModuleState& module) {
    for (const auto& entry : module.*list)
      if (seen.insert(entry.tensor.impl()).second)
        out.emplace_back(prefix + entry.name, entry.tensor);
  });
  return out;
}

void check_name(const ModuleState& module, const std::string& name, const char* what,
                const std::source_location& loc) {
  const auto fail = [&](std::string_view why) {
    throw_argument(what, fmt::format("the name '{}' {}", name, why), loc);
  };
  if (name.empty()) fail("is empty; give the part a name");
  if (name.find('.') != std::string::npos) fail("holds a dot; dots separate the names of parents");
  const auto used = [&](const auto& e) { return e.name == name; };
  if (std::ranges::any_of(module.parameters, used) || std::ranges::any_of(module.buffers, used) ||
      std::ranges::any_of(module.children, [&](const auto& c) { return c.first == name; }))
    fail("is used already in this module; names are used once");
}

// Gives `t` the memory of `other`, a fresh tensor of the same shape: the object stays, so handles
// in optimizers and models stay right. The version goes on counting, so a tape that saved the old
// value says so instead of using the new one.
void replace_memory(Tensor& t, const Tensor& other) {
  catena::detail::TensorImpl* to = t.impl();
  catena::detail::TensorImpl* from = other.impl();
  catena::detail::ensure_ready(to);
  catena::detail::ensure_ready(from);
  catena::detail::ensure_writable(to->storage);
  from->storage->version = to->storage->version + 1;
  std::swap(to->storage, from->storage);
  std::swap(to->offset, from->offset);
  std::swap(to->dtype, from->dtype);
  std::swap(to->device, from->device);
  std::swap(to->contiguous, from->contiguous);
  std::swap(to->strides, from->strides);
}

// Replaces every parameter and buffer for which `convert` gives another tensor.
template <class Convert>
void convert_all(const ModuleState& root, const Convert& convert) {
  NoGrad no_grad;
  std::unordered_set<const void*> seen;
  walk(root, "", [&](const std::string&, const ModuleState& module) {
    for (const auto* list : {&module.parameters, &module.buffers}) {
      for (const auto& entry : *list) {
        Tensor t = entry.tensor;
        if (!seen.insert(t.impl()).second) continue;
        const Tensor grad = t.grad();
        const Tensor source = t.detach();
        const Tensor converted = convert(source);
        if (converted.is_same(source)) continue;
        replace_memory(t, converted);
        if (grad.defined()) {
          t.zero_grad();
          t.set_grad(convert(grad));
        }
      }
    }
  });
}

}  // namespace

Module::Module() : state_(std::make_shared<ModuleState>()) {}
Module::Module(const Module& o)
    : state_(detail::CloneScope::active() ? detail::CloneScope::active()->copied(o.state_)
                                          : o.state_) {}
Module::Module(std::shared_ptr<ModuleState> state) : state_(std::move(state)) {}
Module::~Module() = default;

Tensor Module::forward(Tensor) {
  if (typeid(*this) == typeid(Module))
    throw UnsupportedError(fmt::format(
        "[{0}] a handle of {0} without its forward, as children() and named_modules() give it; "
        "call the member or the container's entry that holds the module",
        type()));
  throw UnsupportedError(fmt::format(
      "[{0}] {0} has no forward for one tensor; override `Tensor forward(Tensor x)`, or call the "
      "forward it does have",
      type()));
}

Tensor Module::operator()(Tensor x, Location loc) {
  const detail::Hooks& hooks = state_->hooks;
  if (!hooks.before.empty() || !hooks.after.empty() || !hooks.backward.empty())
    return call_with_hooks(std::move(x), loc);
  Tensor y = run(std::move(x), loc);
  if (detail::CallObserver* o = detail::current_observer()) o->called(*state_, y);
  return y;
}

Tensor Module::call_with_hooks(Tensor x, const Location& loc) {
  const detail::Hooks& hooks = state_->hooks;
  hooks.before.for_each([&](const auto& hook) {
    if (Tensor other = hook(*this, x); other.defined()) x = std::move(other);
  });
  Tensor y = run(x, loc);
  hooks.after.for_each([&](const auto& hook) {
    if (Tensor other = hook(*this, x, y); other.defined()) y = std::move(other);
  });
  if (!hooks.backward.empty() && y.defined() && y.requires_grad()) {
    // A tensor that is older than the call: its gradient is not only that of the call's result, and
    // hooks on it would stay.
    if (y.is_same(x) || y.is_leaf()) y = y.clone(loc);
    hooks.backward.for_each([&](const auto& hook) { y.register_hook(hook, loc); });
  }
  if (detail::CallObserver* o = detail::current_observer()) o->called(*state_, y);
  return y;
}

HookHandle Module::register_forward_pre_hook(std::function<Tensor(Module&, const Tensor&)> hook) {
  return state_->hooks.before.add(std::move(hook));
}
HookHandle Module::register_forward_hook(
    std::function<Tensor(Module&, const Tensor&, const Tensor&)> hook) {
  return state_->hooks.after.add(std::move(hook));
}
HookHandle Module::register_backward_hook(std::function<Tensor(const Tensor&)> hook) {
  return state_->hooks.backward.add(std::move(hook));
}

Tensor Module::run(Tensor x, const Location&) { return forward(std::move(x)); }

void Module::set_description(std::string text) { state_->description = std::move(text); }

std::vector<NamedTensor> Module::named_parameters() const {
  return collect(*state_, &ModuleState::parameters);
}
std::vector<NamedTensor> Module::named_buffers() const {
  return collect(*state_, &ModuleState::buffers);
}
std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> out;
  for (auto& [name, tensor] : named_parameters()) out.push_back(std::move(tensor));
  return out;
}

std::int64_t Module::num_parameters(bool trainable_only) const {
  std::int64_t n = 0;
  for (const Tensor& t : parameters())
    if (!trainable_only || t.requires_grad()) n += t.numel();
  return n;
}

const std::string& Module::name() const { return state_->path; }
std::string Module::type() const {
  if (typeid(*this) == typeid(Module) && !state_->type.empty()) return state_->type;
  return detail::class_name(typeid(*this).name());
}

std::vector<std::pair<std::string, Module>> Module::named_children() const {
  std::vector<std::pair<std::string, Module>> out;
  for (const auto& [name, child] : state_->children) out.emplace_back(name, Module(child));
  return out;
}
std::vector<Module> Module::children() const {
  std::vector<Module> out;
  for (const auto& [name, child] : state_->children) out.push_back(Module(child));
  return out;
}
std::vector<std::pair<std::string, Module>> Module::named_modules() {
  if (state_->type.empty()) state_->type = type();  // a handle does not know it
  std::vector<std::pair<std::string, Module>> out;
  std::unordered_set<const void*> seen;
  const auto add = [&](auto& self, const std::string& name,
                       const std::shared_ptr<ModuleState>& module) -> void {
    if (!seen.insert(module.get()).second) return;
    out.emplace_back(name, Module(module));
    for (const auto& [child_name, child] : module->children)
      self(self, name.empty() ? child_name : fmt::format("{}.{}", name, child_name), child);
  };
  add(add, "", state_);
  return out;
}

void Module::apply(const std::function<void(Module&)>& fn) {
  // Parents come first in the list.
  std::vector<std::pair<std::string, Module>> modules = named_modules();
  for (std::size_t i = modules.size(); i-- > 0;) fn(modules[i].second);
}

void Module::train(bool on) {
  const auto set = [on](auto& self, ModuleState& module) -> void {
    module.training = on;
    for (auto& [name, child] : module.children) self(self, *child);
  };
  set(set, *state_);
}
bool Module::is_training() const { return state_->training; }

void Module::requires_grad(bool on) {
  for (Tensor& t : parameters()) t.set_requires_grad(on);
}
void Module::zero_grad() {
  for (Tensor& t : parameters()) t.zero_grad();
}

void Module::to(Device device) {
  convert_all(*state_,
              [device](const Tensor& t) { return t.device() == device ? t : t.to(device); });
}
void Module::to(DType dtype) {
  convert_all(*state_, [dtype](const Tensor& t) {
    return !is_floating(t.dtype()) || t.dtype() == dtype ? t : t.to(dtype);
  });
}

State Module::state() const {
  State out;
  walk(*state_, "", [&](const std::string& prefix, const ModuleState& module) {
    for (const auto& entry : module.parameters) out.add(prefix + entry.name, entry.tensor);
    for (const auto& entry : module.buffers)
      if (entry.persistent) out.add(prefix + entry.name, entry.tensor);
  });
  return out;
}

LoadStateReport Module::load_state(const State& state, bool strict, Location loc) {
  LoadStateReport report;
  std::vector<std::string> misfits;
  std::vector<std::pair<Tensor, Tensor>> copies;
  const State own = this->state();
  for (const auto& [name, target] : own.tensors) {
    const Tensor* source = state.find_tensor(name);
    if (source == nullptr) {
      report.missing.push_back(name);
    } else if (source->shape() != target.shape()) {
      misfits.push_back(fmt::format("'{}' is {}, the model's is {}", name,
                                    catena::to_string(source->shape()),
                                    catena::to_string(target.shape())));
    } else {
      copies.emplace_back(target, *source);
    }
  }
  for (const auto& [name, tensor] : state.tensors)
    if (own.find_tensor(name) == nullptr) report.unexpected.push_back(name);

  std::vector<std::string> wrong;
  if (strict && !report.missing.empty())
    wrong.push_back(fmt::format("missing: '{}'", fmt::join(report.missing, "', '")));
  if (strict && !report.unexpected.empty())
    wrong.push_back(fmt::format("not in the model: '{}'", fmt::join(report.unexpected, "', '")));
  if (!misfits.empty())
    wrong.push_back(fmt::format("of another shape: {}", fmt::join(misfits, "; ")));
  if (!wrong.empty())
    throw_argument("load_state",
                   fmt::format("the state does not fit {}: {}", type(), fmt::join(wrong, "; ")),
                   loc);
  NoGrad no_grad;
  for (auto& [target, source] : copies) target.copy_(source, loc);
  return report;
}

void Module::add_child(std::string name, const Module& child, const Location& loc) {
  check_name(*state_, name, "register_module", loc);
  if (contains(*child.state_, state_.get()))
    throw_argument("register_module",
                   fmt::format("'{}' holds this module; a module cannot be a part of itself", name),
                   loc);
  child.state_->type = child.type();
  detail::set_paths(*child.state_,
                    state_->path.empty() ? name : fmt::format("{}.{}", state_->path, name));
  state_->children.emplace_back(std::move(name), child.state_);
}

Tensor Module::register_parameter(std::string name, Tensor value, Location loc) {
  check_name(*state_, name, "register_parameter", loc);
  if (!value.defined())
    throw_argument("register_parameter", fmt::format("'{}' is not a tensor yet", name), loc);
  value.set_requires_grad(true, loc);
  state_->parameters.push_back({std::move(name), value});
  return value;
}

Tensor Module::register_buffer(std::string name, Tensor value, bool persistent, Location loc) {
  check_name(*state_, name, "register_buffer", loc);
  if (!value.defined())
    throw_argument("register_buffer", fmt::format("'{}' is not a tensor yet", name), loc);
  state_->buffers.push_back({std::move(name), value, persistent});
  return value;
}

namespace {
void print(std::string& out, const ModuleState& module, const std::string& type, int indent) {
  out += fmt::format("{}({}", type, module.description);
  if (!module.children.empty()) {
    out += '\n';
    for (const auto& [name, child] : module.children) {
      out += fmt::format("{:{}}({}): ", "", indent + 2, name);
      print(out, *child, child->type, indent + 2);
      out += '\n';
    }
    out += fmt::format("{:{}}", "", indent);
  }
  out += ')';
}
}  // namespace

std::string to_string(const Module& module) {
  std::string out;
  print(out, *module.shared_state(), module.type(), 0);
  return out;
}
std::ostream& operator<<(std::ostream& out, const Module& module) {
  return out << to_string(module);
}

Tensor Layer::run(Tensor x, const Location& loc) {
  CallSite site(loc);
  return forward(std::move(x));
}

std::string Layer::label() const { return name().empty() ? "" : name() + ": "; }

Module::Location Layer::call_location() {
  const auto& thread = catena::detail::thread_state;
  return thread.has_call_site ? thread.call_site : Location{};
}

}  // namespace catena::nn
