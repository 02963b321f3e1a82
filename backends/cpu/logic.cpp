#define CATENA_STEM_logic ~,
#include "catena/ops/logic_formulas.hpp"

#include "catena/backends/cpu/pointwise_rows.hpp"
