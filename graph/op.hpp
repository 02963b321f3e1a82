// What an op is: a plain struct whose members are its attributes, described once. A built-in op and
// a user's op are the same thing; `OpInfo` is the description with the type erased.
//
//   struct Scale {                                     // y = factor * x
//     double factor = 1;
//     static constexpr const char* kName = "scale";    // built-in ops take theirs from ops/ops.def
//     static constexpr const char* kFormula = "y = factor * x";
//     static constexpr std::uint32_t kVersion = 1;
//     static constexpr std::tuple kAttrs{Attr{"factor", &Scale::factor, "what to multiply by"}};
//     static constexpr Inputs kInputs{"x"};
//     static constexpr Saves kSaves = Saves::nothing();
//     static constexpr OnnxRow kOnnx = OnnxRow::none("user op");
//     void infer(InferContext& c) const { c.output(c.shape(0), c.dtype(0)); }
//     void vjp(VjpContext& c) const { c.accumulate(0, c.grad() * factor); }
//   };
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "catena/graph/attribute.hpp"
#include "catena/graph/backend.hpp"
#include "catena/graph/tensor.hpp"

namespace catena {

struct OpInfo;

// --- Descriptions an op struct carries ---

// One attribute: its public name, the member that holds it, a line of documentation.
template <class Op, class Member>
struct Attr {
  const char* name;
  Member Op::*member;
  const char* doc;
};
template <class Op, class Member>
Attr(const char*, Member Op::*, const char*) -> Attr<Op, Member>;

// Names of the inputs. A name that ends in "..." stands for one or more tensors and comes last;
// one that ends in "?" may be left out.
struct Inputs {
  static constexpr int kMax = 8;
  const char* names[kMax] = {};
  int count = 0;
  template <class... Names>
  constexpr Inputs(Names... n) : names{n...}, count(sizeof...(n)) {}  // NOLINT
};

// Which values the gradient reads, per wanted input gradient. Anything not named here is out of
// reach in vjp, and its memory may be gone.
class Saves {
 public:
  static constexpr std::uint32_t kOutput = 1u << 31, kAllInputs = 1u << 30;
  static constexpr Saves nothing() { return Saves(0); }
  template <class... I>
  static constexpr Saves inputs(I... i) {
    return Saves(((1u << i) | ... | 0u));
  }
  static constexpr Saves all_inputs() { return Saves(kAllInputs); }
  static constexpr Saves output() { return Saves(kOutput); }
  // The gradient of input i reads masks[i]; build masks from Saves::input_bit and kOutput.
  static constexpr Saves per_input(std::initializer_list<std::uint32_t> masks) {
    Saves s(0);
    s.uniform_ = false;
    int i = 0;
    for (std::uint32_t m : masks) s.mask_[i++] = m;
    return s;
  }
  static constexpr std::uint32_t input_bit(int i) { return 1u << i; }
  constexpr Saves operator|(Saves o) const {
    Saves s = *this;
    for (auto& m : s.mask_) m |= o.mask_[0];
    return s;
  }
  constexpr std::uint32_t mask_for(int input) const {
    return uniform_ ? mask_[0] : mask_[input < kMaxPointwiseInputs ? input : 0];
  }
  constexpr bool any() const { return mask_[0] | mask_[1] | mask_[2]; }

