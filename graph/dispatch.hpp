// The one path of every call: attributes and operands in, recorded result out.
#pragma once

#include <source_location>
#include <span>
#include <vector>

#include "catena/graph/op.hpp"
#include "catena/graph/registry.hpp"

namespace catena {

namespace detail {

// Calls `op` with `attrs` (an object of the op's struct). Operands that are temporaries give up
// their handles. The line of the call is the first operand's unless a CallSite is in force.
Tensor dispatch(const OpInfo& op, const void* attrs, Operand* const* operands, int num_operands,
                const std::source_location& location);
// The same for any number of outputs.
std::vector<Tensor> dispatch_multi(const OpInfo& op, const void* attrs, Operand* const* operands,
                                   int num_operands, const std::source_location& location);

// For typed one-, two- and three-operand calls of single-output ops.
template <class Op>
Tensor call_op(const Op& op, Operand& a) {
  Operand* list[] = {&a};
  return dispatch(op_info<Op>(), &op, list, 1, a.location());
}
template <class Op>
Tensor call_op(const Op& op, Operand& a, Operand& b) {
  Operand* list[] = {&a, &b};
  return dispatch(op_info<Op>(), &op, list, 2, a.location());
}
template <class Op>
Tensor call_op(const Op& op, Operand& a, Operand& b, Operand& c) {
  Operand* list[] = {&a, &b, &c};
  return dispatch(op_info<Op>(), &op, list, 3, a.location());
}

}  // namespace detail

// While one lives, calls made on this thread are recorded as made at `location`: layers and
// composite ops put the user's line there. The outermost wins.
class CallSite {
 public:
  explicit CallSite(const std::source_location& location);
  ~CallSite();
  CallSite(const CallSite&) = delete;
  CallSite& operator=(const CallSite&) = delete;

 private:
  bool set_ = false;
};

// Calls any registered op: by value of its struct, or by name.
//   Tensor y = call(MyOp{.factor = 2}, {x});
//   std::vector<Tensor> ys = call("softmax", {x}, {{"dim", std::int64_t{1}}});
template <OpStruct Op>
Tensor call(const Op& op, std::span<const Tensor> inputs,
            std::source_location loc = std::source_location::current());
template <OpStruct Op>
Tensor call(const Op& op, std::initializer_list<Tensor> inputs,
            std::source_location loc = std::source_location::current()) {
  return call(op, std::span<const Tensor>(inputs.begin(), inputs.size()), loc);
}
std::vector<Tensor> call(const OpValue& op, std::span<const Tensor> inputs,
                         std::source_location loc = std::source_location::current());
std::vector<Tensor> call(std::string_view name, std::span<const Tensor> inputs,
                         const AttrList& attrs = {},
                         std::source_location loc = std::source_location::current());
inline std::vector<Tensor> call(std::string_view name, std::initializer_list<Tensor> inputs,
                                const AttrList& attrs = {},
                                std::source_location loc = std::source_location::current()) {
  return call(name, std::span<const Tensor>(inputs.begin(), inputs.size()), attrs, loc);
}

namespace detail {
std::vector<Tensor> call_info(const OpInfo& op, const void* attrs, std::span<const Tensor> inputs,
                              const std::source_location& loc);
}
template <OpStruct Op>
Tensor call(const Op& op, std::span<const Tensor> inputs, std::source_location loc) {
  return std::move(detail::call_info(op_info<Op>(), &op, inputs, loc).front());
}

}  // namespace catena
