#include "catena/graph/dispatch.hpp"

#include <deque>
#include <optional>

#include <fmt/format.h>
#include <boost/container/small_vector.hpp>

#include "catena/graph/anomaly.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/plain.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/record.hpp"
#include "catena/graph/substitution.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/trace_hook.hpp"
#include "catena/graph/view.hpp"

namespace catena {
namespace detail {
namespace {

template <class T, int N>
using SmallVector = boost::container::small_vector<T, N>;

using OperandList = SmallVector<Operand*, 4>;
using ImplList = SmallVector<TensorImpl*, 4>;

const std::source_location& site(const std::source_location& location) {
  return thread_state.has_call_site ? thread_state.call_site : location;
}

// --- Checks ---

std::string input_name(const OpInfo& op, int i) {
  if (op.inputs.count == 0) return fmt::format("input {}", i);
  const int k = std::min(i, op.inputs.count - 1);
  std::string name = op.inputs.names[k];
  while (!name.empty() && (name.back() == '.' || name.back() == '?')) name.pop_back();
  return op.variadic() && k + 1 == op.inputs.count ? fmt::format("{}[{}]", name, i - k) : name;
}

void check_operands(const OpInfo& op, Operand* const* operands, int n,
                    const std::source_location& loc) {
  if (n < op.min_inputs() || n > op.max_inputs())
    throw_argument(op.name,
                   fmt::format("{} inputs given; expected {}{}", n, op.min_inputs(),
                               op.variadic() ? " or more" : ""),
                   loc);
  for (int i = 0; i < n; ++i)
    if (operands[i]->consumed())
      throw_argument(op.name,
                     fmt::format("{} is an Operand that was given to another call before; expected "
                                 "one call per Operand; take operand.tensor() for several",
                                 input_name(op, i)),
                     loc);
  for (int i = 0; i < n; ++i)
    if (!operands[i]->impl())
      throw_argument(op.name,
                     fmt::format("{} is an undefined tensor (default-constructed or moved from); "
                                 "give it a value first",
                                 input_name(op, i)),
                     loc);
  for (int i = 1; i < n; ++i)
    if (operands[i]->impl()->device != operands[0]->impl()->device)
      throw_argument(
          op.name,
          fmt::format("inputs are on different devices: {} on {}, {} on {}; expected one device; "
                      "move one with to(device)",
                      input_name(op, 0), to_string(operands[0]->impl()->device), input_name(op, i),
                      to_string(operands[i]->impl()->device)),
          loc);
}

std::string dtype_list(DTypeSet set) {
  std::string s;
  for (int i = 0; i < kNumDTypes; ++i)
    if (set.contains(static_cast<DType>(i)))
      s += fmt::format("{}{}", s.empty() ? "" : ", ", name_of(static_cast<DType>(i)));
  return s;
}

const KernelRow& row_for(const OpInfo& op, Device device, DType dtype,
                         const std::source_location& loc) {
  const KernelRow& row = op.rows[static_cast<int>(device.type)];
  if (!row.present()) {
    std::string have;
    for (int d = 0; d < kNumDeviceTypes; ++d)
      if (op.rows[d].present())
        have += fmt::format("{}{}", have.empty() ? "" : ", ", d == 0 ? "cpu" : "cuda");
    throw UnsupportedError(fmt::format(
        "[{}] no kernel on {} (dtype {}); there is one on: {}; move the inputs with to(device){}",
        op.name, to_string(device), name_of(dtype), have.empty() ? "no device" : have,
        called_at(loc)));
  }
  if (!row.dtypes.contains(dtype))
    throw_argument(op.name,
                   fmt::format("no kernel for {} on {}; expected one of {}; convert with to(dtype)",
                               name_of(dtype), to_string(device), dtype_list(row.dtypes)),
                   loc);
  return row;
}

// --- Pointwise ---

DType pointwise_dtype(const OpInfo& op, Operand* const* operands, int n) {
  DType t = operands[op.pointwise.first_promoted]->impl()->dtype;
  for (int i = op.pointwise.first_promoted + 1; i < n; ++i)
    t = promote(t, operands[i]->impl()->dtype);
  if (op.pointwise.integer_to_float && !is_floating(t)) t = kFloat32;
  return t;
}

// Converts the operands to the dtype the op computes in, which it returns.
DType convert_operands(const OpInfo& op, OperandList& operands, std::optional<Operand>* converted,
                       const std::source_location& loc) {
  const int n = static_cast<int>(operands.size()), first = op.pointwise.first_promoted;
  const DType compute = pointwise_dtype(op, operands.data(), n);
  for (int i = first; i < n; ++i) {
    Operand*& operand = operands[static_cast<std::size_t>(i)];
    if (operand->impl()->dtype == compute) continue;
    CallSite here(loc);
    converted[i].emplace(core_ops().cast(operand->tensor(), compute), loc);
    operand = &*converted[i];
  }
  if (first == 1 && operands[0]->impl()->dtype != kBool)
    throw_argument(op.name,
                   fmt::format("{} has dtype {}; expected bool; compare it with something first",
                               input_name(op, 0), name_of(operands[0]->impl()->dtype)),
                   loc);
  return compute;
}

Shape broadcast_all(const OpInfo& op, Operand* const* operands, int n,
                    const std::source_location& loc) {
  Shape shape = operands[0]->impl()->shape;
  for (int i = 1; i < n; ++i) {
    const Shape& other = operands[i]->impl()->shape;
    Shape joined;
    if (!broadcast_shapes(shape, other, &joined))
      throw_argument(op.name,
                     fmt::format("shapes do not broadcast: {} {}, {} {}; expected sizes that are "
                                 "equal or 1, counted from the right; reshape or transpose one",
                                 input_name(op, 0), to_string(operands[0]->impl()->shape),
                                 input_name(op, i), to_string(other)),
                     loc);
    shape = joined;
  }
  return shape;
}

// --- The call ---

void allocate_output(TensorImpl* out) {
  out->storage =
      allocate_storage(static_cast<std::size_t>(out->numel) * size_of(out->dtype), out->device);
}

// Inputs as the kernel wants them: computed, and row-major unless the row reads strides. Copies
// live as long as the list.
class KernelInputs {
 public:
  KernelInputs(const OpInfo& op, const KernelRow& row, Operand* const* operands,
               TensorImpl* const* inputs, int n) {
    for (int i = 0; i < n; ++i) {
      if (row.reads_programs && i == 0 && goes_after_call(op, row, operands, n)) {
        reading_.emplace(inputs[0]);
        views_.push_back(reading_->view());
        continue;
      }
      ensure_ready(inputs[i]);
      if (inputs[i]->contiguous || row.strided_inputs) {
        views_.push_back(view_of(inputs[i]));
        continue;
      }
      copies_.push_back(Tensor::adopt(contiguous_copy(inputs[i])));
      views_.push_back(view_of(copies_.back().impl()));
    }
  }
  KernelInputs(const KernelInputs&) = delete;
  KernelInputs& operator=(const KernelInputs&) = delete;
  const TensorView* data() const { return views_.data(); }
  void broadcast_to(const Shape& shape) {
    for (TensorView& v : views_) broadcast_view(v, shape);
  }

