// The CPU as a backend: its memory functions and the choice of an instruction set.
#pragma once

namespace catena::cpu {

// Registers the CPU backend and fills the CPU's kernel rows; called by init().
void enter_kernels();

}  // namespace catena::cpu
