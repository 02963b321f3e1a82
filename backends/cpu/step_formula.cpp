#include "catena/backends/cpu/step_formula.hpp"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "catena/graph/registry.hpp"
#include "catena/ops/activation_formulas.hpp"
#include "catena/ops/elementwise_formulas.hpp"
#include "catena/ops/logic_formulas.hpp"
#include "catena/ops/math_formulas.hpp"
#include "catena/ops/trigonometry_formulas.hpp"

namespace catena::cpu {
namespace {

// A number that is not known yet. `list` is null once something was done that is no arithmetic.
struct Symbol {
  Arithmetic* list = nullptr;
  int number = -1;
  bool known() const { return list && number >= 0; }
};
struct Condition {
  Comparison comparison;
  Symbol a, b;
};

Symbol result(const Symbol& like, const Arithmetic::Instruction& instruction) {
  return {like.list, like.list->add(instruction)};
}
Symbol unary(Arithmetic::Kind kind, const Symbol& x) {
  return x.known() ? result(x, {.kind = kind, .a = x.number}) : Symbol();
}
Symbol binary(Arithmetic::Kind kind, const Symbol& a, const Symbol& b) {
  return a.known() && b.known() ? result(a, {.kind = kind, .a = a.number, .b = b.number})
                                : Symbol();
}
Symbol operator+(const Symbol& a, const Symbol& b) { return binary(Arithmetic::kAdd, a, b); }
Symbol operator-(const Symbol& a, const Symbol& b) { return binary(Arithmetic::kSub, a, b); }
Symbol operator*(const Symbol& a, const Symbol& b) { return binary(Arithmetic::kMul, a, b); }
Symbol operator/(const Symbol& a, const Symbol& b) { return binary(Arithmetic::kDiv, a, b); }
Symbol operator-(const Symbol& x) { return unary(Arithmetic::kNeg, x); }
Symbol abs(const Symbol& x) { return unary(Arithmetic::kAbs, x); }
Symbol sqrt(const Symbol& x) { return unary(Arithmetic::kSqrt, x); }

Condition operator<(const Symbol& a, const Symbol& b) { return {Comparison::kLess, a, b}; }
Condition operator<=(const Symbol& a, const Symbol& b) { return {Comparison::kLessEqual, a, b}; }
Condition operator>(const Symbol& a, const Symbol& b) { return {Comparison::kGreater, a, b}; }
Condition operator>=(const Symbol& a, const Symbol& b) { return {Comparison::kGreaterEqual, a, b}; }
Condition operator==(const Symbol& a, const Symbol& b) { return {Comparison::kEqual, a, b}; }
Symbol select(const Condition& condition, const Symbol& yes, const Symbol& no) {
  const Symbol &a = condition.a, &b = condition.b;
  if (!a.known() || !b.known() || !yes.known() || !no.known()) return {};
  return result(a, {.kind = Arithmetic::kSelect,
                    .comparison = condition.comparison,
                    .a = a.number,
                    .b = b.number,
                    .c = yes.number,
                    .d = no.number});
}

Symbol constant(const Symbol& like, double value) {
  if (!like.list) return {};
  return result(like, {.kind = Arithmetic::kConstant, .constant = value});
}
Symbol constant(const Symbol& like, int value) {
  return constant(like, static_cast<double>(value));
}
Symbol limit(const Symbol& like, double value) { return constant(like, value); }
Symbol zeros_like(const Symbol& like) { return constant(like, 0.0); }

// What stays a function of its own.
#define CATENA_NO_ARITHMETIC(name) \
  Symbol name(const Symbol&) { return {}; }
CATENA_NO_ARITHMETIC(floor)
CATENA_NO_ARITHMETIC(ceil)
CATENA_NO_ARITHMETIC(trunc)
CATENA_NO_ARITHMETIC(round_even)
CATENA_NO_ARITHMETIC(exp)
CATENA_NO_ARITHMETIC(expm1)
CATENA_NO_ARITHMETIC(log)
CATENA_NO_ARITHMETIC(log1p)
CATENA_NO_ARITHMETIC(erf)
CATENA_NO_ARITHMETIC(erfc)
CATENA_NO_ARITHMETIC(sin)
CATENA_NO_ARITHMETIC(cos)
CATENA_NO_ARITHMETIC(tan)
CATENA_NO_ARITHMETIC(asin)
CATENA_NO_ARITHMETIC(acos)
CATENA_NO_ARITHMETIC(atan)
CATENA_NO_ARITHMETIC(sinh)
CATENA_NO_ARITHMETIC(cosh)
CATENA_NO_ARITHMETIC(tanh)
CATENA_NO_ARITHMETIC(asinh)
CATENA_NO_ARITHMETIC(acosh)
CATENA_NO_ARITHMETIC(atanh)
#undef CATENA_NO_ARITHMETIC
Symbol power(const Symbol&, const Symbol&) { return {}; }

using formula::CATENA_ISA::Formula;
using Record = Symbol (*)(const void* attrs, const Symbol* inputs);

// Inputs: those of the op; of a gradient g, the op's inputs, its output.
template <class Op, std::size_t... I>
Symbol value_of(const Op& op, const Symbol* in, std::index_sequence<I...>) {
  return Formula<Op>::value(op, in[I]...);
}
template <class Op>
Symbol record_value(const void* attrs, const Symbol* in) {
  return value_of<Op>(*static_cast<const Op*>(attrs), in,
                      std::make_index_sequence<Op::kPointwise.inputs>{});
}
template <class Op, int I, std::size_t... K>
Symbol gradient_of(const Op& op, const Symbol* in, std::index_sequence<K...>) {
  return Formula<Op>::template grad<I>(op, in[K]...);
}
template <class Op, int I>
Symbol record_gradient(const void* attrs, const Symbol* in) {
  return gradient_of<Op, I>(*static_cast<const Op*>(attrs), in,
                            std::make_index_sequence<Op::kPointwise.inputs + 2>{});
}

struct Formulas {
  Record value = nullptr, gradients[kMaxPointwiseInputs] = {};
};
// Of values of one dtype only: no conditions in, none out.
template <class Op>
void add_formulas(std::unordered_map<const OpInfo*, Formulas>& table) {
  if constexpr (!Op::kPointwise.bool_result && Op::kPointwise.first_promoted == 0) {
    Formulas f;
    f.value = &record_value<Op>;
    f.gradients[0] = &record_gradient<Op, 0>;
    if constexpr (Op::kPointwise.inputs > 1) f.gradients[1] = &record_gradient<Op, 1>;
    if constexpr (Op::kPointwise.inputs > 2) f.gradients[2] = &record_gradient<Op, 2>;
    table[&op_info<Op>()] = f;
  }
}

const std::unordered_map<const OpInfo*, Formulas>& formulas() {
  static const auto* table = [] {
    auto* all = new std::unordered_map<const OpInfo*, Formulas>;
#define CATENA_OP(Struct, name, stem)
#define CATENA_POINTWISE_OP(Struct, name, stem) add_formulas<op::Struct>(*all);
#include "catena/ops/ops.def"
#undef CATENA_OP
    return all;
  }();
  return *table;
}

}  // namespace

int Arithmetic::add(const Instruction& instruction) {
  // Constants differ by their bits: -0 is not 0.
  const auto same = [&](const Instruction& other) {
    return other == instruction && std::bit_cast<std::uint64_t>(other.constant) ==
                                       std::bit_cast<std::uint64_t>(instruction.constant);
  };
  const auto at = std::find_if(instructions.begin(), instructions.end(), same);
  if (at == instructions.end()) {
    instructions.push_back(instruction);
    return static_cast<int>(instructions.size()) - 1;
  }
  return static_cast<int>(at - instructions.begin());
}

std::optional<int> add_formula(const OpInfo& op, int gradient, const void* attrs, const int* inputs,
                               int num_inputs, Arithmetic& list) {
  const auto found = formulas().find(&op);
  if (found == formulas().end()) return std::nullopt;
  const Record record = gradient < 0 ? found->second.value : found->second.gradients[gradient];
  Symbol symbols[kMaxPointwiseInputs + 2];
  for (int i = 0; i < num_inputs; ++i) symbols[i] = {&list, inputs[i]};
  const std::size_t before = list.instructions.size();
  const Symbol y = record(attrs, symbols);
  if (y.known()) return y.number;
  list.instructions.resize(before);
  return std::nullopt;
}

}  // namespace catena::cpu