 private:
  constexpr explicit Saves(std::uint32_t m) : mask_{m, m, m} {}
  std::uint32_t mask_[kMaxPointwiseInputs];
  bool uniform_ = true;
};

// What the op is in ONNX: the operator that replaces it, or why there is none.
struct OnnxRow {
  const char* op_type = nullptr;
  const char* note = "";
  static constexpr OnnxRow op(const char* type) { return {type, ""}; }
  // Exported as several nodes; `how` is the expansion in words.
  static constexpr OnnxRow expands(const char* how) { return {nullptr, how}; }
  static constexpr OnnxRow none(const char* why) { return {nullptr, why}; }
};

enum class OpKind : std::uint8_t {
  kKernel,     // computed by the backend's kernel row
  kPointwise,  // elementwise with broadcasting and promotion, from one formula
  kView,       // a new description of the same memory
  kComposite,  // a sequence of other ops
};

// How a pointwise op treats its operands.
struct PointwiseRule {
  int inputs = 0;
  int first_promoted = 0;         // `where` leaves its condition alone
  bool integer_to_float = false;  // exp of an integer tensor is float32
  bool bool_result = false;       // comparisons
  DTypeSet dtypes;                // compute dtypes
};

// --- What infer sees ---

struct OutputSpec {
  Shape shape;
  DType dtype = kFloat32;
  Device device;
  bool view = false;        // shares input 0's storage
  bool row_major = false;   // a view whose strides are the row-major ones
  Shape strides;            // of a view, in elements
  std::int64_t offset = 0;  // of a view, in elements, from the start of the storage
};

class InferContext {
 public:
  InferContext(const OpInfo& op, detail::TensorImpl* const* inputs, int num_inputs,
               const std::source_location& location)
      : op_(op), inputs_(inputs), num_inputs_(num_inputs), location_(location) {}

  int num_inputs() const { return num_inputs_; }
  const Shape& shape(int i) const { return inputs_[i]->shape; }
  const Shape& strides(int i) const { return inputs_[i]->strides; }
  std::int64_t offset(int i) const { return inputs_[i]->offset; }
  bool contiguous(int i) const { return inputs_[i]->contiguous; }
  std::int64_t numel(int i) const { return inputs_[i]->numel; }
  int rank(int i) const { return inputs_[i]->shape.rank(); }
  DType dtype(int i) const { return inputs_[i]->dtype; }
  Device device(int i) const { return inputs_[i]->device; }
  // A host copy of a small integer tensor argument is not offered: shapes never depend on values.

  // Declares the next output: new contiguous memory on the device of input 0.
  void output(const Shape& shape, DType dtype);
  // The same for ops without inputs.
  void output(const Shape& shape, DType dtype, Device device);
  // Declares the output of a view op: input 0's memory seen with these strides and offset. A view
  // op that cannot see it so calls output() instead, and is asked again with a row-major copy.
  void view(const Shape& shape, const Shape& strides, std::int64_t offset);
  // The same for the elements of a row-major input in their order.
  void view_row_major(const Shape& shape);

  // A dimension given by the user, counted from the end when negative; fails when out of range.
  // `what` names the attribute in the message.
  int dim(std::int64_t given, int rank, const char* what = "dim") const;
  // Several of them, sorted; empty means all. Fails when one comes twice.
  Shape dims(const Shape& given, int rank, const char* what = "dims") const;
  void expect_same_dtype(int i, int j) const;
  void expect_dtype(int i, DTypeSet set, const char* what) const;

  // Throws ArgumentError "[op] what (called at ...)".
  [[noreturn]] void fail(std::string_view what) const;

  const OpInfo& op() const { return op_; }
  const std::source_location& location() const { return location_; }
  int num_outputs() const { return num_outputs_; }
  const OutputSpec& spec(int k) const {
    return k == 0 ? first_ : more_[static_cast<std::size_t>(k - 1)];
  }

 private:
  OutputSpec& next();
  const OpInfo& op_;
  detail::TensorImpl* const* inputs_;
  int num_inputs_;
  const std::source_location& location_;
  int num_outputs_ = 0;
  OutputSpec first_;
  std::vector<OutputSpec> more_;
};

// --- What vjp sees ---

// A basic slice: along each dimension start, length and (positive) step.
struct SliceSpec {
  Shape start, length, step;
  friend bool operator==(const SliceSpec&, const SliceSpec&) = default;
};

namespace detail {
class Walk;
}

// Given d(loss)/d(outputs), a gradient rule hands back d(loss)/d(inputs). The gradient given for an
// input may have the shape of the broadcast result: the engine sums it to the input's shape.
class VjpContext {
 public:
  VjpContext(detail::Walk& walk, detail::Node& node) : walk_(walk), node_(node) {}

