// Numbers, sizes and attributes of the models.
#include <bit>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena_onnx_model.pb.h"

namespace catena::onnx_export {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

using onnx_model::AttributeProto;
using onnx_model::NodeProto;

// --- Sizes ---

namespace {
std::vector<int> axes_of(const SymbolicInt& s) {
  std::vector<int> axes;
  for (int i = 0; i < s.num_axes(); ++i) axes.push_back(s.axis_at(i));
  return axes;
}
}  // namespace

SymbolicInt times(const SymbolicInt& a, std::int64_t factor) {
  if (!a.is_known()) return a;
  return SymbolicInt(a.coefficient() * factor, axes_of(a), a.offset() * factor);
}
SymbolicInt plus(const SymbolicInt& a, std::int64_t number) {
  if (!a.is_known()) return a;
  return SymbolicInt(a.coefficient(), axes_of(a), a.offset() + number);
}
SymbolicInt product(const SymbolicInt& a, const SymbolicInt& b) {
  if (!a.is_known() || !b.is_known()) return SymbolicInt::unknown();
  if (a.is_constant()) return times(b, a.offset());
  if (b.is_constant()) return times(a, b.offset());
  std::vector<int> axes = axes_of(a), more = axes_of(b);
  axes.insert(axes.end(), more.begin(), more.end());
  if (a.offset() != 0 || b.offset() != 0 || axes.size() > SymbolicInt::kMaxFactors)
    return SymbolicInt::unknown();
  return SymbolicInt(a.coefficient() * b.coefficient(), axes, 0);
}
SymbolicInt sum(const SymbolicInt& a, const SymbolicInt& b) {
  if (!a.is_known() || !b.is_known()) return SymbolicInt::unknown();
  if (a.is_constant()) return plus(b, a.offset());
  if (b.is_constant()) return plus(a, b.offset());
  if (axes_of(a) != axes_of(b)) return SymbolicInt::unknown();
  return SymbolicInt(a.coefficient() + b.coefficient(), axes_of(a), a.offset() + b.offset());
}
SymbolicInt product(const SymbolicShape& shape, int first, int last) {
  SymbolicInt n = 1;
  for (int d = first; d < last; ++d) n = product(n, shape[static_cast<std::size_t>(d)]);
  return n;
}
std::vector<std::int64_t> to_vector(const Shape& shape) { return {shape.begin(), shape.end()}; }

// --- Constants ---

int code_of(DType dtype) {
  static constexpr int kCodes[kNumDTypes] = {1, 11, 6, 7, 2, 9, 10, 16, 3, 5, 4, 12, 13};
  return kCodes[static_cast<int>(dtype)];
}

void write_tensor(const Tensor& tensor, onnx_tensor::TensorProto* proto) {
  for (const std::int64_t size : tensor.shape()) proto->add_dims(size);
  proto->set_data_type(code_of(tensor.dtype()));
  std::string* raw = proto->mutable_raw_data();
  raw->resize(static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype()));
  detail::copy_out(tensor, tensor.dtype(), raw->data(), std::source_location::current());
}

namespace {

constexpr std::int64_t kMostOfNode = 1 << 16;  // elements of a Constant node; more are initializers

std::string key_of(const Tensor& tensor) {
  onnx_tensor::TensorProto proto;
  write_tensor(tensor, &proto);
  return proto.SerializeAsString();
}

}  // namespace

void write_attribute(const Attribute& attribute, AttributeProto* proto) {
  proto->set_name(attribute.name);
  std::visit(
      [&]<class T>(const T& v) {
        if constexpr (std::is_same_v<T, std::int64_t>) {
          proto->set_i(v);
          proto->set_type(AttributeProto::INT);
        } else if constexpr (std::is_same_v<T, float>) {
          proto->set_f(v);
          proto->set_type(AttributeProto::FLOAT);
        } else if constexpr (std::is_same_v<T, std::string>) {
          proto->set_s(v);
          proto->set_type(AttributeProto::STRING);
        } else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
          for (const std::int64_t i : v) proto->add_ints(i);
          proto->set_type(AttributeProto::INTS);
        } else if constexpr (std::is_same_v<T, std::vector<float>>) {
          for (const float f : v) proto->add_floats(f);
          proto->set_type(AttributeProto::FLOATS);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          for (const std::string& s : v) proto->add_strings(s);
          proto->set_type(AttributeProto::STRINGS);
        } else if constexpr (std::is_same_v<T, Tensor>) {
          write_tensor(v, proto->mutable_t());
          proto->set_type(AttributeProto::TENSOR);
        } else {
          *proto->mutable_g() = *v;
          proto->set_type(AttributeProto::GRAPH);
        }
      },
      attribute.data);
}

