// Gradients of every sample: against central differences, to second order, fused against composed,
// in every layout, deferred, threaded, and with everything poisoned that the op did not ask to
// save.
#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/gradcheck.hpp"
#include "op_suite_cases.hpp"

namespace catena::test {
namespace {

class Gradients : public ::testing::TestWithParam<Case> {
 protected:
  const Case& c() const { return GetParam(); }
  const OpSample& s() const { return GetParam().sample; }
  const OpInfo& info() const { return GetParam().info(); }
  std::vector<Tensor> inputs() const { return make_inputs(s(), c().dtype); }
  std::vector<Tensor> leaves() const {
    std::vector<Tensor> in = inputs();
    require_gradients(c(), in);
    return in;
  }
  Function function() const {
    return [this](std::span<const Tensor> in) { return run(s(), in); };
  }
  // What the gradient of this call may read: bits of Saves.
  std::uint32_t saved() const {
    const std::vector<Tensor> in = inputs();
    const std::vector<bool> wanted = differentiated(c(), in);
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < in.size(); ++i)
      if (wanted[i]) mask |= info().saves.mask_for(static_cast<int>(i));
    return mask;
  }
  bool saves_input(std::size_t i) const {
    return saved() & Saves::kAllInputs || (i < 30 && saved() >> i & 1u);
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Gradients);

TEST_P(Gradients, CentralDifferences) {
  const GradcheckResult r = gradcheck(function(), leaves());
  EXPECT_TRUE(r.passed) << r.report;
}

TEST_P(Gradients, SecondOrder) {
  if (!s().second_order) return;
  const GradcheckResult r = gradgradcheck(function(), leaves());
  EXPECT_TRUE(r.passed) << r.report;
}

// The gradient kernel and the rule written with ops are two ways to one value, in both precisions.
TEST_P(Gradients, FusedIsComposed) {
  for (DType dtype : {kFloat64, kFloat32}) {
    bool runs = false;
    for (DType t : dtypes_of(s())) runs |= t == dtype;
    if (!runs) continue;
    Case one = c();
    one.dtype = dtype;
    std::vector<Tensor> in = make_inputs(s(), dtype);
    require_gradients(one, in);
    const std::vector<Tensor> fused = gradients(one, in), composed = gradients(one, in, true);
    ASSERT_EQ(fused.size(), composed.size());
    const double tolerance = dtype == kFloat64 ? 1e-11 : 2e-5;
    for (std::size_t i = 0; i < fused.size(); ++i) {
      ASSERT_EQ(fused[i].defined(), composed[i].defined());
      if (!fused[i].defined()) continue;
      EXPECT_EQ(fused[i].shape(), composed[i].shape());
      EXPECT_TRUE(close(fused[i], composed[i].to_vector<double>(), tolerance, tolerance))
          << name_of(dtype) << ", gradient " << i;
    }
  }
}

TEST_P(Gradients, BackwardFillsGrad) {
  const std::vector<Tensor> expected = gradients(c(), leaves());
  std::vector<Tensor> in = leaves();
  const std::vector<Tensor> outputs = differentiable_outputs(run(s(), in));
  const std::vector<Tensor> seeds = cotangents_for(outputs);
  backward(outputs, seeds, {.retain_graph = true});
  std::vector<Tensor> got;
  for (Tensor& t : in)
    if (t.requires_grad()) got.push_back(t.grad());
  expect_same(got, expected, "backward");
  // A second time adds.
  std::vector<std::vector<double>> twice;
  for (const Tensor& g : got) {
    twice.push_back(g.defined() ? g.to_vector<double>() : std::vector<double>());
    for (double& v : twice.back()) v *= 2;
  }
  backward(outputs, seeds);
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i].defined()) {
      EXPECT_TRUE(close(got[i], twice[i], 1e-14, 0)) << "accumulated";
    }
}

TEST_P(Gradients, AnyLayout) {
  const std::vector<Tensor> expected = gradients(c(), leaves());
  for (std::size_t i = 0; i < inputs().size(); ++i)
    for (Layout layout : kStridedLayouts) {
      std::vector<Tensor> in = inputs();
      Placed placed(in[i], layout);
      in[i] = placed.tensor();
      require_gradients(c(), in);
      expect_same_in_layout(s(), gradients(c(), in), expected, "input in another layout");
      EXPECT_TRUE(placed.guards_intact()) << "memory around input " << i << " was written";
    }
}

TEST_P(Gradients, DeferredAndThreaded) {
  const int before = num_threads();
  std::vector<Tensor> expected;
  {
    DeferralScope off(false);
    set_num_threads(1);
    expected = gradients(c(), leaves());
    set_num_threads(2);
    expect_same(gradients(c(), leaves()), expected, "two threads");
    set_num_threads(before);
  }
  DeferralScope on(true, 1);
  const std::vector<Tensor> in = leaves();
  const std::vector<Tensor> deferred = gradients(c(), in);
  EXPECT_EQ(pending_values(), 0) << "work is left pending after the backward";
  expect_same(deferred, expected, "deferred");
}

