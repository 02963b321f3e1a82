// Arithmetic as machine code (x86-64 with AVX2 or AVX-512), so that the values between the steps of
// a chain stay in registers.
#pragma once

#include <cstdint>
#include <vector>

#include "catena/backends/cpu/step_formula.hpp"

namespace catena::cpu {

// Elements 0 to n of each output from the inputs.
using StepCode = void (*)(const void* const* inputs, void* const* outputs, std::int64_t n);

struct StepCodeRequest {
  Arithmetic arithmetic;
  std::vector<std::uint8_t> repeated;  // of each input: one value for all elements
  std::vector<int> outputs;            // numbers of instructions
  bool is_double = false;
};

// How many inputs with a value per element and outputs one piece of code may have.
constexpr int kMaxPointers = 11;

struct StepCodeAnswer {
  StepCode code = nullptr;
  bool too_large = false;  // more values at a time than there are registers
};

// False on another processor, on a system that runs no code made at run time, and when switched
// off.
bool makes_step_code();
// Code that gives the same bits as the kernels for the instruction set in use; none where
// makes_step_code() is false or while the request has not come often enough to be worth it.
StepCodeAnswer find_step_code(const StepCodeRequest& request);
// Code is made when a request comes for the `requests`-th time (3 at start); 0: never, as with
// CATENA_MACHINE_CODE=0 in the environment. Drops the code there is: not while chains are run.
void set_step_code_after(int requests);

}  // namespace catena::cpu
