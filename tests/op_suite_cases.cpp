#include "op_suite_cases.hpp"

#include <cstring>
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"

namespace catena::test {
namespace {

// Shapes tried with the "basic" sample of a pointwise op of one, two and three inputs.
const std::vector<std::vector<Shape>>& extra_shapes(int inputs) {
  static const std::vector<std::vector<Shape>> one{{{}}, {{1}}, {{0}}, {{2, 0, 3}}, {{2, 3, 4}}},
      two{{{}, {}},      {{}, {3}}, {{3}, {2, 3}},    {{2, 1, 3}, {4, 1}}, {{1, 1}, {5}},
          {{0, 3}, {1}}, {{0}, {}}, {{2, 3}, {2, 1}}, {{4, 1, 1}, {1, 3}}},
      three{{{}, {}, {}},
            {{2, 1}, {3}, {}},
            {{}, {2, 3}, {1, 3}},
            {{0}, {}, {1}},
            {{4}, {3, 1}, {2, 1, 1}}};
  return inputs == 1 ? one : inputs == 2 ? two : three;
}

bool all_free_shapes(const OpSample& s) {
  for (const InputSpec& in : s.inputs)
    if (in.kind != InputSpec::Kind::kUniform) return false;
  return true;
}

OpSample with_shapes(OpSample s, const std::vector<Shape>& shapes, const std::string& name) {
  for (std::size_t i = 0; i < shapes.size(); ++i) s.inputs[i].shape = shapes[i];
  s.name = name;
  return s;
}

std::string shapes_name(const std::vector<Shape>& shapes) {
  std::string name = "shapes";
  for (const Shape& s : shapes) {
    name += "_";
    for (std::int64_t d : s) name += "x" + std::to_string(d);
    if (s.empty()) name += "scalar";
  }
  return name;
}

struct AllCases {
  std::vector<Case> values, gradients, errors, skipped, large;
};

// Whether an output depends on an input that is differentiated: a cast to int does not. A call that
// fails is left to the tests to report.
bool has_gradient(const Case& c) {
  if (!c.info().differentiable) return false;
  try {
    std::vector<Tensor> in = make_inputs(c.sample, c.dtype);
    require_gradients(c, in);
    return !differentiable_outputs(run(c.sample, in)).empty();
  } catch (const Error&) {
    return true;
  }
}

void add(AllCases& all, const char* op, const OpSample& s) {
  const std::string label = std::string(op) + "_" + s.name;
  if (!s.skip_reason.empty()) {
    all.skipped.push_back({label, s});
    return;
  }
  if (!s.error.empty()) {
    all.errors.push_back({label, s});
    return;
  }
  for (DType dtype : dtypes_of(s)) {
    const Case c{label + "_" + std::string(name_of(dtype)), s, dtype};
    all.values.push_back(c);
    if (dtype == kFloat64 && s.gradients && has_gradient(c)) all.gradients.push_back(c);
  }
}

const AllCases& all_cases() {
  static const AllCases cases = [] {
    AllCases all;
    for (const OpEntry& entry : op_entries()) {
      for (const OpSample& s : entry.samples()) {
        add(all, entry.name, s);
        const OpInfo& info = s.op.info();
        if (info.kind != OpKind::kPointwise || s.name != "basic" || !all_free_shapes(s)) continue;
        for (const auto& shapes : extra_shapes(info.pointwise.inputs))
          add(all, entry.name, with_shapes(s, shapes, shapes_name(shapes)));
        std::vector<Shape> big(s.inputs.size(), Shape{41, 1031});
        if (big.size() > 1) big.back() = {1031};
        all.large.push_back({entry.name, with_shapes(s, big, "large"), kFloat32});
      }
    }
    return all;
  }();
  return cases;
}

}  // namespace

const std::vector<Case>& value_cases() { return all_cases().values; }
const std::vector<Case>& gradient_cases() { return all_cases().gradients; }
const std::vector<Case>& error_cases() { return all_cases().errors; }
const std::vector<Case>& skipped_cases() { return all_cases().skipped; }
const std::vector<Case>& large_cases() { return all_cases().large; }

void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b, const char* what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k)
    EXPECT_TRUE(same_bits(a[k], b[k])) << what << ", number " << k;
}

void expect_same_in_layout(const OpSample& sample, const std::vector<Tensor>& a,
                           const std::vector<Tensor>& b, const char* what) {
  if (!sample.blas_order) return expect_same(a, b, what);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    const bool f64 = a[k].dtype() == kFloat64;
    EXPECT_EQ(a[k].shape(), b[k].shape()) << what << ", number " << k;
    EXPECT_TRUE(close(a[k], b[k].to_vector<double>(), f64 ? sample.rtol64 : sample.rtol32,
                      f64 ? sample.atol64 : sample.atol32))
        << what << ", number " << k;
  }
}

