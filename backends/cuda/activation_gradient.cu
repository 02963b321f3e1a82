#define CATENA_ISA cuda
#define CATENA_STEM_activation ~,
#include "catena/ops/activation_formulas.hpp"

#include "catena/backends/cuda/pointwise_gradient.cuh"
