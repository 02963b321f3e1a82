#define CATENA_ISA cuda
#define CATENA_STEM_logic ~,
#include "catena/ops/logic_formulas.hpp"

#include "catena/backends/cuda/pointwise_value.cuh"