std::vector<Tensor> run(const OpSample& sample, std::span<const Tensor> inputs) {
  manual_seed(kSuiteSeed);
  return call(sample.op, inputs);
}

// --- Placed ---

namespace {
constexpr unsigned char kGuard = 0xA5;
}

Placed::Placed(const Tensor& t, Layout layout) : element_bytes_(size_of(t.dtype())) {
  const Tensor dense = t.detach();
  const Shape& shape = t.shape();
  const int rank = shape.rank();
  // Strides and the number of elements they span.
  Shape strides = contiguous_strides(shape);
  if (layout == Layout::kReversed) {
    std::int64_t step = 1;
    for (int d = 0; d < rank; ++d) {
      strides[d] = step;
      step *= shape[d] ? shape[d] : 1;
    }
  } else if (layout == Layout::kStepped) {
    std::int64_t step = 3;
    for (int d = rank - 1; d >= 0; --d) {
      strides[d] = step;
      step = step * (shape[d] ? shape[d] : 1) + 2;
    }
  }
  std::int64_t last = 0;
  for (int d = 0; d < rank; ++d) last += strides[d] * (shape[d] ? shape[d] - 1 : 0);
  const std::size_t lead = (layout == Layout::kContiguous ? 64 : 63) * element_bytes_;
  const std::size_t size = lead + (static_cast<std::size_t>(last) + 1 + 64) * element_bytes_;
  block_ = std::make_shared<std::vector<unsigned char>>(size, kGuard);

  visit_dtype(t.dtype(), [&]<class T>(T) {
    std::vector<unsigned char> bytes(static_cast<std::size_t>(t.numel()) * sizeof(T));
    detail::copy_out(dense, t.dtype(), bytes.data(), std::source_location::current());
    std::size_t i = 0;
    for_each_index(shape, [&](const Shape& at) {
      std::int64_t position = 0;
      for (int d = 0; d < rank; ++d) position += at[d] * strides[d];
      elements_.push_back(lead + static_cast<std::size_t>(position) * sizeof(T));
      std::memcpy(block_->data() + elements_.back(), bytes.data() + sizeof(T) * i++, sizeof(T));
    });
  });
  tensor_ = from_memory(block_->data() + lead, shape, t.dtype(), rank == 0 ? Shape() : strides,
                        [keep = block_](void*) {});
}

bool Placed::guards_intact() const {
  std::vector<bool> element(block_->size());
  for (std::size_t at : elements_)
    for (std::size_t b = 0; b < element_bytes_; ++b) element[at + b] = true;
  for (std::size_t i = 0; i < block_->size(); ++i)
    if (!element[i] && (*block_)[i] != kGuard) return false;
  return true;
}

void Placed::poison() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  unsigned char value[8];
  std::memset(value, 0x7F, sizeof value);
  if (is_floating(tensor_.dtype())) detail::convert(value, tensor_.dtype(), &nan, kFloat64, 1);
  if (tensor_.dtype() == kBool) value[0] = 1;
  for (std::size_t at : elements_) std::memcpy(block_->data() + at, value, element_bytes_);
}

// --- Gradients ---

std::vector<bool> differentiated(const Case& c, std::span<const Tensor> inputs) {
  std::vector<bool> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    wanted.push_back(inputs[i].dtype() == c.dtype && is_differentiable(c.dtype) &&
                     !(c.sample.no_grad >> i & 1u));
  return wanted;
}

void require_gradients(const Case& c, std::vector<Tensor>& inputs) {
  const std::vector<bool> wanted = differentiated(c, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (wanted[i]) inputs[i].set_requires_grad();
}

std::vector<Tensor> differentiable_outputs(const std::vector<Tensor>& outputs) {
  std::vector<Tensor> list;
  for (const Tensor& t : outputs)
    if (t.requires_grad()) list.push_back(t);
  return list;
}

std::vector<Tensor> cotangents_for(std::span<const Tensor> outputs) {
  std::vector<Tensor> list;
  std::uint32_t state = 12345;
  for (const Tensor& t : outputs) {
    std::vector<double> v(static_cast<std::size_t>(t.numel()));
    for (double& x : v) {
      state = state * 1664525u + 1013904223u;
      x = static_cast<double>(state >> 8) * 0x1p-23 - 1;
    }
    list.push_back(tensor(v, t.shape(), {t.dtype(), t.device()}));
  }
  return list;
}

std::vector<Tensor> gradients(const Case& c, const std::vector<Tensor>& inputs, bool create_graph) {
  const std::vector<Tensor> outputs = differentiable_outputs(run(c.sample, inputs));
  std::vector<Tensor> wanted;
  for (const Tensor& t : inputs)
    if (t.requires_grad()) wanted.push_back(t);
  return grad(outputs, wanted, {.create_graph = create_graph, .allow_unused = true},
              cotangents_for(outputs));
}

}  // namespace catena::test