 private:
  // Whether operand 0 is not computed yet and nobody will ask for it in memory, as the gradient
  // kernel of the call would.
  static bool goes_after_call(const OpInfo& op, const KernelRow& row, Operand* const* operands,
                              int n) {
    const TensorImpl* t = operands[0]->impl();
    return t->pending.load(std::memory_order_acquire) && operands[0]->owned() &&
           handles_in(t->counts.load(std::memory_order_acquire)) == 1 &&
           !(row.backward && wants_record(op, operands, n) && saves_input(op, operands, n, 0));
  }
  SmallVector<TensorView, 4> views_;
  SmallVector<Tensor, 1> copies_;
  std::optional<PendingReading> reading_;
};

// Leaves the computing for later where the call may be part of a chain.
bool defer_value(const OpInfo& op, const void* attrs, const KernelRow& row, const ImplList& inputs,
                 TensorImpl* out, const std::source_location& loc) {
  if (!may_defer(out)) return false;
  ChainLine line{.entries = row.entries};
  if (row.loops)
    line.line = row.loops->value[static_cast<int>(
        inputs[static_cast<std::size_t>(op.pointwise.first_promoted)]->dtype)];
  const CallSite here(loc);  // so that the chain knows it
  return (line.line || line.entries) &&
         defer(op, attrs, line, inputs.data(), static_cast<int>(inputs.size()), out);
}

// The operands of a pointwise op are broadcast, and its result may take over a temporary's memory.
void run_kernel(const OpInfo& op, const void* attrs, const KernelRow& row, Operand* const* operands,
                ImplList& inputs, ImplList& outs, const std::source_location& loc) {
  const int n = static_cast<int>(inputs.size());
  KernelInputs in(op, row, operands, inputs.data(), n);
  if (op.kind == OpKind::kPointwise) {
    in.broadcast_to(outs[0]->shape);
    if (!thread_state.tracer) outs[0]->storage = take_storage(op, operands, n, outs[0]);
  }
  for (TensorImpl* out : outs)
    if (!out->storage) allocate_output(out);
  SmallVector<TensorView, 2> out_views;
  for (TensorImpl* out : outs) out_views.push_back(view_of(out));
  KernelContext c;
  c.inputs = in.data();
  c.outputs = out_views.data();
  c.num_inputs = n;
  c.num_outputs = static_cast<int>(out_views.size());
  c.device = outs[0]->device;
  c.input_device = inputs.empty() ? c.device : inputs[0]->device;
  c.location = &loc;
  if (!c.device.is_cpu()) c.stream = backend_of(c.device).current_stream(c.device.index);
  row.forward(attrs, c);
}

void execute(const OpInfo& op, const void* attrs, Operand* const* given, int n,
             const std::source_location& location, SmallVector<Tensor, 2>& results);

// With the operands that the Substitution in force puts in the place of those given.
void execute_substituted(const OpInfo& op, const void* attrs, Operand* const* given, int n,
                         const std::source_location& location, SmallVector<Tensor, 2>& results) {
  OperandList operands(given, given + n);
  std::deque<Operand> others;
  for (Operand*& operand : operands)
    if (const Tensor* other = thread_state.substitution->find(operand->impl()))
      operand = &others.emplace_back(*other, operand->location());
  execute(op, attrs, operands.data(), n, location, results);
}

// Outputs are owned by `outs` (one handle each).
void execute(const OpInfo& op, const void* attrs, Operand* const* given, int n,
             const std::source_location& location, SmallVector<Tensor, 2>& results) {
  const std::source_location& loc = site(location);
  check_operands(op, given, n, loc);

  if (op.kind == OpKind::kComposite) {
    CallSite here(loc);
    SmallVector<Tensor, 4> inputs;
    for (int i = 0; i < n; ++i) inputs.push_back(given[i]->tensor());
    results.push_back(op.compose(attrs, {inputs.data(), inputs.size()}));
    return;
  }

  OperandList operands(given, given + n);
  std::optional<Operand> converted[kMaxPointwiseInputs];
  ImplList inputs, outs;
  const KernelRow* row = nullptr;
  const auto add_output = [&](const OutputSpec& spec) {
    checked_numel(spec.shape);
    outs.push_back(describe_output(spec, n > 0 ? inputs[0] : nullptr));
    results.push_back(Tensor::adopt(outs.back()));
  };
  const bool pointwise = op.kind == OpKind::kPointwise;
  if (pointwise) {
    OutputSpec spec;
    const DType compute = convert_operands(op, operands, converted, loc);
    spec.shape = broadcast_all(op, operands.data(), n, loc);
    spec.dtype = op.pointwise.bool_result ? kBool : compute;
    spec.device = operands[0]->impl()->device;
    row = &row_for(op, spec.device, compute, loc);
    for (const Operand* o : operands) inputs.push_back(o->impl());
    add_output(spec);
  } else {
    for (const Operand* o : operands) inputs.push_back(o->impl());
    if (op.kind == OpKind::kView) ensure_ready(inputs[0]);
    InferContext context(op, inputs.data(), n, loc);
    op.infer(attrs, context);
    const OutputSpec& first = context.spec(0);
    if (op.kind == OpKind::kView && !first.view) {
      // The strides allow no view: of a row-major copy they do.
      CallSite here(loc);
      converted[0].emplace(given[0]->tensor().clone(loc), loc);
      operands[0] = &*converted[0];
      inputs[0] = operands[0]->impl();
      InferContext again(op, inputs.data(), n, loc);
      op.infer(attrs, again);
      add_output(again.spec(0));
    } else {
      if (op.kind == OpKind::kKernel)
        row = &row_for(op, first.device, n > 0 ? inputs[0]->dtype : first.dtype, loc);
      for (int k = 0; k < context.num_outputs(); ++k) add_output(context.spec(k));
    }
  }

  ThreadState& state = thread_state;
  if (row) {
    if (!defer_value(op, attrs, *row, inputs, outs[0], loc))
      run_kernel(op, attrs, *row, operands.data(), inputs, outs, loc);
  }
  if (state.detect_anomaly)
    for (TensorImpl* out : outs) check_finite(out, op, loc, state.in_backward);
  if (state.tracer)
    state.tracer->record(op, attrs, inputs.data(), n, outs.data(), static_cast<int>(outs.size()),
                         loc);
  if (wants_record(op, operands.data(), n)) {
    const int num_outs = static_cast<int>(outs.size());
    if (op.num_outputs == 1) {
      if (is_differentiable(outs[0]->dtype))
        record_single(outs[0], op, attrs, operands.data(), n, loc);
    } else {
      record_multi(outs.data(), num_outs, op, attrs, operands.data(), n, loc);
    }
  }
  for (int i = 0; i < n; ++i) given[i]->consume();
}

[[gnu::noinline]] Tensor dispatch_general(const OpInfo& op, const void* attrs,
                                          Operand* const* operands, int n,
                                          const std::source_location& location) {
  const ProfileScope scope(op, operands, n, location);
  SmallVector<Tensor, 2> results;
  (thread_state.substitution ? execute_substituted : execute)(op, attrs, operands, n, location,
                                                              results);
  return std::move(results[0]);
}

}  // namespace

Tensor dispatch(const OpInfo& op, const void* attrs, Operand* const* operands, int n,
                const std::source_location& location) {
  if (TensorImpl* out = plain_call(op, attrs, operands, n, location)) [[likely]]
    return Tensor::adopt(out);
  return dispatch_general(op, attrs, operands, n, location);
}

std::vector<Tensor> dispatch_multi(const OpInfo& op, const void* attrs, Operand* const* operands,
                                   int n, const std::source_location& location) {
  const ProfileScope scope(op, operands, n, location);
  SmallVector<Tensor, 2> results;
  (thread_state.substitution ? execute_substituted : execute)(op, attrs, operands, n, location,
                                                              results);
  return {std::make_move_iterator(results.begin()), std::make_move_iterator(results.end())};
}

std::vector<Tensor> call_info(const OpInfo& op, const void* attrs, std::span<const Tensor> inputs,
                              const std::source_location& loc) {
  std::vector<std::optional<Operand>> operands(inputs.size());
  OperandList list;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    operands[i].emplace(inputs[i], loc);
    list.push_back(&*operands[i]);
  }
  const int n = static_cast<int>(inputs.size());
  if (!op.draw) return dispatch_multi(op, attrs, list.data(), n, loc);
  OpValue drawn(op, attrs);
  op.draw(drawn.attrs(), n > 0 && inputs[0].defined() ? inputs[0].numel() : 0);
  return dispatch_multi(op, drawn.attrs(), list.data(), n, loc);
}

}  // namespace detail

CallSite::CallSite(const std::source_location& location) {
  detail::ThreadState& state = detail::thread_state;
  if (state.has_call_site) return;
  set_ = state.has_call_site = true;
  state.call_site = location;
}
CallSite::~CallSite() {
  if (set_) detail::thread_state.has_call_site = false;
}

std::vector<Tensor> call(const OpValue& op, std::span<const Tensor> inputs,
                         std::source_location loc) {
  return detail::call_info(op.info(), op.attrs(), inputs, loc);
}
std::vector<Tensor> call(std::string_view name, std::span<const Tensor> inputs,
                         const AttrList& attrs, std::source_location loc) {
  return call(OpValue(get_op(name), attrs, loc), inputs, loc);
}

}  // namespace catena
