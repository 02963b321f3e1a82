// CUDA against the CPU where the op suite does not look: strided inputs, gradients that are
// recorded themselves, random masks, and sizes that take several blocks and passes.
#include <gtest/gtest.h>

#include "catena/catena.hpp"
#include "cuda_test.hpp"
#include "op_suite.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

struct Tolerance {
  double rtol, atol;
};

// Both sides keep the sample's tolerance to the true value.
Tolerance tolerance_of(const OpSample& s, DType dtype, double factor) {
  if (dtype == kFloat64) return {factor * s.rtol64, factor * s.atol64};
  if (dtype == kFloat32) return {factor * s.rtol32, factor * s.atol32};
  return {0, 0};
}

::testing::AssertionResult agree(const Tensor& got, const Tensor& expected, Tolerance t) {
  if (got.defined() != expected.defined())
    return ::testing::AssertionFailure() << "one of the tensors is undefined";
  if (!got.defined()) return ::testing::AssertionSuccess();
  if (!(got.shape() == expected.shape()) || got.dtype() != expected.dtype())
    return ::testing::AssertionFailure()
           << name_of(got.dtype()) << " " << to_string(got.shape()) << "; expected "
           << name_of(expected.dtype()) << " " << to_string(expected.shape());
  const std::vector<double> x = got.to_vector<double>(), y = expected.to_vector<double>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    if (!(std::abs(x[i] - y[i]) <= t.atol + t.rtol * std::abs(y[i])))
      return ::testing::AssertionFailure()
             << "element " << i << " is " << x[i] << " on cuda, " << y[i] << " on the cpu";
  }
  return ::testing::AssertionSuccess();
}

// The same values in memory whose strides run the other way.
Tensor strided(const Tensor& t) {
  if (t.rank() < 2) return t;
  return t.transpose(0, t.rank() - 1).contiguous().transpose(0, t.rank() - 1);
}

// Fixed numbers in [-1, 1) for the gradients that come in.
Tensor cotangent(const Tensor& like, int k) {
  std::vector<double> values(static_cast<std::size_t>(like.numel()));
  std::uint32_t state = 12345u + static_cast<std::uint32_t>(k);
  for (double& v : values) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<double>(state >> 8) / 8388608.0 - 1.0;
  }
  return tensor(values, like.shape(), like.dtype());
}

struct Result {
  std::vector<Tensor> outputs, gradients;
};

Result run(const OpSample& s, const std::vector<Tensor>& host_inputs, Device device,
           bool as_strided, bool with_gradients, bool create_graph) {
  manual_seed(kSuiteSeed);
  std::vector<Tensor> inputs, wanted;
  const OpInfo& info = s.op.info();
  for (std::size_t i = 0; i < host_inputs.size(); ++i) {
    Tensor x = host_inputs[i].to(device);
    if (as_strided) x = strided(x);
    x = x.detach();
    if (with_gradients && is_differentiable(x.dtype()) && !(s.no_grad >> i & 1u)) {
      x.set_requires_grad(true);
      wanted.push_back(x);
    }
    inputs.push_back(x);
  }
  Result r;
  r.outputs = call(s.op, inputs);
  if (!wanted.empty() && info.differentiable) {
    std::vector<Tensor> outputs, cotangents;
    for (std::size_t k = 0; k < r.outputs.size(); ++k) {
      if (!r.outputs[k].requires_grad()) continue;
      outputs.push_back(r.outputs[k]);
      cotangents.push_back(cotangent(r.outputs[k], static_cast<int>(k)).to(device));
    }
    if (!outputs.empty())
      r.gradients =
          grad(outputs, wanted, {.create_graph = create_graph, .allow_unused = true}, cotangents);
  }
  return r;
}

