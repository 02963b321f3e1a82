// What steps of a chain compute, as one list of arithmetic: the formulas of the pointwise ops
// (ops/<stem>_formulas.hpp) are run on symbols that write down what is done with them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "catena/graph/op.hpp"

namespace catena::cpu {

enum class Comparison : std::uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual };

// Instructions in order; each reads results of earlier ones by number.
struct Arithmetic {
  enum Kind : std::uint8_t {
    kInput,
    kConstant,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kNeg,
    kAbs,
    kSqrt,
    kSelect
  };
  struct Instruction {
    Kind kind;
    Comparison comparison = Comparison::kLess;
    int a = -1, b = -1, c = -1, d = -1;  // of kSelect: (a compared with b) ? c : d
    double constant = 0;
    friend bool operator==(const Instruction&, const Instruction&) = default;
  };
  std::vector<Instruction> instructions;

  // The number of an instruction like this one.
  int add(const Instruction& instruction);
  // Input number `input` (in `a`).
  int add_input(int input) { return add({.kind = kInput, .a = input}); }
};

// Adds the formula of an op, or of its gradient in input `gradient` (-1: none), whose inputs are
// results that are there already (-1: not read). Returns the number of its result; nothing, and the
// list is as before, where the formula has more than such arithmetic.
std::optional<int> add_formula(const OpInfo& op, int gradient, const void* attrs, const int* inputs,
                               int num_inputs, Arithmetic& list);

}  // namespace catena::cpu
