#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/serialization/onnx/import/runner.hpp"
#include "catena/serialization/onnx/tensor_codec.hpp"

namespace catena::onnx {

Call::Call(Runner& runner, const Node& node, Values inputs, std::vector<bool> known)
    : runner_(runner),
      node_(node),
      inputs_(std::move(inputs)),
      known_(std::move(known)),
      known_outputs_(node.outputs.size()) {}

void Call::fail(std::string_view what) const {
  throw ArgumentError(fmt::format("[{}] {}", node_.type, what));
}
void Call::unsupported(std::string_view what) const {
  throw UnsupportedError(fmt::format("[{}] {}", node_.type, what));
}

const Tensor& Call::in(int i) const {
  if (!has(i)) fail(fmt::format("input {} is missing", i));
  return inputs_[static_cast<std::size_t>(i)];
}

DType Call::given_dtype(int i) const {
  return runner_.get(node_.inputs[static_cast<std::size_t>(i)]).dtype();
}

bool Call::readable(int i) const { return known(i) || !detail::thread_state.tracer; }

std::vector<std::int64_t> Call::integers(int i) const {
  if (is_floating(in(i).dtype()))
    fail(fmt::format("input {} is {}; expected integers", i, name_of(in(i).dtype())));
  return in(i).to_vector<std::int64_t>();
}
std::vector<double> Call::reals(int i) const { return in(i).to_vector<double>(); }

std::int64_t Call::integer(int i) const {
  const std::vector<std::int64_t> values = integers(i);
  if (values.size() != 1)
    fail(fmt::format("input {} has {} values; expected one", i, values.size()));
  return values[0];
}
double Call::real(int i) const {
  const std::vector<double> values = reals(i);
  if (values.size() != 1)
    fail(fmt::format("input {} has {} values; expected one", i, values.size()));
  return values[0];
}

const Attribute* Call::find(std::string_view name) const {
  for (const Attribute& a : node_.attributes)
    if (a.name == name) return &a;
  return nullptr;
}
const Attribute* Call::find(std::string_view name, Attribute::Kind kind) const {
  const Attribute* a = find(name);
  if (a && a->kind != kind) fail(fmt::format("attribute '{}' is of another type", name));
  return a;
}

std::int64_t Call::attribute(std::string_view name, std::int64_t otherwise) const {
  const Attribute* a = find(name, Attribute::Kind::kInt);
  return a ? a->integer : otherwise;
}
std::int64_t Call::required_integer(std::string_view name) const {
  if (!find(name)) fail(fmt::format("attribute '{}' is missing", name));
  return attribute(name, std::int64_t{0});
}
double Call::attribute(std::string_view name, double otherwise) const {
  const Attribute* a = find(name, Attribute::Kind::kFloat);
  return a ? a->real : otherwise;
}
std::string Call::attribute(std::string_view name, const char* otherwise) const {
  const Attribute* a = find(name, Attribute::Kind::kString);
  return a ? a->text : otherwise;
}
std::optional<std::vector<std::int64_t>> Call::integers(std::string_view name) const {
  const Attribute* a = find(name, Attribute::Kind::kInts);
  if (!a) return {};
  return a->integers;
}
std::optional<std::vector<double>> Call::reals(std::string_view name) const {
  const Attribute* a = find(name, Attribute::Kind::kFloats);
  if (!a) return {};
  return a->reals;
}
std::optional<std::vector<std::string>> Call::texts(std::string_view name) const {
  const Attribute* a = find(name, Attribute::Kind::kStrings);
  if (!a) return {};
  return a->texts;
}
Tensor Call::tensor_attribute(std::string_view name) const {
  const Attribute* a = find(name, Attribute::Kind::kTensor);
  return a ? a->tensor : Tensor();
}
const Block& Call::body(std::string_view name) const {
  const Attribute* a = find(name, Attribute::Kind::kGraph);
  if (!a) fail(fmt::format("attribute '{}' is missing", name));
  return *a->block;
}
DType Call::dtype_attribute(std::string_view name, DType otherwise) const {
  if (!find(name)) return otherwise;
  const auto code = static_cast<int>(required_integer(name));
  DType dtype;
  if (!dtype_from_code(code, &dtype))
    unsupported(fmt::format("{} {}: tensors hold no such elements", name, dtype_code_name(code)));
  return dtype;
}

bool Call::training() const { return runner_.training(); }

int Call::axis(std::int64_t given, int rank) const {
  if (given < -rank || given >= rank)
    fail(fmt::format("axis {}; expected one from {} to {}", given, -rank, rank - 1));
  return static_cast<int>(given < 0 ? given + rank : given);
}

Shape Call::shape(std::span<const std::int64_t> sizes) const {
  if (sizes.size() > kMaxRank)
    unsupported(
        fmt::format("a shape of {} dimensions; a tensor has at most {}", sizes.size(), +kMaxRank));
  const Shape shape(sizes);
  for (const std::int64_t size : sizes)
    if (size < 0) fail(fmt::format("shape {}; expected sizes of 0 or more", to_string(shape)));
  return shape;
}

void Call::check_size(const Shape& shape, DType dtype) const {
  const auto count = static_cast<std::uint64_t>(checked_numel(shape));
  if (count > runner_.program().max_bytes / size_of(dtype))
    fail(fmt::format("{} {} needs more than the {} bytes that the load allowed; raise max_bytes",
                     name_of(dtype), to_string(shape), runner_.program().max_bytes));
}

Tensor widened(const Tensor& x) {
  switch (x.dtype()) {
    case DType::kFloat16:
    case DType::kBFloat16:
      return cast(x, kFloat32);
    case DType::kInt8:
    case DType::kInt16:
    case DType::kUInt16:
      return cast(x, kInt32);
    case DType::kUInt32:
      return cast(x, kInt64);
    case DType::kUInt64: {
      const Tensor y = cast(x, kInt64);
      if (!detail::thread_state.tracer && any(y < 0).item<bool>())
        throw UnsupportedError(
            "[uint64] a value above 2^63 - 1, which is not computed with; expected smaller ones");
      return y;
    }
    default:
      return x;
  }
}

}  // namespace catena::onnx
