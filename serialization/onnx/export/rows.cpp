// The rows of all built-in ops, made from ops.def.
#include "catena/ops/all.hpp"
#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

Row find_row(const OpInfo& op) {
  static const std::unordered_map<std::string_view, Row> rows{
#define CATENA_OP(Struct, name, stem)                           \
  {#name, [](Emitter& e, const void* attributes) {              \
     export_op(e, *static_cast<const op::Struct*>(attributes)); \
   }},
#include "catena/ops/ops.def"
#undef CATENA_OP
  };
  if (!op.built_in) return nullptr;
  const auto it = rows.find(op.name);
  return it == rows.end() ? nullptr : it->second;
}

}  // namespace catena::onnx_export
