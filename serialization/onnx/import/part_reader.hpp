// Reads the parts of ONNX's messages that stand for themselves: tensors, types, attributes. Not a
// public header.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <source_location>
#include <string>
#include <string_view>

#include "catena/serialization/onnx/import/program.hpp"
#include "catena/serialization/time_limit.hpp"

namespace catena::onnx_tensor {
class TensorProto;
}
namespace catena::onnx_model {
class AttributeProto;
class ValueInfoProto;
}  // namespace catena::onnx_model

namespace catena::onnx {

// "ai.onnx" is another name of ONNX's own domain, "".
std::string domain_of(const std::string& domain);

class PartReader {
 public:
  PartReader(const std::string& where, const std::string& folder, const OnnxLoadOptions& options,
             const detail::TimeLimit& limit, const std::source_location& loc)
      : where_(where), folder_(folder), options_(options), limit_(limit), loc_(loc) {}

  // Undefined, and noted as unsupported, when it is of a dtype that tensors do not have.
  Tensor tensor(const onnx_tensor::TensorProto& proto, std::string_view what);
  // An input or output of a graph or body.
  OnnxValue value(const onnx_model::ValueInfoProto& proto, std::string_view what);
  // All kinds but graphs.
  Attribute attribute(const onnx_model::AttributeProto& proto, const std::string& name,
                      std::string_view node);

  [[noreturn]] void damaged(std::string_view field, std::string_view what) const;
  [[noreturn]] void too_much(std::string_view what) const;
  // What the model needs and Catena lacks.
  void lacks(std::string what) { unsupported_.insert(std::move(what)); }
  std::set<std::string>& unsupported() { return unsupported_; }
  [[noreturn]] void throw_unsupported() const;

 private:
  const std::string& where_;
  const std::string& folder_;
  const OnnxLoadOptions& options_;
  const detail::TimeLimit& limit_;
  const std::source_location& loc_;
  std::set<std::string> unsupported_;
  std::uint64_t bytes_ = 0;                     // of all tensors so far
  std::map<std::string, std::string> digests_;  // of files of data, see TensorSource
};

}  // namespace catena::onnx
