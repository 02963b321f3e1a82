// CPU = CUDA for every sample whose op has a CUDA kernel; skipped, with a count, without a device.
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "op_suite_cases.hpp"

namespace catena::test {
namespace {

bool runs_on_cuda(const Case& c) {
  const OpInfo& info = c.info();
  if (info.random) return false;  // the suite's random samples are pinned by the CPU reference
  if (info.kind == OpKind::kView || info.kind == OpKind::kComposite) return true;
  const KernelRow& row = info.rows[static_cast<int>(DeviceType::kCuda)];
  return row.present() && row.dtypes.contains(c.dtype);
}

std::vector<Tensor> on_cuda(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> list;
  for (const Tensor& t : tensors) list.push_back(t.detach().to(cuda()));
  return list;
}

void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected,
                  const Case& c) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].defined(), expected[k].defined());
    if (!got[k].defined()) continue;
    EXPECT_EQ(got[k].dtype(), expected[k].dtype());
    const std::vector<double> a = got[k].to_vector<double>(), b = expected[k].to_vector<double>();
    ASSERT_EQ(a.size(), b.size());
    const bool f64 = got[k].dtype() == kFloat64;
    const double rtol = f64 ? std::max(c.sample.rtol64, 1e-11) : std::max(c.sample.rtol32, 2e-5);
    const double atol = f64 ? std::max(c.sample.atol64, 1e-11) : std::max(c.sample.atol32, 1e-5);
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
                  std::abs(a[i] - b[i]) <= atol + rtol * std::abs(b[i]))
          << "output " << k << ", element " << i << ": cuda " << a[i] << ", cpu " << b[i];
  }
}

TEST(Cuda, SamplesAgreeWithCpu) {
  if (!is_available(cuda())) {
    GTEST_SKIP() << value_cases().size() << " samples not run on CUDA: there is no device";
  }
  int run_count = 0, without = 0;
  for (const Case& c : value_cases()) {
    if (!runs_on_cuda(c)) {
      ++without;
      continue;
    }
    SCOPED_TRACE(c.label);
    const std::vector<Tensor> in = make_inputs(c.sample, c.dtype);
    expect_close(run(c.sample, on_cuda(in)), run(c.sample, in), c);
    ++run_count;
  }
  for (const Case& c : gradient_cases())
    for (DType dtype : {kFloat32, kFloat64}) {
      Case one = c;
      one.dtype = dtype;
      bool sampled = false;
      for (DType t : dtypes_of(c.sample)) sampled |= t == dtype;
      if (!sampled || !runs_on_cuda(one)) continue;
      SCOPED_TRACE(c.label + " gradient");
      std::vector<Tensor> in = make_inputs(c.sample, dtype), there = on_cuda(in);
      require_gradients(one, in);
      require_gradients(one, there);
      expect_close(gradients(one, there), gradients(one, in), one);
      ++run_count;
    }
  std::printf("cuda: %d samples compared, %d without a CUDA kernel\n", run_count, without);
}

}  // namespace
}  // namespace catena::test