class CudaOps : public CudaTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(CudaOps, AgreesWithTheCpu) {
  const OpEntry& entry = op_entries()[GetParam()];
  for (const OpSample& s : entry.samples()) {
    if (!s.skip_reason.empty() || !s.error.empty()) continue;
    const OpInfo& info = s.op.info();
    const bool has_kernels = info.kind == OpKind::kKernel || info.kind == OpKind::kPointwise;
    const KernelRow& row = info.rows[static_cast<int>(DeviceType::kCuda)];
    if (has_kernels && !row.present()) GTEST_SKIP() << info.name << " has no CUDA kernel";
    if (s.inputs.empty()) continue;  // made on the host
    for (DType dtype : dtypes_of(s)) {
      const std::vector<Tensor> inputs = make_inputs(s, dtype);
      const bool gradients = s.gradients && kFloatTypes.contains(dtype);
      for (bool as_strided : {true, false}) {
        const bool composed = !as_strided;
        if (composed && !gradients && !info.random) continue;
        SCOPED_TRACE(std::string(info.name) + "/" + s.name + "/" + std::string(name_of(dtype)) +
                     (composed ? "/composed" : "/strided"));
        const Result expected = run(s, inputs, kCpu, as_strided, gradients, composed);
        const Result got = run(s, inputs, cuda(), as_strided, gradients, composed);
        ASSERT_EQ(got.outputs.size(), expected.outputs.size());
        ASSERT_EQ(got.gradients.size(), expected.gradients.size());
        for (std::size_t k = 0; k < got.outputs.size(); ++k)
          EXPECT_TRUE(agree(got.outputs[k], expected.outputs[k],
                            tolerance_of(s, expected.outputs[k].dtype(), 4)))
              << "output " << k;
        const Tolerance t = dtype == kFloat64 ? Tolerance{1e-10, 1e-11} : Tolerance{1e-4, 2e-5};
        for (std::size_t k = 0; k < got.gradients.size(); ++k)
          EXPECT_TRUE(agree(got.gradients[k], expected.gradients[k], t)) << "gradient " << k;
      }
    }
  }
}

std::vector<std::size_t> all_entries() {
  std::vector<std::size_t> list(op_entries().size());
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = i;
  return list;
}
INSTANTIATE_TEST_SUITE_P(Op, CudaOps, ::testing::ValuesIn(all_entries()),
                         [](const auto& p) { return std::string(op_entries()[p.param].name); });

// --- Sizes that samples do not reach: several blocks, several passes, odd lengths ---

using CudaLarge = CudaTest;

Tensor noise(const Shape& shape, std::uint64_t seed, DType dtype = kFloat32) {
  manual_seed(seed);
  return rand(shape).to(dtype) - 0.5;
}

TEST_F(CudaLarge, Reductions) {
  for (const Shape& shape : {Shape{100003}, Shape{7, 40001}, Shape{40001, 7}, Shape{300, 2, 129},
                             Shape{3, 70000, 2}, Shape{65, 3, 5, 33}}) {
    const Tensor host = noise(shape, 3, kFloat64), device = host.to(cuda());
    std::vector<Shape> lists{{}};
    for (int d = 0; d < shape.rank(); ++d) lists.push_back({d});
    if (shape.rank() > 2) lists.push_back({0, 2});
    for (const Shape& dims : lists) {
      SCOPED_TRACE(to_string(shape) + " over " + to_string(dims));
      EXPECT_TRUE(agree(device.sum(dims), host.sum(dims), {1e-11, 1e-9}));
      EXPECT_TRUE(agree(device.mean(dims), host.mean(dims), {1e-11, 1e-12}));
      EXPECT_TRUE(agree(device.max(dims), host.max(dims), {0, 0}));
    }
    for (int d = 0; d < shape.rank(); ++d)
      EXPECT_TRUE(agree(device.argmax(d), host.argmax(d), {0, 0})) << to_string(shape) << " " << d;
    EXPECT_TRUE(agree(device.argmax(), host.argmax(), {0, 0}));
    // The same bits every time.
    EXPECT_TRUE(same_bits(device.to(kFloat32).sum().to(kCpu), device.to(kFloat32).sum().to(kCpu)));
  }
}

TEST_F(CudaLarge, Pointwise) {
  const Tensor a = noise({513, 1027}, 1), b = noise({1027}, 2), c = noise({513, 1}, 3);
  const auto f = [](const Tensor& x, const Tensor& y, const Tensor& z) {
    return tanh(x * y + z) / (exp(x) + 1) - where(x > y, z, x);
  };
  EXPECT_TRUE(agree(f(a.to(cuda()), b.to(cuda()), c.to(cuda())), f(a, b, c), {1e-5, 1e-6}));
  const Tensor at = a.transpose(0, 1);
  EXPECT_TRUE(agree(at.to(cuda()) * 2 + 1, at * 2 + 1, {1e-6, 1e-6}));
}