  bool needs(int input) const;
  bool create_graph() const;
  int num_inputs() const { return node_.num_inputs; }

  // The gradient of output k; zeros when nothing flowed into it.
  Tensor grad(int k = 0) const;
  bool has_grad(int k) const;
  // Saved values; only what kSaves names. Fails when the value was overwritten in place since.
  Tensor input(int i) const;
  Tensor output(int k = 0) const;
  // Of an input whose gradient is wanted, or of any input when the op takes any number of them.
  const Shape& input_shape(int i) const { return edge(i).input()->shape; }
  DType input_dtype(int i) const { return edge(i).input()->dtype; }
  Device input_device(int i) const { return edge(i).input()->device; }

  // grad(input) += g.
  void accumulate(int input, Tensor g);
  // grad(input)[where] += g, into one buffer however many slices there are.
  void accumulate_slice(int input, const SliceSpec& where, Tensor g);
  // grad(input) += a^T b with a [k, m], b [k, n], grad(input) [m, n]; thin products of one
  // parameter are gathered and done as one.
  void accumulate_product(int input, Tensor a, Tensor b);
  // grad(input) += g matrix with g [.., n], matrix [n, k], grad(input) [.., k]; such calls with few
  // rows each that do not depend on one another are done as one product of their matrix.
  void accumulate_rows(int input, Tensor g, Tensor matrix);

  detail::Node& node() const { return node_; }
  detail::Walk& walk() const { return walk_; }

 private:
  const detail::Edge& edge(int i) const { return node_.edges()[i]; }
  detail::Walk& walk_;
  detail::Node& node_;
};

// --- The erased description ---

struct AttrInfo {
  const char* name;
  const char* doc;
  AttrValue default_value;
  AttrValue (*get)(const void* op);
  void (*set)(void* op, const AttrValue& value);
};

struct OpInfo {
  const char* name = "";
  const char* formula = "";
  std::uint32_t version = 1;
  OpKind kind = OpKind::kKernel;
  bool built_in = false;
  bool identity_in_evaluation = false;  // a graph run in evaluation mode passes input 0 through
  bool random = false;  // draws numbers; calls by value or by name ask `draw` for fresh ones
  Inputs inputs{};
  int num_outputs = 1;
  std::uint32_t no_grad_outputs = 0;  // bit k: output k (a mask, an index) has no gradient
  bool differentiable = true;
  Saves saves = Saves::nothing();
  PointwiseRule pointwise;
  OnnxRow onnx;
  std::vector<AttrInfo> attrs;

  std::size_t attrs_size = 0;
  bool trivial_attrs = true;  // may be copied with memcpy and dropped
  bool relabels = false;      // the same elements in the same order under another shape
  bool no_attrs = false;      // the struct is empty: nothing to copy
  int plain_inputs = 0;       // of a pointwise op whose inputs and output have one dtype
  // What the gradient reads when the inputs in the bits of the index want one: bit i is input i,
  // bit kMaxPointwiseInputs the output. Of pointwise ops.
  std::uint8_t plain_saves[1 << kMaxPointwiseInputs] = {};
  void (*construct)(void* dst) = nullptr;  // default attributes
  void (*copy)(void* dst, const void* src) = nullptr;
  void (*destroy)(void* op) noexcept = nullptr;
  bool (*equal)(const void* a, const void* b) = nullptr;
  void (*infer)(const void* op, InferContext&) = nullptr;
  void (*vjp)(const void* op, VjpContext&) = nullptr;
  Tensor (*compose)(const void* op, std::span<const Tensor> inputs) = nullptr;
  void (*draw)(void* op, std::int64_t numel) = nullptr;  // numel: elements of input 0
  void (*to_evaluation)(void* op) = nullptr;  // a graph run in evaluation mode calls it first

