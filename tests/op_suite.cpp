// Values: every sample and dtype against the reference, in every memory layout, deferred, with
// several threads, by name, and with guarded outputs.
#include <cstring>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/random.hpp"
#include "op_suite_cases.hpp"

namespace catena::test {
namespace {

// What a result of dtype `t` can hold of an exact value: floats round, integers wrap.
double rounded(double v, DType t) {
  return visit_dtype(t, [&]<class T>(T) -> double {
    if constexpr (std::is_same_v<T, bool>)
      return v != 0;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<double>(static_cast<T>(static_cast<std::int64_t>(v)));
    else if constexpr (std::is_floating_point_v<T>)
      return static_cast<double>(static_cast<T>(v));
    else
      return static_cast<double>(static_cast<float>(T(static_cast<float>(v))));
  });
}

void expect_close(const Tensor& got, const Array& expected, const OpSample& s, int k) {
  ASSERT_EQ(got.shape(), expected.shape) << "output " << k;
  const bool f32 = got.dtype() == kFloat32, f64 = got.dtype() == kFloat64;
  const double rtol = f32 ? s.rtol32 : f64 ? s.rtol64 : 0;
  const double atol = f32 ? s.atol32 : f64 ? s.atol64 : 0;
  const std::vector<double> values = got.to_vector<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double want = rounded(expected.values[i], got.dtype()), have = values[i];
    if (have == want || (std::isnan(have) && std::isnan(want))) continue;
    if (std::abs(have - want) <= atol + rtol * std::abs(want)) continue;
    FAIL() << "output " << k << ", element " << i << " is " << ::testing::PrintToString(have)
           << "; expected " << ::testing::PrintToString(want);
  }
}

std::vector<Array> to_arrays(const std::vector<Tensor>& tensors) {
  std::vector<Array> arrays;
  for (const Tensor& t : tensors) arrays.push_back(to_array(t));
  return arrays;
}

// The same values with entries repeated along dimension d, so that they can be a stride of 0.
Tensor repeated_along(const Tensor& t, int d) {
  Array a = to_array(t);
  for_each_index(a.shape, [&](const Shape& at) {
    Shape first = at;
    first[d] = 0;
    a.at(at) = a.at(first);
  });
  return tensor(a.values, a.shape, t.dtype());
}
Tensor as_expanded(const Tensor& repeated, int d) {
  Shape strides = contiguous_strides(repeated.shape());
  strides[d] = 0;
  return from_memory(const_cast<void*>(detail::checked_data(repeated, repeated.dtype(),
                                                            std::source_location::current())),
                     repeated.shape(), repeated.dtype(), strides, [keep = repeated](void*) {});
}

class Values : public ::testing::TestWithParam<Case> {
 protected:
  const Case& c() const { return GetParam(); }
  const OpSample& s() const { return GetParam().sample; }
  std::vector<Tensor> inputs() const { return make_inputs(s(), c().dtype); }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Values);

TEST_P(Values, Reference) {
  const std::vector<Tensor> in = inputs(), out = run(s(), in);
  ASSERT_EQ(static_cast<int>(out.size()), c().info().num_outputs);
  if (!s().reference) return;
  const std::vector<Array> expected = s().reference(to_arrays(in));
  ASSERT_EQ(out.size(), expected.size()) << "the reference gives another number of outputs";
  for (std::size_t k = 0; k < out.size(); ++k)
    expect_close(out[k], expected[k], s(), static_cast<int>(k));
}

TEST_P(Values, AnyLayout) {
  const std::vector<Tensor> in = inputs();
  const std::vector<Tensor> expected = run(s(), in);
  for (std::size_t i = 0; i < in.size(); ++i) {
    for (Layout layout : kStridedLayouts) {
      Placed placed(in[i], layout);
      std::vector<Tensor> other = in;
      other[i] = placed.tensor();
      expect_same_in_layout(s(), run(s(), other), expected, "input in another layout");
      EXPECT_TRUE(placed.guards_intact()) << "memory around input " << i << " was written";
      EXPECT_TRUE(same_bits(placed.tensor(), in[i])) << "input " << i << " was written";
    }
    for (int d = 0; d < in[i].rank(); ++d) {
      if (in[i].numel() == 0) continue;
      std::vector<Tensor> dense = in, expanded = in;
      dense[i] = repeated_along(in[i], d);
      expanded[i] = as_expanded(dense[i], d);
      expect_same_in_layout(s(), run(s(), expanded), run(s(), dense), "expanded input");
    }
  }
}

TEST_P(Values, Deferred) {
  std::vector<Tensor> eager, deferred;
  const std::vector<Tensor> in = inputs();
  {
    DeferralScope off(false);
    eager = run(s(), in);
  }
  DeferralScope on(true, 1);
  deferred = run(s(), in);
  expect_same(deferred, eager, "deferred");
}

TEST_P(Values, Threads) {
  const int before = num_threads();
  const std::vector<Tensor> in = inputs();
  set_num_threads(1);
  const std::vector<Tensor> one = run(s(), in);
  set_num_threads(2);
  const std::vector<Tensor> two = run(s(), in);
  set_num_threads(before);
  expect_same(two, one, "two threads");
}

TEST_P(Values, AttributesAndName) {
  const OpValue& op = s().op;
  const OpValue again(c().info(), op.attr_list());
  EXPECT_EQ(again, op) << to_string(again) << " and " << to_string(op);
  EXPECT_EQ(again.attr_list(), op.attr_list());
  const std::vector<Tensor> in = inputs(), expected = run(s(), in);
  OpSample by_name = s();
  by_name.op = again;
  expect_same(run(by_name, in), expected, "from the attribute list");
  manual_seed(kSuiteSeed);
  expect_same(call(c().info().name, in, op.attr_list()), expected, "by name");
}

// The kernel itself, writing to the middle of a block whose other bytes must not change.
TEST_P(Values, KernelStaysWithinItsOutputs) {
  const KernelRow& row = c().info().rows[static_cast<int>(DeviceType::kCpu)];
  const bool pointwise = c().info().kind == OpKind::kPointwise;
  if (!row.present() || c().info().random) return;
  std::vector<Tensor> in = inputs();
  const std::vector<Tensor> expected = run(s(), in);
  if (pointwise) {
    DType compute = in[static_cast<std::size_t>(c().info().pointwise.first_promoted)].dtype();
    for (const Tensor& t : in)
      if (!(t.shape() == expected[0].shape()) || t.dtype() != in.back().dtype()) return;
    if (!row.dtypes.contains(compute)) return;  // converted by the core first
  }
  std::vector<TensorView> views, out_views;
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
  for (const Tensor& t : in) views.push_back(view(t));
  std::vector<Placed> outs;
  for (const Tensor& t : expected) outs.emplace_back(zeros_like(t), Layout::kContiguous);
  for (Placed& p : outs) {
    p.poison();
    out_views.push_back(view(p.tensor()));
  }
  KernelContext context;
  context.inputs = views.data();
  context.outputs = out_views.data();
  context.num_inputs = static_cast<int>(views.size());
  context.num_outputs = static_cast<int>(out_views.size());
  row.forward(s().op.attrs(), context);
  for (std::size_t k = 0; k < outs.size(); ++k) {
    EXPECT_TRUE(outs[k].guards_intact()) << "memory around output " << k << " was written";
    EXPECT_TRUE(same_bits(outs[k].tensor(), expected[k])) << "output " << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Op, Values, ::testing::ValuesIn(value_cases()), case_name);

// Several chunks: threads and blocks must not show.
class Large : public ::testing::TestWithParam<Case> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Large);

TEST_P(Large, SameBitsThreadedDeferredAndShifted) {
  const Case& c = GetParam();
  const std::vector<Tensor> in = make_inputs(c.sample, c.dtype);
  const int before = num_threads();
  std::vector<Tensor> expected;
  {
    DeferralScope off(false);
    set_num_threads(1);
    expected = run(c.sample, in);
    set_num_threads(2);
    expect_same(run(c.sample, in), expected, "two threads");
    std::vector<Tensor> shifted;
    for (const Tensor& t : in) shifted.push_back(Placed(t, Layout::kShifted).tensor());
    expect_same(run(c.sample, shifted), expected, "shifted by one element");
    set_num_threads(before);
  }
  DeferralScope on(true, 1);
  expect_same(run(c.sample, in), expected, "deferred");
}

INSTANTIATE_TEST_SUITE_P(Op, Large, ::testing::ValuesIn(large_cases()), case_name);

// --- Errors ---

class Errors : public ::testing::TestWithParam<Case> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Errors);