TEST_F(CudaLarge, Softmax) {
  for (const Shape& shape : {Shape{5, 20000}, Shape{1000, 37}, Shape{3, 2049, 5}}) {
    const Tensor host = noise(shape, 4, kFloat64) * 30, device = host.to(cuda());
    for (int d = 0; d < shape.rank(); ++d) {
      EXPECT_TRUE(agree(softmax(device, d), softmax(host, d), {1e-11, 1e-13})) << to_string(shape);
      EXPECT_TRUE(agree(log_softmax(device, d), log_softmax(host, d), {1e-11, 1e-11}));
    }
  }
}

TEST_F(CudaLarge, CrossEntropy) {
  for (std::int64_t classes : {3, 1000, 5000}) {
    const Tensor host = noise({257, classes}, 5, kFloat64) * 20;
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < 257; ++i) labels.push_back(i * 31 % classes);
    const Tensor target = tensor(labels, {257});
    const Tensor soft = softmax(noise({257, classes}, 6, kFloat64), 1);
    for (Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone})
      for (const Tensor& t : {target, soft})
        EXPECT_TRUE(agree(cross_entropy(host.to(cuda()), t.to(cuda()), reduction),
                          cross_entropy(host, t, reduction), {1e-11, 1e-11}));
  }
}

TEST_F(CudaLarge, Products) {
  struct Case {
    Shape a, b;
  };
  for (const Case& c :
       {Case{{33, 65}, {65, 17}}, Case{{65}, {65}}, Case{{33, 65}, {65}}, Case{{65}, {65, 17}},
        Case{{4, 33, 65}, {65, 17}}, Case{{4, 33, 65}, {4, 65, 17}}, Case{{2, 1, 9, 8}, {3, 8, 7}},
        Case{{9, 8}, {2, 3, 8, 7}}, Case{{0, 8}, {8, 7}}, Case{{9, 0}, {0, 7}}}) {
    SCOPED_TRACE(to_string(c.a) + " by " + to_string(c.b));
    for (DType dtype : {kFloat32, kFloat64}) {
      const Tensor a = noise(c.a, 7, dtype), b = noise(c.b, 8, dtype);
      const Tolerance t = dtype == kFloat32 ? Tolerance{1e-5, 1e-5} : Tolerance{1e-12, 1e-12};
      const Tensor expected = matmul(a, b);
      const Tensor da = a.to(cuda()), db = b.to(cuda());
      EXPECT_TRUE(agree(matmul(da, db), expected, t));
      EXPECT_TRUE(agree(matmul(strided(da), strided(db)), expected, t));
      // A matrix of which neither stride is 1.
      if (c.b.rank() == 2) {
        Tensor wide = zeros({c.b[0] * 2, c.b[1] * 3}, {dtype, cuda()});
        const Tensor part = wide.slice({Slice(0, std::nullopt, 2), Slice(0, std::nullopt, 3)});
        if (part.numel() > 0) Tensor(part).copy_(db);
        EXPECT_TRUE(agree(matmul(da, part), expected, t));
      }
    }
  }
  // No TF32: its ten bits of mantissa would show.
  const Tensor x = full({64, 64}, 1.0 + 1.0 / 4096), y = full({64, 64}, 1.0);
  EXPECT_TRUE(agree(matmul(x.to(cuda()), y.to(cuda())), matmul(x, y), {1e-6, 0}));
}

TEST_F(CudaLarge, IndexAddInOrder) {
  std::vector<std::int64_t> index;
  for (int i = 0; i < 1000; ++i) index.push_back(i * i % 13);
  const Tensor at = tensor(index, {1000}), x = noise({1000, 300}, 9);
  const Tensor device = index_add(x.to(cuda()), at.to(cuda()), 13);
  EXPECT_TRUE(agree(device, index_add(x, at, 13), {1e-5, 1e-5}));
  EXPECT_TRUE(same_bits(device.to(kCpu), index_add(x.to(cuda()), at.to(cuda()), 13).to(kCpu)));
}

}  // namespace
}  // namespace catena::test
