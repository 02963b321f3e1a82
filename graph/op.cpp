#include "catena/graph/op.hpp"

#include <cstring>

#include <fmt/format.h>

#include "catena/graph/registry.hpp"

namespace catena {

int OpInfo::min_inputs() const {
  int n = 0;
  for (int i = 0; i < inputs.count; ++i) {
    const std::string_view name = inputs.names[i];
    if (name.back() != '?') ++n;
  }
  return n;
}
bool OpInfo::variadic() const {
  return inputs.count > 0 && std::string_view(inputs.names[inputs.count - 1]).ends_with("...");
}
int OpInfo::max_inputs() const { return variadic() ? 65535 : inputs.count; }

// --- InferContext ---

OutputSpec& InferContext::next() {
  if (num_outputs_++ == 0) return first_;
  return more_.emplace_back();
}

void InferContext::output(const Shape& shape, DType dtype) {
  output(shape, dtype, num_inputs_ > 0 ? device(0) : kCpu);
}
void InferContext::output(const Shape& shape, DType dtype, Device device) {
  OutputSpec& spec = next();
  spec.shape = shape;
  spec.dtype = dtype;
  spec.device = device;
}
void InferContext::view(const Shape& shape, const Shape& strides, std::int64_t offset) {
  OutputSpec& spec = next();
  spec.shape = shape;
  spec.dtype = dtype(0);
  spec.device = device(0);
  spec.view = true;
  spec.strides = strides;
  spec.offset = offset;
}
void InferContext::view_row_major(const Shape& shape) {
  OutputSpec& spec = next();
  spec.shape = shape;
  spec.dtype = dtype(0);
  spec.device = device(0);
  spec.view = true;
  spec.row_major = true;
  spec.offset = offset(0);
}

int InferContext::dim(std::int64_t given, int rank, const char* what) const {
  const std::int64_t d = given < 0 ? given + rank : given;
  if (d < 0 || d >= rank)
    fail(fmt::format("{} is {} but the input has {} dimensions; expected {}", what, given, rank,
                     rank == 0 ? std::string("a tensor with dimensions")
                               : fmt::format("{} to {}", -rank, rank - 1)));
  return static_cast<int>(d);
}

Shape InferContext::dims(const Shape& given, int rank, const char* what) const {
  bool chosen[kMaxRank] = {};
  for (const std::int64_t g : given) {
    const std::int64_t d = dim(g, rank, what);
    if (chosen[d])
      fail(fmt::format("{} names dimension {} twice in {}; expected each at most once", what, d,
                       to_string(given)));
    chosen[d] = true;
  }
  Shape result;
  for (int d = 0; d < rank; ++d)
    if (given.empty() || chosen[d]) result.push_back(d);
  return result;
}

void InferContext::expect_same_dtype(int i, int j) const {
  if (dtype(i) != dtype(j))
    fail(
        fmt::format("inputs {} and {} have dtypes {} and {}; expected equal; convert one with "
                    "to(dtype)",
                    i, j, name_of(dtype(i)), name_of(dtype(j))));
}

void InferContext::expect_dtype(int i, DTypeSet set, const char* what) const {
  if (!set.contains(dtype(i)))
    fail(fmt::format("input {} has dtype {}; expected {}; convert it with to(dtype)", i,
                     name_of(dtype(i)), what));
}

void InferContext::fail(std::string_view what) const { throw_argument(op_.name, what, location_); }

// --- OpValue ---

OpValue::OpValue(const OpInfo& info) : info_(&info), attrs_(::operator new(info.attrs_size)) {
  info.construct(attrs_);
}
OpValue::OpValue(const OpInfo& info, const void* attrs)
    : info_(&info), attrs_(::operator new(info.attrs_size)) {
  info.copy(attrs_, attrs);
}
OpValue::OpValue(const OpInfo& info, const AttrList& attrs, std::source_location loc)
    : OpValue(info) {
  for (const NamedAttr& a : attrs) {
    bool known = false;
    std::vector<std::string> names;
    for (const AttrInfo& i : info.attrs) {
      names.emplace_back(i.name);
      known |= a.name == i.name;
    }
    if (!known)
      throw_argument(
          info.name,
          fmt::format("there is no attribute '{}'{}; expected one of: {}", a.name,
                      detail::near_names(a.name, names),
                      names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))),
          loc);
    set(a.name, a.value);
  }
}
OpValue::OpValue(const OpValue& o) : info_(o.info_) {
  if (!info_) return;
  attrs_ = ::operator new(info_->attrs_size);
  info_->copy(attrs_, o.attrs_);
}
OpValue::OpValue(OpValue&& o) noexcept
    : info_(std::exchange(o.info_, nullptr)), attrs_(std::exchange(o.attrs_, nullptr)) {}
OpValue& OpValue::operator=(OpValue o) noexcept {
  std::swap(info_, o.info_);
  std::swap(attrs_, o.attrs_);
  return *this;
}
OpValue::~OpValue() {
  if (!attrs_) return;
  info_->destroy(attrs_);
  ::operator delete(attrs_);
}

AttrList OpValue::attr_list() const {
  AttrList list;
  for (const AttrInfo& a : info_->attrs) list.push_back({a.name, a.get(attrs_)});
  return list;
}
AttrValue OpValue::get(std::string_view name) const {
  for (const AttrInfo& a : info_->attrs)
    if (name == a.name) return a.get(attrs_);
  throw ArgumentError(fmt::format("[{}] there is no attribute '{}'", info_->name, name));
}
void OpValue::set(std::string_view name, const AttrValue& value) {
  for (const AttrInfo& a : info_->attrs)
    if (name == a.name) return a.set(attrs_, value);
  throw ArgumentError(fmt::format("[{}] there is no attribute '{}'", info_->name, name));
}
bool operator==(const OpValue& a, const OpValue& b) {
  return a.info_ == b.info_ && (!a.info_ || a.info_->equal(a.attrs_, b.attrs_));
}

std::string to_string(const OpValue& op) {
  std::string s = op.info().name;
  s += '(';
  bool first = true;
  for (const NamedAttr& a : op.attr_list()) {
    s += fmt::format("{}{}={}", first ? "" : ", ", a.name, to_string(a.value));
    first = false;
  }
  return s + ')';
}

}  // namespace catena
