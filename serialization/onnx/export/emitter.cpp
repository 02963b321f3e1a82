#include "catena/serialization/onnx/export/emitter.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena_onnx_model.pb.h"

namespace catena::onnx_export {

using onnx_model::AttributeProto;
using onnx_model::GraphProto;
using onnx_model::NodeProto;

namespace {

// The sizes of what a and b broadcast to.
SymbolicShape broadcast(const SymbolicShape& a, const SymbolicShape& b) {
  const std::size_t rank = std::max(a.size(), b.size());
  SymbolicShape shape(rank, 1);
  for (std::size_t i = 0; i < rank; ++i) {
    const SymbolicInt one = 1;
    const SymbolicInt x = i < a.size() ? a[a.size() - 1 - i] : one,
                      y = i < b.size() ? b[b.size() - 1 - i] : one;
    SymbolicInt& s = shape[rank - 1 - i];
    if (x == one)
      s = y;
    else if (y == one || x == y || x.is_constant())
      s = x;
    else
      s = y.is_constant() ? y : SymbolicInt::unknown();
  }
  return shape;
}

}  // namespace

// --- Operators ---

std::string Emitter::unique(std::string name) {
  std::string candidate = name;
  for (int k = 1; !taken_.insert(candidate).second; ++k) candidate = fmt::format("{}_{}", name, k);
  return candidate;
}

std::vector<Value> Emitter::nodes(const char* type, const std::vector<Value>& inputs,
                                  const std::vector<Value>& outputs, const Attributes& attributes,
                                  const char* domain) {
  const std::string stem = calls_.empty() ? type : calls_.back().name + "." + type;
  NodeProto* proto = out_->add_node();
  proto->set_op_type(type);
  proto->set_domain(domain);
  std::size_t count = inputs.size();
  while (count > 0 && !inputs[count - 1]) --count;  // optional ones at the end
  for (std::size_t i = 0; i < count; ++i) proto->add_input(inputs[i].name);
  std::vector<Value> results;
  for (const Value& out : outputs) {
    Value v = out;
    // An output that is not wanted has the name "".
    v.name = out.name == "-" ? "" : unique(stem);
    proto->add_output(v.name);
    if (v) described_.push_back(v);
    results.push_back(std::move(v));
  }
  proto->set_name(results[0] ? results[0].name : unique(stem));
  for (const Attribute& a : attributes) write_attribute(a, proto->add_attribute());
  if (!calls_.empty()) proto->set_doc_string(calls_.back().source);
  return results;
}

Value Emitter::node(const char* type, const std::vector<Value>& inputs, DType dtype,
                    SymbolicShape shape, const Attributes& attributes) {
  return nodes(type, inputs, {{"", dtype, std::move(shape)}}, attributes)[0];
}
Value Emitter::unary(const char* type, const Value& x, const Attributes& attributes) {
  return node(type, {x}, x.dtype, x.shape, attributes);
}
Value Emitter::binary(const char* type, const Value& a, const Value& b) {
  return node(type, {a, b}, a.dtype, broadcast(a.shape, b.shape));
}
Value Emitter::compare(const char* type, const Value& a, const Value& b) {
  return node(type, {a, b}, kBool, broadcast(a.shape, b.shape));
}
Value Emitter::where(const Value& condition, const Value& a, const Value& b) {
  if (a.dtype == kBFloat16 && opset() < 16)
    return cast(where(condition, cast(a, kFloat32), cast(b, kFloat32)), kBFloat16);
  return node("Where", {condition, a, b}, a.dtype,
              broadcast(condition.shape, broadcast(a.shape, b.shape)));
}
Value Emitter::cast(const Value& x, DType dtype) {
  if (x.dtype == dtype) return x;
  return node("Cast", {x}, dtype, x.shape, {{"to", code_of(dtype)}});
}

Value Emitter::reshape(const Value& x, const SymbolicShape& shape) {
  int open = 0, zeros = 0;
  for (const SymbolicInt& s : shape) {
    open += !s.is_constant() || s.offset() == -1;
    zeros += s.is_constant() && s.offset() == 0;
  }
  SymbolicShape target = shape;
  // One size follows from the others.
  if (open == 1 && zeros == 0)
    for (SymbolicInt& s : target)
      if (!s.is_constant()) s = -1;
  if (zeros > 0 && opset() < 14) {
    // Here a size of 0 cannot be said. A tensor without entries has no values to keep.
    return filled(shape, x.dtype);
  }
  Attributes attributes;
  if (zeros > 0 || (open > 1 && opset() >= 14)) attributes.push_back({"allowzero", 1});
  for (const SymbolicInt& s : target)
    if (!attributes.empty() && s == SymbolicInt(-1)) attributes.clear();
  return node("Reshape", {x, sizes(target)}, x.dtype, shape, attributes);
}
Value Emitter::reshape_as(const Value& x, const Value& like) {
  int open = 0;
  for (const SymbolicInt& s : like.shape) open += !s.is_constant();
  if (open == 0 || (open == 1 && x.shape != like.shape)) {
    bool known = true;
    for (const SymbolicInt& s : like.shape) known = known && s.is_known();
    if (known) return reshape(x, like.shape);
  }
  const Value shape = node("Shape", {like}, kInt64, {static_cast<std::int64_t>(like.rank())});
  return node("Reshape", {x, shape}, x.dtype, like.shape);
}
Value Emitter::unsqueeze(const Value& x, int dim) {
  SymbolicShape shape = x.shape;
  shape.insert(shape.begin() + dim, 1);
  return node("Unsqueeze", {x, ints({dim})}, x.dtype, shape);
}
Value Emitter::transpose(const Value& x, const std::vector<std::int64_t>& perm) {
  SymbolicShape shape;
  for (const std::int64_t d : perm) shape.push_back(x.size(static_cast<int>(d)));
  return node("Transpose", {x}, x.dtype, shape, {{"perm", perm}});
}
Value Emitter::swap_last(const Value& x) {
  std::vector<std::int64_t> perm;
  for (int d = 0; d < x.rank(); ++d) perm.push_back(d);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return transpose(x, perm);
}
Value Emitter::expand(const Value& x, const SymbolicShape& shape) {
  return node("Expand", {x, sizes(shape)}, x.dtype, shape);
}
Value Emitter::concat(const std::vector<Value>& parts, int dim) {
  if (parts.size() == 1) return parts[0];
  SymbolicShape shape = parts[0].shape;
  SymbolicInt& size = shape[static_cast<std::size_t>(dim)];
  for (std::size_t i = 1; i < parts.size(); ++i) size = sum(size, parts[i].size(dim));
  return node("Concat", parts, parts[0].dtype, shape, {{"axis", dim}});
}
Value Emitter::slice(const Value& x, int dim, const SymbolicInt& start, const SymbolicInt& stop) {
  if (start == SymbolicInt(0) && stop == x.size(dim)) return x;
  SymbolicShape shape = x.shape;
  shape[static_cast<std::size_t>(dim)] = sum(stop, times(start, -1));
  return node("Slice", {x, sizes({start}), sizes({stop}), ints({dim})}, x.dtype, shape);
}
Value Emitter::flip(const Value& x, int dim) {
  return node("Slice",
              {x, ints({-1}), ints({std::numeric_limits<std::int64_t>::min() + 1}), ints({dim}),
               ints({-1})},
              x.dtype, x.shape);
}
Value Emitter::pad(const Value& x, const SymbolicShape& before, const SymbolicShape& after,
                   double value, const char* mode) {
  SymbolicShape pads = before, shape = x.shape;
  pads.insert(pads.end(), after.begin(), after.end());
  const auto none = [](const SymbolicInt& s) { return s == SymbolicInt(0); };
  if (std::all_of(pads.begin(), pads.end(), none)) return x;
  for (std::size_t d = 0; d < shape.size(); ++d) shape[d] = sum(shape[d], sum(before[d], after[d]));
  std::vector<Value> inputs{x, sizes(pads)};
  if (value != 0) inputs.push_back(like(x, value));
  return node("Pad", inputs, x.dtype, shape, {{"mode", mode}});
}
Value Emitter::gather(const Value& x, const Value& index, int dim) {
  SymbolicShape shape(x.shape.begin(), x.shape.begin() + dim);
  if (x.shape.empty()) {  // the sizes of a shape, of which only the dtype matters
    shape = index.shape;
  } else {
    shape.insert(shape.end(), index.shape.begin(), index.shape.end());
    shape.insert(shape.end(), x.shape.begin() + dim + 1, x.shape.end());
  }
  return node("Gather", {x, index}, x.dtype, shape, {{"axis", dim}});
}
Value Emitter::matmul(const Value& a, const Value& b) {
  const SymbolicShape rows(a.shape.begin(), a.shape.end() - 2),
      columns(b.shape.begin(), b.shape.end() - 2);
  SymbolicShape shape = broadcast(rows, columns);
  shape.push_back(a.size(a.rank() - 2));
  shape.push_back(b.size(b.rank() - 1));
  return node("MatMul", {a, b}, a.dtype, shape);
}

Value Emitter::reduce(const char* type, const Value& x, const std::vector<std::int64_t>& dims,
                      bool keepdim) {
  SymbolicShape shape;
  for (int d = 0; d < x.rank(); ++d) {
    if (std::find(dims.begin(), dims.end(), d) == dims.end())
      shape.push_back(x.size(d));
    else if (keepdim)
      shape.push_back(1);
  }
  Attributes attributes{{"keepdims", keepdim ? 1 : 0}};
  std::vector<Value> inputs{x};
  // No list of dimensions stands for all of them.
  const bool all = dims.size() == x.shape.size();
  if (!all && (opset() >= 18 || std::string_view(type) == "ReduceSum"))
    inputs.push_back(ints(dims));
  else if (!all)
    attributes.push_back({"axes", dims});
  return node(type, inputs, x.dtype, shape, attributes);
}

Value Emitter::apply_matrix(const Value& x, int dim, const Tensor& matrix) {
  const Value m = constant(matrix.to(x.dtype));
  if (dim == x.rank() - 1) return matmul(x, m);
  std::vector<std::int64_t> perm;
  for (int d = 0; d < x.rank(); ++d) perm.push_back(d);
  std::swap(perm[static_cast<std::size_t>(dim)], perm.back());
  return transpose(matmul(transpose(x, perm), m), perm);
}

Value Emitter::filled(const SymbolicShape& shape, DType dtype) {
  const DType direct = dtype == kBFloat16 && opset() < 20 ? kFloat32 : dtype;
  return cast(node("ConstantOfShape", {sizes(shape)}, direct, shape,
                   {{"value", catena::zeros({1}, direct)}}),
              dtype);
}

Value Emitter::counting(const SymbolicInt& count) {
  return node("Range", {number(0, kInt64), scalar(count), number(1, kInt64)}, kInt64, {count});
}

// ln(1 + e^x)
Value Emitter::softplus(const Value& x) {
  if (x.dtype == kFloat32) return unary("Softplus", x);
  const Value tail = unary("Exp", unary("Neg", unary("Abs", x)));
  return add(binary("Max", x, like(x, 0)), unary("Log", add(tail, like(x, 1))));
}

Emitter::Normalized Emitter::normalize(const Value& x, const std::vector<std::int64_t>& dims,
                                       double eps) {
  Normalized n;
  n.mean = reduce("ReduceMean", x, dims, true);
  const Value centred = sub(x, n.mean);
  n.var = reduce("ReduceMean", mul(centred, centred), dims, true);
  n.y = div(centred, unary("Sqrt", add(n.var, like(x, eps))));
  return n;
}

// --- Bodies ---

Emitter::Body::Body(Emitter& e)
    : emitter_(e), graph_(new GraphProto), outer_(e.out_), constants_(std::move(e.constants_)) {
  graph_->set_name(e.unique(e.calls_.back().name + ".body"));
  e.constants_.clear();
  e.out_ = graph_;
}
void Emitter::Body::close() {
  if (!outer_) return;
  emitter_.out_ = std::exchange(outer_, nullptr);
  emitter_.constants_ = std::move(constants_);
}
Emitter::Body::~Body() {
  close();
  delete graph_;
}
Value Emitter::Body::input(const char* name, DType dtype, SymbolicShape shape) {
  Value v{emitter_.unique(emitter_.calls_.back().name + "." + name), dtype, std::move(shape)};
  onnx_model::ValueInfoProto* info = graph_->add_input();
  info->set_name(v.name);
  info->mutable_type()->mutable_tensor_type()->set_elem_type(code_of(dtype));
  return v;
}
void Emitter::Body::output(const Value& v) {
  // Each output has a name of its own.
  const Value named = emitter_.unary("Identity", v);
  onnx_model::ValueInfoProto* info = graph_->add_output();
  info->set_name(named.name);
  info->mutable_type()->mutable_tensor_type()->set_elem_type(code_of(v.dtype));
}

}  // namespace catena::onnx_export
