#define CATENA_STEM_activation ~,
#include "catena/backends/cpu/batch_erf.hpp"
#include "catena/backends/cpu/batch_math.hpp"
#include "catena/ops/activation_formulas.hpp"

#include "catena/backends/cpu/pointwise_rows.hpp"
