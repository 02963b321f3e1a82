#define CATENA_ISA cuda
#define CATENA_STEM_math ~,
#include "catena/ops/math_formulas.hpp"

#include "catena/backends/cuda/pointwise_value.cuh"
