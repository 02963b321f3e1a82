// Convolutions in the memory layouts that oneDNN's kernels want; x, weight and y are brought into
// them and back within a call.
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

#include "catena/backends/cpu/onednn/entry.hpp"

namespace catena::cpu {

using Description = dnnl::memory::desc;

// One of x, weight and y.
struct Operand {
  Description plain, wanted;
  bool written = false;
  dnnl::reorder reorder;     // to `wanted`, or from it where written; none when they are equal
  std::int64_t offset = -1;  // in the working memory; -1: the caller's own memory serves
};

struct ConvPlan {
  dnnl::primitive primitive;
  Operand x, weight, y;
  Description scratchpad;
  std::int64_t scratchpad_offset = 0, bytes = 0;
};

namespace {

using dnnl::memory;
using Dims = memory::dims;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

// The geometry in oneDNN's terms; a depth of 1 is left out.
struct Problem {
  Dims x, weight, y, stride, dilation, before, after;
  memory::dim weight_row;
  explicit Problem(const ConvPart& part) {
    const ConvGeometry& g = part.geometry;
    const int first = g.in[0] == 1 && g.kernel[0] == 1 && g.out[0] == 1 && g.before[0] == 0;
    x = {g.batch, g.groups * g.inputs};
    y = {g.batch, g.groups * g.outputs};
    if (g.groups > 1)
      weight = {g.groups, g.outputs, g.inputs};
    else
      weight = {g.outputs, g.inputs};
    weight_row = g.groups > 1 ? g.outputs * part.weight_row : part.weight_row;
    for (int d = first; d < 3; ++d) {
      x.push_back(g.in[d]);
      y.push_back(g.out[d]);
      weight.push_back(g.kernel[d]);
      stride.push_back(g.stride[d]);
      dilation.push_back(g.dilation[d] - 1);
      before.push_back(g.before[d]);
      after.push_back((g.out[d] - 1) * g.stride[d] + g.dilation[d] * (g.kernel[d] - 1) + 1 -
                      g.in[d] - g.before[d]);
    }
  }
};

Description described(const Dims& dims, memory::format_tag tag) {
  return {dims, memory::data_type::f32, tag};
}
// Row-major but for the first dimension.
Description plain(const Dims& dims, memory::dim first) {
  Dims strides(dims.size());
  memory::dim step = 1;
  for (std::size_t d = dims.size(); d-- > 0;) {
    strides[d] = step;
    step *= dims[d];
  }
  strides[0] = first;
  return {dims, memory::data_type::f32, strides};
}

// Implementations that read x or weights element by element or copy them out into columns, which
// our own kernels do as well or better.
bool is_slow(std::string_view name) {
  return name.find("ref") != std::string_view::npos || name.find("gemm") != std::string_view::npos;
}

struct Prepared {
  dnnl::primitive primitive;
  Description x, weight, y, scratchpad;
  bool slow = true;
};

template <class Description>
Prepared prepared(const Description& pd, const dnnl::primitive& primitive, const auto& x,
                  const auto& weight, const auto& y) {
  return {primitive, x, weight, y, pd.scratchpad_desc(), is_slow(pd.impl_info_str())};
}

Prepared prepare(ConvKind kind, const Problem& p) {
  const auto any = memory::format_tag::any;
  const Description x = described(p.x, any), weight = described(p.weight, any),
                    y = described(p.y, any);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto automatic = dnnl::algorithm::convolution_auto;
  const auto training = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::convolution_forward::primitive_desc forward(
      engine(), training, automatic, x, weight, y, p.stride, p.dilation, p.before, p.after, attr);
#else
  const dnnl::convolution_forward::primitive_desc forward(
      {training, automatic, x, weight, y, p.stride, p.dilation, p.before, p.after}, attr, engine());
#endif
  if (kind == ConvKind::kForward)
    return prepared(forward, dnnl::convolution_forward(forward), forward.src_desc(),
                    forward.weights_desc(), forward.dst_desc());
  if (kind == ConvKind::kDataGradient) {
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::convolution_backward_data::primitive_desc pd(
        engine(), automatic, x, weight, y, p.stride, p.dilation, p.before, p.after, forward, attr);
#else
    const dnnl::convolution_backward_data::primitive_desc pd(
        {automatic, x, weight, y, p.stride, p.dilation, p.before, p.after}, attr, engine(),
        forward);
#endif
    return prepared(pd, dnnl::convolution_backward_data(pd), pd.diff_src_desc(), pd.weights_desc(),
                    pd.diff_dst_desc());
  }
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::convolution_backward_weights::primitive_desc pd(
      engine(), automatic, x, weight, y, p.stride, p.dilation, p.before, p.after, forward, attr);
#else
  const dnnl::convolution_backward_weights::primitive_desc pd(
      {automatic, x, weight, y, p.stride, p.dilation, p.before, p.after}, attr, engine(), forward);
#endif
  return prepared(pd, dnnl::convolution_backward_weights(pd), pd.src_desc(), pd.diff_weights_desc(),
                  pd.diff_dst_desc());
}

// Room for a description in the working memory of a plan.
std::int64_t reserve(ConvPlan& plan, const Description& d) {
  const std::int64_t at = plan.bytes;
  plan.bytes += (static_cast<std::int64_t>(d.get_size()) + 63) / 64 * 64;
  return at;
}

Operand operand(ConvPlan& plan, const Description& plain, const Description& wanted, bool written) {
  Operand o{plain, wanted, written, {}, -1};
  if (o.plain == wanted) return o;
  const Description &from = written ? wanted : o.plain, &to = written ? o.plain : wanted;
  o.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
  o.offset = reserve(plan, wanted);
  return o;
}

std::shared_ptr<const ConvPlan> new_plan(ConvKind kind, const ConvPart& part) {
  const Problem p(part);
  const Prepared made = prepare(kind, p);
  if (made.slow) return nullptr;
  auto plan = std::make_shared<ConvPlan>();
  plan->primitive = made.primitive;
  plan->x = operand(*plan, plain(p.x, part.image_x), made.x, kind == ConvKind::kDataGradient);
  plan->weight =
      operand(*plan, plain(p.weight, p.weight_row), made.weight, kind == ConvKind::kWeightGradient);
  plan->y = operand(*plan, plain(p.y, part.image_y), made.y, kind == ConvKind::kForward);
  plan->scratchpad = made.scratchpad;
  plan->scratchpad_offset = reserve(*plan, made.scratchpad);
  return plan;
}

// The plans used last, newest first; a null plan says that oneDNN has none.
class Cache {
 public:
  std::shared_ptr<const ConvPlan> find(ConvKind kind, const ConvPart& part) {
    const std::lock_guard lock(mutex_);
    for (auto e = entries_.begin(); e != entries_.end(); ++e) {
      if (e->kind != kind || std::memcmp(&e->part, &part, sizeof part) != 0) continue;
      entries_.splice(entries_.begin(), entries_, e);
      return e->plan;
    }
    entries_.push_front({kind, part, nullptr});
    if (entries_.size() > kMostPlans) entries_.pop_back();
    try {
      entries_.front().plan = new_plan(kind, part);
    } catch (const dnnl::error&) {
    }
    return entries_.front().plan;
  }