Value Emitter::initializer(const std::string& name, const Tensor& tensor) {
  onnx_tensor::TensorProto* proto = out_->add_initializer();
  write_tensor(tensor, proto);
  proto->set_name(name);
  taken_.insert(name);
  initializers_.insert(name);
  return {name, tensor.dtype(), to_symbolic(tensor.shape())};
}

Value Emitter::constant(const Tensor& tensor) {
  const bool shared = tensor.numel() <= 64;
  const std::string key = shared ? key_of(tensor) : "";
  if (shared)
    if (const auto it = constants_.find(key); it != constants_.end()) return it->second;
  Value v;
  // Whole numbers describe shapes and are initializers; of numbers that might be taken for weights
  // it is said that they are constants.
  if (out_ == top_ && (tensor.dtype() == kInt64 || tensor.numel() > kMostOfNode)) {
    v = initializer(unique("constant"), tensor);
  } else {
    NodeProto* proto = out_->add_node();
    v = {unique("constant"), tensor.dtype(), to_symbolic(tensor.shape())};
    proto->set_op_type("Constant");
    proto->set_name(v.name);
    proto->add_output(v.name);
    write_attribute({"value", tensor}, proto->add_attribute());
    described_.push_back(v);
  }
  if (shared) constants_.emplace(key, v);
  return v;
}

Value Emitter::number(double value, DType dtype) { return constant(full({}, value, dtype)); }
Value Emitter::integer(std::int64_t value) {
  return constant(tensor(std::vector<std::int64_t>{value}, Shape{}));
}

Value Emitter::ints(const std::vector<std::int64_t>& values) {
  return constant(tensor(values, Shape{static_cast<std::int64_t>(values.size())}));
}

Value Emitter::axis_size(int axis) {
  if (const auto it = axis_sizes_.find(axis); it != axis_sizes_.end()) return it->second;
  for (const Graph::Named& input : graph_.inputs()) {
    const SymbolicShape& shape = graph_.values()[static_cast<std::size_t>(input.value)].shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (!(shape[d] == SymbolicInt::axis(axis))) continue;
      const Value whole = node("Shape", {{input.name, kInt64, {}}}, kInt64,
                               {static_cast<std::int64_t>(shape.size())});
      const Value size = gather(whole, ints({static_cast<std::int64_t>(d)}), 0);
      if (out_ == top_) axis_sizes_.emplace(axis, size);
      return size;
    }
  }
  refuse(fmt::format("a size follows the axis '{}', which is no dimension of an input by itself",
                     graph_.axes()[static_cast<std::size_t>(axis)].name));
}

Value Emitter::sizes(const SymbolicShape& shape) {
  std::vector<Value> parts;
  std::vector<std::int64_t> numbers;
  const auto flush = [&] {
    if (!numbers.empty()) parts.push_back(ints(numbers));
    numbers.clear();
  };
  for (const SymbolicInt& s : shape) {
    if (!s.is_known()) refuse("a size depends on the axes in a way that is not known");
    if (s.is_constant()) {
      numbers.push_back(s.offset());
      continue;
    }
    flush();
    Value size = axis_size(s.axis_at(0));
    for (int i = 1; i < s.num_axes(); ++i) size = mul(size, axis_size(s.axis_at(i)));
    if (s.coefficient() != 1) size = mul(size, ints({s.coefficient()}));
    if (s.offset() != 0) size = add(size, ints({s.offset()}));
    parts.push_back(size);
  }
  flush();
  if (parts.empty()) return ints({});
  return parts.size() == 1 ? parts[0] : concat(parts, 0);
}

Value Emitter::scalar(const SymbolicInt& size) {
  if (size.is_constant()) return integer(size.offset());
  return node("Squeeze", {sizes({size}), ints({0})}, kInt64, {});
}

}  // namespace catena::onnx_export
