#define CATENA_STEM_trigonometry ~,
#include "catena/backends/cpu/batch_trigonometry.hpp"
#include "catena/ops/trigonometry_formulas.hpp"

#include "catena/backends/cpu/pointwise_rows.hpp"