 private:
  static constexpr std::size_t kMostPlans = 512;
  struct Entry {
    ConvKind kind;
    ConvPart part;
    std::shared_ptr<const ConvPlan> plan;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;
};

using Handle = std::shared_ptr<const ConvPlan>;

ConvPlan* make_plan(ConvKind kind, const ConvPart* part) {
  static Cache* const cache = new Cache;  // calls may come while the process ends
  const OneThread one;
  Handle plan = cache->find(kind, *part);
  return plan ? reinterpret_cast<ConvPlan*>(new Handle(std::move(plan))) : nullptr;
}
const ConvPlan& plan_of(const ConvPlan* handle) {
  return **reinterpret_cast<const Handle*>(handle);
}
void release_plan(ConvPlan* handle) { delete reinterpret_cast<Handle*>(handle); }
std::int64_t plan_bytes(const ConvPlan* handle) { return plan_of(handle).bytes; }

int run_plan(const ConvPlan* handle, void* memory_block, float* x, float* weight, float* y) try {
  const OneThread one;
  const ConvPlan& plan = plan_of(handle);
  char* block = static_cast<char*>(memory_block);
  const Operand* operands[] = {&plan.x, &plan.weight, &plan.y};
  float* data[] = {x, weight, y};
  memory given[3], used[3];
  for (int i = 0; i < 3; ++i) {
    const Operand& o = *operands[i];
    given[i] = memory(o.plain, engine(), data[i]);
    used[i] = o.offset < 0 ? given[i] : memory(o.wanted, engine(), block + o.offset);
    if (o.offset >= 0 && !o.written) o.reorder.execute(stream(), given[i], used[i]);
  }
  const memory scratchpad(plan.scratchpad, engine(), block + plan.scratchpad_offset);
  plan.primitive.execute(stream(),
                         {{plan.x.written ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, used[0]},
                          {plan.weight.written ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, used[1]},
                          {plan.y.written ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, used[2]},
                          {DNNL_ARG_SCRATCHPAD, scratchpad}});
  for (int i = 0; i < 3; ++i)
    if (operands[i]->offset >= 0 && operands[i]->written)
      operands[i]->reorder.execute(stream(), used[i], given[i]);
  stream().wait();
  return 0;
} catch (const dnnl::error&) {
  return 1;
}

}  // namespace

void fill_convolution(OneDnnApi& api) {
  api.make_plan = make_plan;
  api.release_plan = release_plan;
  api.plan_bytes = plan_bytes;
  api.run_plan = run_plan;
}

}  // namespace catena::cpu
