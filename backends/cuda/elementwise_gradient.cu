#define CATENA_ISA cuda
#define CATENA_STEM_elementwise ~,
#include "catena/ops/elementwise_formulas.hpp"

#include "catena/backends/cuda/pointwise_gradient.cuh"