// Values that kSaves does not name may be overwritten, even behind the library's back.
TEST_P(Gradients, ReadOnlyWhatIsSaved) {
  if (info().kind == OpKind::kComposite) return;  // what its parts save is theirs
  const std::vector<Tensor> expected = gradients(c(), leaves());
  std::vector<Tensor> in = inputs();
  std::vector<Placed> placed;
  for (Tensor& t : in) {
    placed.emplace_back(t, Layout::kContiguous);
    t = placed.back().tensor();
  }
  require_gradients(c(), in);
  std::vector<Tensor> all = run(s(), in);
  const std::vector<Tensor> outputs = differentiable_outputs(all);
  const std::vector<Tensor> seeds = cotangents_for(outputs);
  for (std::size_t i = 0; i < placed.size(); ++i)
    if (!saves_input(i)) placed[i].poison();
  if (!(saved() & Saves::kOutput) && info().kind != OpKind::kView)
    for (Tensor& t : all)
      if (t.dtype() == kFloat64)
        std::fill_n(t.data<double>(), t.numel(), std::numeric_limits<double>::quiet_NaN());
  std::vector<Tensor> wanted;
  for (const Tensor& t : in)
    if (t.requires_grad()) wanted.push_back(t);
  expect_same(grad(outputs, wanted, {.allow_unused = true}, seeds), expected, "poisoned");
}

// The tape alone keeps what it needs: intermediate handles go, and their memory is used again.
TEST_P(Gradients, SurviveDroppedHandles) {
  const std::vector<Tensor> expected = gradients(c(), leaves());
  std::vector<Tensor> in = leaves(), wanted;
  for (const Tensor& t : in)
    if (t.requires_grad()) wanted.push_back(t);
  std::vector<Tensor> outputs, seeds;
  {
    std::vector<Tensor> copies;
    for (const Tensor& t : in) copies.push_back(t.requires_grad() ? clone(t) : clone(t.detach()));
    std::vector<Tensor> direct = differentiable_outputs(run(s(), copies));
    seeds = cotangents_for(direct);
    // So that the op's own output is dropped too.
    for (const Tensor& t : direct) outputs.push_back(clone(t));
  }
  std::vector<Tensor> junk;
  for (int i = 0; i < 20; ++i)
    for (const Tensor& t : in)
      junk.push_back(full(t.shape(), std::numeric_limits<double>::quiet_NaN(), kFloat64));
  for (int i = 0; i < 20; ++i)
    for (const Tensor& t : outputs)
      junk.push_back(full(t.shape(), std::numeric_limits<double>::quiet_NaN(), kFloat64));
  expect_same(grad(outputs, wanted, {.allow_unused = true}, seeds), expected, "handles dropped");
}

// The gradient kernel itself, given only what is saved, writing to guarded memory.
TEST_P(Gradients, KernelStaysWithinItsOutputs) {
  const KernelRow& row = info().rows[static_cast<int>(DeviceType::kCpu)];
  if (!row.backward || info().kind != OpKind::kKernel || info().random) return;
  const std::vector<Tensor> in = leaves(), expected = gradients(c(), in);
  const std::vector<Tensor> outputs = run(s(), in);
  const std::vector<Tensor> seeds = cotangents_for(differentiable_outputs(outputs));
  auto view = [](const Tensor& t) {
    TensorView v;
    v.data = detail::checked_data(t, t.dtype(), std::source_location::current());
    v.dtype = t.dtype();
    v.contiguous = t.is_contiguous();
    v.numel = t.numel();
    v.shape = t.shape();
    v.strides = t.strides();
    return v;
  };
  std::vector<TensorView> views, gradient_views(in.size());
  std::size_t next = 0;
  for (const Tensor& t : outputs)
    views.push_back(t.requires_grad() ? view(seeds[next++]) : TensorView());
  for (std::size_t i = 0; i < in.size(); ++i)
    views.push_back(saves_input(i) ? view(in[i]) : TensorView());
  for (const Tensor& t : outputs)
    views.push_back(saved() & Saves::kOutput ? view(t) : TensorView());
  std::vector<Placed> placed;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!in[i].requires_grad()) continue;
    placed.emplace_back(zeros_like(in[i]), Layout::kContiguous);
    placed.back().poison();
    gradient_views[i] = view(placed.back().tensor());
  }
  KernelContext context;
  context.inputs = views.data();
  context.outputs = gradient_views.data();
  context.num_inputs = static_cast<int>(views.size());
  context.num_outputs = static_cast<int>(gradient_views.size());
  row.backward(s().op.attrs(), context);
  ASSERT_EQ(placed.size(), expected.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    EXPECT_TRUE(placed[i].guards_intact()) << "memory around gradient " << i << " was written";
    EXPECT_TRUE(same_bits(placed[i].tensor(), expected[i])) << "gradient " << i;
  }
}

// Overwriting what is saved is an error that names the op and both lines.
TEST_P(Gradients, OverwrittenSavedValueIsAnError) {
  if (info().kind == OpKind::kComposite) return;
  const std::string name = std::string("[") + info().name +
                           "] a value saved for backward was "
                           "overwritten in place";
  const std::size_t n = inputs().size();
  for (std::size_t i = 0; i <= n; ++i) {
    const bool output = i == n;
    if (output ? !(saved() & Saves::kOutput) : !saves_input(i)) continue;
    std::vector<Tensor> in = leaves();
    // What is saved of a promoted operand is the converted copy.
    if (!output && info().kind == OpKind::kPointwise && in[i].dtype() != c().dtype &&
        static_cast<int>(i) >= info().pointwise.first_promoted)
      continue;
    std::vector<Tensor> all = run(s(), in);
    Tensor& target = output ? all[0] : in[i];
    if (target.numel() == 0) continue;
    {
      NoGrad off;
      target.fill_(1);
    }
    const std::vector<Tensor> outputs = differentiable_outputs(all);
    const std::vector<Tensor> seeds = cotangents_for(outputs);
    expect_error<ArgumentError>([&] { backward(outputs, seeds); },
                                {name.c_str(), "op_suite_gradients.cpp:", "op_suite_cases.cpp:"});
  }
}

INSTANTIATE_TEST_SUITE_P(Op, Gradients, ::testing::ValuesIn(gradient_cases()), case_name);

}  // namespace
}  // namespace catena::test