TEST_P(Errors, SayWhatIsWrongAndWhere) {
  const Case& c = GetParam();
  const std::vector<Tensor> in = make_inputs(c.sample, c.dtype);
  const std::string name = std::string("[") + c.info().name + "] ";
  expect_error<ArgumentError>([&] { run(c.sample, in); },
                              {name.c_str(), c.sample.error.c_str(), "(called at "});
}

INSTANTIATE_TEST_SUITE_P(Op, Errors, ::testing::ValuesIn(error_cases()), case_name);

// --- The table ---

TEST(Samples, EveryOpHasOneThatRuns) {
  for (const OpEntry& entry : op_entries()) {
    int running = 0;
    for (const OpSample& s : entry.samples()) {
      EXPECT_STREQ(s.op.info().name, entry.name) << "a sample of another op";
      running += s.error.empty() && s.skip_reason.empty();
    }
    EXPECT_GT(running, 0) << entry.name;
  }
}

TEST(Samples, EveryDifferentiableOpHasItsGradientChecked) {
  for (const OpEntry& entry : op_entries()) {
    const OpInfo& info = get_op(entry.name);
    bool checked = !info.differentiable || info.inputs.count == 0;
    for (const Case& c : gradient_cases()) checked |= &c.info() == &info;
    EXPECT_TRUE(checked) << entry.name;
  }
}

TEST(Samples, SkippedOnesAreNamed) {
  for (const Case& c : skipped_cases())
    std::printf("skipped: %s: %s\n", c.label.c_str(), c.sample.skip_reason.c_str());
  if (!skipped_cases().empty()) GTEST_SKIP() << skipped_cases().size() << " samples skipped";
}

}  // namespace
}  // namespace catena::test
