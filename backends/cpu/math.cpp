#define CATENA_STEM_math ~,
#include "catena/backends/cpu/batch_erf.hpp"
#include "catena/backends/cpu/batch_math.hpp"
#include "catena/ops/math_formulas.hpp"

#include "catena/backends/cpu/pointwise_rows.hpp"
