#define CATENA_ISA cuda
#define CATENA_STEM_trigonometry ~,
#include "catena/ops/trigonometry_formulas.hpp"

#include "catena/backends/cuda/pointwise_value.cuh"