  KernelRow rows[kNumDeviceTypes];

  int min_inputs() const;
  int max_inputs() const;  // a large number when the last input is "name..."
  bool variadic() const;
};

// An op's attributes by value with the type erased; what graphs and loaders hold.
class OpValue {
 public:
  OpValue() = default;
  explicit OpValue(const OpInfo& info);  // default attributes
  OpValue(const OpInfo& info, const void* attrs);
  OpValue(const OpInfo& info, const AttrList& attrs,
          std::source_location loc = std::source_location::current());
  OpValue(const OpValue& o);
  OpValue(OpValue&& o) noexcept;
  OpValue& operator=(OpValue o) noexcept;
  ~OpValue();

  const OpInfo& info() const { return *info_; }
  const void* attrs() const { return attrs_; }
  void* attrs() { return attrs_; }
  // All attributes in the order of the op's description.
  AttrList attr_list() const;
  AttrValue get(std::string_view name) const;
  void set(std::string_view name, const AttrValue& value);
  friend bool operator==(const OpValue& a, const OpValue& b);

 private:
  const OpInfo* info_ = nullptr;
  void* attrs_ = nullptr;
};

// "softmax(dim=-1)".
std::string to_string(const OpValue& op);

// --- From the struct to the description ---

// The name of a built-in op, specialised from ops/ops.def; a user's op has kName.
template <class Op>
struct OpName {
  static constexpr const char* value = Op::kName;
};

namespace detail {

struct AnyMember {
  template <class T>
  constexpr operator T() const;  // NOLINT: never defined, counts members of an aggregate
};
template <class T, class... Args>
consteval int count_members() {
  if constexpr (requires { T{Args{}..., AnyMember{}}; })
    return count_members<T, Args..., AnyMember>();
  else
    return sizeof...(Args);
}

void describe_plain(OpInfo* info);  // fills the members plain_...

template <class Op>
concept HasState = requires {
  Op::kStateMembers;
};
template <class Op>
consteval int state_members() {
  if constexpr (HasState<Op>)
    return Op::kStateMembers;
  else
    return 0;
}

}  // namespace detail

template <class T>
concept OpStruct = std::is_class_v<T> && std::is_aggregate_v<T> && requires {
  { OpName<T>::value } -> std::convertible_to<const char*>;
  { T::kFormula } -> std::convertible_to<const char*>;
  { T::kVersion } -> std::convertible_to<std::uint32_t>;
  { T::kInputs } -> std::convertible_to<Inputs>;
  { T::kSaves } -> std::convertible_to<Saves>;
  { T::kOnnx } -> std::convertible_to<OnnxRow>;
  std::tuple_size<std::remove_cvref_t<decltype(T::kAttrs)>>::value;
};

// Builds the description of T. Optional members of T:
//   kRelabels (of a view that keeps the elements and their order: it has no vjp of its own, its
//   gradient is the incoming one under the input's shape, and the tape keeps no attributes),
//   kKind (default kKernel), kNumOutputs (1), kNoGradOutputs (0), kPointwise (for kPointwise),
//   infer, vjp (its absence means: not differentiable), compose (for kComposite),
//   draw and kStateMembers (members that are run-time state, not attributes; listed last),
//   kIdentityInEvaluation (dropout: a saved graph skips it unless it is being trained),
//   to_evaluation (makes of the attributes those of evaluation, where dropout is a part of the op).
template <class T>
OpInfo describe_op() {
  static_assert(OpStruct<T>,
                "an op is an aggregate with kName (or a line in ops.def), kFormula, kVersion, "
                "kInputs, kSaves, kOnnx and kAttrs");
  using AttrTuple = std::remove_cvref_t<decltype(T::kAttrs)>;
  static_assert(std::tuple_size_v<AttrTuple> + detail::state_members<T>() ==
                    static_cast<std::size_t>(detail::count_members<T>()),
                "every member of an op is an attribute: kAttrs does not list them all");
  OpInfo info;
  info.name = OpName<T>::value;
  info.formula = T::kFormula;
  info.version = T::kVersion;
  info.inputs = T::kInputs;
  info.saves = T::kSaves;
  info.onnx = T::kOnnx;
  if constexpr (requires { T::kKind; }) info.kind = T::kKind;
  if constexpr (requires { T::kNumOutputs; }) info.num_outputs = T::kNumOutputs;
  if constexpr (requires { T::kNoGradOutputs; }) info.no_grad_outputs = T::kNoGradOutputs;
  if constexpr (requires { T::kPointwise; }) info.pointwise = T::kPointwise;
  if constexpr (requires { T::kIdentityInEvaluation; })
    info.identity_in_evaluation = T::kIdentityInEvaluation;
  info.attrs_size = sizeof(T);
  info.trivial_attrs = std::is_trivially_copyable_v<T>;
  info.no_attrs = std::is_empty_v<T>;
  info.construct = [](void* dst) { new (dst) T{}; };
  info.copy = [](void* dst, const void* src) { new (dst) T(*static_cast<const T*>(src)); };
  info.destroy = [](void* op) noexcept { static_cast<T*>(op)->~T(); };
  std::apply(
      [&](const auto&... a) {
        (info.attrs.push_back(
             AttrInfo{a.name, a.doc, detail::to_attr(T{}.*(a.member)), nullptr, nullptr}),
         ...);
      },
      T::kAttrs);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((info.attrs[I].get =
          [](const void* op) {
            return detail::to_attr(static_cast<const T*>(op)->*(std::get<I>(T::kAttrs).member));
          }),
     ...);
    ((info.attrs[I].set =
          [](void* op, const AttrValue& value) {
            detail::from_attr(value, std::get<I>(T::kAttrs).name,
                              &(static_cast<T*>(op)->*(std::get<I>(T::kAttrs).member)));
          }),
     ...);
  }
  (std::make_index_sequence<std::tuple_size_v<AttrTuple>>{});
  info.equal = [](const void* a, const void* b) {
    return std::apply(
        [&](const auto&... m) {
          return (
              (static_cast<const T*>(a)->*(m.member) == static_cast<const T*>(b)->*(m.member)) &&
              ... && true);
        },
        T::kAttrs);
  };
  if constexpr (requires(const T& op, InferContext& c) { op.infer(c); })
    info.infer = [](const void* op, InferContext& c) { static_cast<const T*>(op)->infer(c); };
  if constexpr (requires(const T& op, VjpContext& c) { op.vjp(c); })
    info.vjp = [](const void* op, VjpContext& c) { static_cast<const T*>(op)->vjp(c); };
  if constexpr (requires(const T& op, std::span<const Tensor> in) { op.compose(in); })
    info.compose = [](const void* op, std::span<const Tensor> in) {
      return static_cast<const T*>(op)->compose(in);
    };
  if constexpr (requires(T & op, std::int64_t numel) { op.draw(numel); }) {
    info.random = true;
    info.draw = [](void* op, std::int64_t numel) { static_cast<T*>(op)->draw(numel); };
  }
  if constexpr (requires(T & op) { op.to_evaluation(); })
    info.to_evaluation = [](void* op) { static_cast<T*>(op)->to_evaluation(); };
  if constexpr (requires { T::kRelabels; }) {
    static_assert(
        !requires(const T& op, VjpContext& c) { op.vjp(c); },
        "the gradient of an op with kRelabels is known; it has no vjp");
    info.relabels = true;
    info.vjp = [](const void*, VjpContext& c) {
      c.accumulate(0, c.grad().reshape(c.input_shape(0)));
    };
  }
  info.differentiable = info.vjp != nullptr || info.kind == OpKind::kComposite;
  if (info.kind == OpKind::kPointwise) detail::describe_plain(&info);
  return info;
}

}  // namespace catena
