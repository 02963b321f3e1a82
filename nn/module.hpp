// Module: the base of layers and of the user's own models.
//
//   struct Net : nn::Module {
//     nn::Linear fc1{784, 128}, fc2{128, 10};
//     Net() {
//       add("fc1", fc1);
//       add("fc2", fc2);
//     }
//     Tensor forward(Tensor x) override { return fc2(relu(fc1(x))); }
//   };
//
// A module is a handle, like a Tensor: a copy shares parameters, buffers and mode with the
// original, so models may be passed and returned by value. Assigning to a module would not reach
// the one that was registered, so assignment is deleted.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/nn/parameter.hpp"
#include "catena/ops/elementwise.hpp"

namespace catena::nn {

namespace detail {
struct ModuleState;
}

// What load_state found no counterpart for.
struct LoadStateReport {
  std::vector<std::string> missing;     // in the model, not in the state
  std::vector<std::string> unexpected;  // in the state, not in the model
};

class Module {
 public:
  using Location = std::source_location;

  Module();
  Module(const Module& o);  // another handle, or inside clone() a copy
  Module& operator=(const Module&) = delete;
  virtual ~Module();

  // --- Computing ---
  // What a module with one input computes. A model with several inputs defines a forward of its own
  // and is called through it.
  virtual Tensor forward(Tensor x);
  // forward(x). Layers record the caller's line with what they compute.
  Tensor operator()(Tensor x, Location loc = Location::current());

  // --- What it consists of ---
  // Own parameters first, then the children's, in order of registration, with dotted names
  // ("fc1.weight"). A tensor registered twice (tied) is listed under its first name.
  std::vector<NamedTensor> named_parameters() const;
  std::vector<Tensor> parameters() const;
  std::vector<NamedTensor> named_buffers() const;
  // Elements of all parameters, tied ones counted once.
  std::int64_t num_parameters(bool trainable_only = false) const;
  // The modules registered in this one, by name; and those of the whole tree with dotted names,
  // this one ("") first, each once. They are handles for everything but calling: parameters, mode,
  // hooks, state. To call a part, take the member, or iterate over the container, that holds it.
  std::vector<Module> children() const;
  std::vector<std::pair<std::string, Module>> named_children() const;
  std::vector<std::pair<std::string, Module>> named_modules();
  // fn with each such handle, parts before what they are parts of:
  //   net.apply([](nn::Module& m) { if (m.type() == "Linear") init_linear(m); });
  void apply(const std::function<void(Module& module)>& fn);
  // The path it is registered under, e.g. "encoder.fc1"; empty for a model not in another.
  const std::string& name() const;
  // The name of its class.
  std::string type() const;

  // --- Hooks, for calls of the form module(x) ---
  // Before and after it computes; a defined tensor that a hook returns takes the place of x or y.
  HookHandle register_forward_pre_hook(std::function<Tensor(Module& module, const Tensor& x)> hook);
  HookHandle register_forward_hook(
      std::function<Tensor(Module& module, const Tensor& x, const Tensor& y)> hook);
  // With the gradient of y, once backward has it; a defined tensor returned replaces it.
  HookHandle register_backward_hook(std::function<Tensor(const Tensor& gradient)> hook);

  // --- Mode ---
  // Training mode (the default) or evaluation, of this module and all below; dropout obeys it.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const;
  // Whether backward gathers gradients for the parameters.
  void requires_grad(bool on = true);
  void freeze() { requires_grad(false); }
  void zero_grad();

  // Moves or converts all parameters and buffers (only floating ones are converted), with their
  // gradients. The tensors stay the same objects, so optimizers keep working.
  void to(Device device);
  void to(DType dtype);

  // --- Saving and loading ---
  // Parameters and persistent buffers by dotted name; tied tensors under each name.
  State state() const;
  // Copies values in, converting dtype and device. With `strict`, names must match exactly; shapes
  // always must. Nothing is changed when something does not fit: the error lists all of it. Returns
  // the names that did not match.
  LoadStateReport load_state(const State& state, bool strict = true,
                             Location loc = Location::current());

  // --- Registration, in the constructor of a model ---
  // Makes `child` a part of this module and returns it. Names hold no dot and are used once.
  template <std::derived_from<Module> M>
  M register_module(std::string name, M child, Location loc = Location::current()) {
    add_child(std::move(name), child, loc);
    return child;
  }
  template <std::derived_from<Module> M>
  std::shared_ptr<M> register_module(std::string name, std::shared_ptr<M> child,
                                     Location loc = Location::current()) {
    add_child(std::move(name), *child, loc);
    return child;
  }
  // Short for register_module.
  template <class M>
  M add(std::string name, M child, Location loc = Location::current()) {
    return register_module(std::move(name), std::move(child), loc);
  }
  // The op of that name, which the member above would hide in models.
  static Tensor add(const Tensor& a, const Tensor& b, Location loc = Location::current()) {
    return catena::add(Operand(a, loc), Operand(b, loc));
  }
  // A leaf that training changes; it starts to require a gradient. Returns it, to be kept in an
  // nn::Parameter.
  Tensor register_parameter(std::string name, Tensor value, Location loc = Location::current());
  // A tensor that belongs to the module but is not trained. Only persistent ones are in state().
  Tensor register_buffer(std::string name, Tensor value, bool persistent = true,
                         Location loc = Location::current());

  // For the summary and for containers.
  const std::shared_ptr<detail::ModuleState>& shared_state() const { return state_; }

 protected:
  // What operator() runs: forward, after layers have noted the caller's line.
  virtual Tensor run(Tensor x, const Location& loc);
  // What to print of the module beside its class, e.g. "in_features=784, out_features=128".
  void set_description(std::string text);

 private:
  explicit Module(std::shared_ptr<detail::ModuleState> state);
  Tensor call_with_hooks(Tensor x, const Location& loc);
  void add_child(std::string name, const Module& child, const Location& loc);
  std::shared_ptr<detail::ModuleState> state_;
};

// The nested description PyTorch prints: "Net(\n  (fc1): Linear(...)\n)".
std::string to_string(const Module& module);
std::ostream& operator<<(std::ostream& out, const Module& module);

// Base of the layers of this library: what they compute is recorded at the caller's line.
class Layer : public Module {
 protected:
  Tensor run(Tensor x, const Location& loc) override;
  // "fc1: " when the layer has a name, to begin a message with.
  std::string label() const;
  // The caller's line during a call.
  static Location call_location();
};

}  // namespace catena::nn
