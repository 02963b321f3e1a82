// What the suite and benchmarks share: the table of samples and how inputs are made.
#include <cmath>
#include <stdexcept>

#include "op_suite.hpp"

namespace catena::test {

namespace {

// splitmix64: a small stream independent of Catena's own generator.
struct Stream {
  std::uint64_t state;
  double unit() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53;
  }
};

bool too_close(const InputSpec& spec, double v) {
  for (double p : spec.avoid)
    if (std::abs(v - p) < spec.distance) return true;
  return false;
}

Array draw(const InputSpec& spec, DType dtype, std::uint64_t seed) {
  if (spec.kind == InputSpec::Kind::kExplicit) {
    if (static_cast<std::int64_t>(spec.values.size()) != spec.shape.numel())
      throw std::invalid_argument("a sample gives " + std::to_string(spec.values.size()) +
                                  " values for the shape " + to_string(spec.shape));
    return Array(spec.shape, spec.values);
  }
  Stream stream{seed};
  double low = spec.low, high = spec.high;
  const bool whole = spec.whole || !is_floating(dtype);
  if (dtype == kBool) {
    low = 0;
    high = 2;
  } else if (dtype == kUInt8 || dtype == kUInt16 || dtype == kUInt32 || dtype == kUInt64) {
    low = std::max(low, 0.0);
    if (high < low + 1) high = low + 4;
  }
  Array a(spec.shape);
  for (double& v : a.values) {
    int tries = 0;
    do {
      v = low + (high - low) * stream.unit();
      if (whole) v = std::floor(v);
      if (whole && v < low) v += 1;  // low is not whole
    } while (too_close(spec, v) && ++tries < 1000);
  }
  return a;
}

}  // namespace

double broadcast_at(const Array& a, const Shape& index) {
  std::int64_t p = 0;
  const int skip = index.rank() - a.shape.rank();
  for (int d = 0; d < a.shape.rank(); ++d)
    p = p * a.shape[d] + (a.shape[d] == 1 ? 0 : index[d + skip]);
  return a.values[static_cast<std::size_t>(p)];
}

const std::vector<OpEntry>& op_entries() {
  static const std::vector<OpEntry> entries{
#define CATENA_OP(Struct, name, stem) {#name, samples_##Struct},
#include "catena/ops/ops.def"
#undef CATENA_OP
  };
  return entries;
}

std::vector<Tensor> make_inputs(const OpSample& sample, DType dtype) {
  std::vector<Tensor> inputs;
  std::uint64_t seed = 1;
  for (const InputSpec& spec : sample.inputs) {
    const DType t = spec.has_dtype ? spec.dtype : dtype;
    const Array a = draw(spec, t, seed++);
    inputs.push_back(tensor(a.values, a.shape, t));
  }
  return inputs;
}

std::vector<DType> dtypes_of(const OpSample& sample) {
  const OpInfo& info = sample.op.info();
  bool any_free = false;
  for (const InputSpec& spec : sample.inputs) any_free |= !spec.has_dtype;
  if (!any_free || !sample.error.empty()) return {kFloat32};
  DTypeSet set = sample.dtypes;
  if (set.empty()) {
    const KernelRow& row = info.rows[static_cast<int>(DeviceType::kCpu)];
    if (info.kind == OpKind::kPointwise) {
      set = info.pointwise.dtypes;
      if (info.pointwise.integer_to_float) set = set | DTypeSet(kInt32, kUInt8);
    } else if (info.kind == OpKind::kView) {
      set = kComputeTypes;
    } else if (row.present()) {
      set = row.dtypes;
    } else {
      set = kFloatTypes;
    }
  }
  std::vector<DType> list;
  for (int i = 0; i < kNumDTypes; ++i)
    if (set.contains(static_cast<DType>(i))) list.push_back(static_cast<DType>(i));
  return list;
}

Array to_array(const Tensor& t) { return Array(t.shape(), t.to_vector<double>()); }

}  // namespace catena::test
