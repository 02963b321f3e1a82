// Declares the struct and the name of every built-in op, from ops.def.
#pragma once

#include "catena/graph/op.hpp"

namespace catena {
namespace op {
#define CATENA_OP(Struct, name, stem) struct Struct;
#include "catena/ops/ops.def"
#undef CATENA_OP
}  // namespace op

#define CATENA_OP(Struct, name, stem)           \
  template <>                                   \
  struct OpName<op::Struct> {                   \
    static constexpr const char* value = #name; \
  };
#include "catena/ops/ops.def"
#undef CATENA_OP
}  // namespace catena
