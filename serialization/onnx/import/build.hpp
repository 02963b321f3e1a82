// From ONNX's messages to a Program. Not a public header.
#pragma once

#include <memory>
#include <source_location>
#include <string>

#include "catena/serialization/onnx/import/program.hpp"
#include "catena/serialization/time_limit.hpp"

namespace catena::onnx_model {
class ModelProto;
}

namespace catena::onnx {

// `where` is the model's path, for messages; `folder` where data in other files are looked for;
// `limit` that of the load.
std::shared_ptr<const Program> build_program(const onnx_model::ModelProto& model,
                                             const std::string& where, const std::string& folder,
                                             const OnnxLoadOptions& options,
                                             const detail::TimeLimit& limit,
                                             const std::source_location& loc);

}  // namespace catena::onnx
