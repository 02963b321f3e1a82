// The table of kernel rows, once per instruction set; backend.cpp picks the set at run time.
#pragma once

#include "catena/graph/backend.hpp"

namespace catena::cpu {
// Fills one row per line of ops.def, in its order; rows of views and composites stay empty.
namespace baseline {
void fill_rows(KernelRow* rows);
}
namespace avx2 {
void fill_rows(KernelRow* rows);
}
namespace avx512 {
void fill_rows(KernelRow* rows);
}

// "baseline", "avx2" or "avx512": the set in use. The environment variable CATENA_CPU_ISA forces a
// lower one.
const char* instruction_set();
}  // namespace catena::cpu
