#include "catena/serialization/onnx/import/part_reader.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/error.hpp"
#include "catena/serialization/onnx/tensor_codec.hpp"
#include "catena_onnx_model.pb.h"

namespace catena::onnx {

using namespace onnx_model;

std::string domain_of(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

void PartReader::damaged(std::string_view field, std::string_view what) const {
  throw SystemError(fmt::format("[load_onnx] {}: {}: {}{}", where_, field, what, called_at(loc_)));
}
void PartReader::too_much(std::string_view what) const {
  throw ArgumentError(fmt::format("[load_onnx] {}: {}{}", where_, what, called_at(loc_)));
}
void PartReader::throw_unsupported() const {
  throw UnsupportedError(fmt::format("[load_onnx] {}: needs what is not supported: {}{}", where_,
                                     fmt::join(unsupported_, ", "), called_at(loc_)));
}

Tensor PartReader::tensor(const onnx_tensor::TensorProto& proto, std::string_view what) {
  limit_.check();
  TensorSource source;
  source.where = fmt::format("{}: {} '{}'", where_, what, proto.name());
  source.folder = folder_;
  source.limit = limit_;
  if (options_.verify) source.digests = &digests_;
  source.max_bytes = options_.max_bytes - std::min(bytes_, options_.max_bytes);
  DType dtype;
  if (!dtype_from_code(proto.data_type(), &dtype) && proto.data_type() > 0 &&
      proto.data_type() < 32) {
    lacks(fmt::format("tensors of {}", dtype_code_name(proto.data_type())));
    return {};
  }
  Tensor t = read_tensor(proto, source, loc_);
  bytes_ += static_cast<std::uint64_t>(t.numel()) * size_of(t.dtype());
  return t;
}

OnnxValue PartReader::value(const ValueInfoProto& proto, std::string_view what) {
  OnnxValue value;
  value.name = proto.name();
  const TypeProto& type = proto.type();
  if (type.value_case() == TypeProto::VALUE_NOT_SET) {
    if (what == "input") damaged(fmt::format("input '{}'", value.name), "has no type");
    return value;
  }
  if (type.value_case() != TypeProto::kTensorType) {
    lacks("values that are no tensors (sequences, optionals, maps)");
    return value;
  }
  const int code = type.tensor_type().elem_type();
  if (!dtype_from_code(code, &value.dtype))
    lacks(fmt::format("tensors of {}", dtype_code_name(code)));
  if (!type.tensor_type().has_shape()) return value;
  value.has_shape = true;
  for (const auto& dim : type.tensor_type().shape().dim()) {
    OnnxSize size;
    if (dim.value_case() == TensorShapeProto::Dimension::kDimValue && dim.dim_value() >= 0)
      size.size = dim.dim_value();
    else
      size.name = dim.dim_param();
    value.shape.push_back(size);
  }
  if (value.shape.size() > kMaxRank)
    lacks(fmt::format("tensors of {} dimensions", value.shape.size()));
  return value;
}

namespace {

// Of files that do not say it.
AttributeProto::Type guess_type(const AttributeProto& a) {
  if (a.has_i()) return AttributeProto::INT;
  if (a.has_f()) return AttributeProto::FLOAT;
  if (a.has_s()) return AttributeProto::STRING;
  if (a.has_t()) return AttributeProto::TENSOR;
  if (a.floats_size()) return AttributeProto::FLOATS;
  if (a.strings_size()) return AttributeProto::STRINGS;
  return AttributeProto::INTS;
}

}  // namespace

Attribute PartReader::attribute(const AttributeProto& a, const std::string& name,
                                std::string_view node) {
  using Kind = Attribute::Kind;
  Attribute out;
  out.name = name;
  switch (a.type() == AttributeProto::UNDEFINED ? guess_type(a) : a.type()) {
    case AttributeProto::INT: {
      out.kind = Kind::kInt;
      out.integer = a.i();
      DType dtype;
      const auto code = static_cast<int>(std::clamp<std::int64_t>(a.i(), -1, 1000));
      if ((name == "to" || name == "dtype") && !dtype_from_code(code, &dtype))
        lacks(fmt::format("tensors of {}", dtype_code_name(code)));
      break;
    }
    case AttributeProto::FLOAT:
      out.kind = Kind::kFloat;
      out.real = a.f();
      break;
    case AttributeProto::STRING:
      out.kind = Kind::kString;
      out.text = a.s();
      break;
    case AttributeProto::INTS:
      out.kind = Kind::kInts;
      out.integers.assign(a.ints().begin(), a.ints().end());
      break;
    case AttributeProto::FLOATS:
      out.kind = Kind::kFloats;
      out.reals.assign(a.floats().begin(), a.floats().end());
      break;
    case AttributeProto::STRINGS:
      out.kind = Kind::kStrings;
      out.texts.assign(a.strings().begin(), a.strings().end());
      break;
    case AttributeProto::TENSOR:
      out.kind = Kind::kTensor;
      out.tensor = tensor(a.t(), fmt::format("attribute '{}' of node '{}', tensor", name, node));
      break;
    default:
      lacks(fmt::format("attributes such as '{}' of '{}'", name, node));
  }
  return out;
}

}  // namespace catena::onnx
