#include "catena/backends/cpu/conv_onednn.hpp"

#include <algorithm>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/memory.hpp"

namespace catena::cpu {
namespace {

// What a part has at least when a convolution is shared out: operations, and images or channels.
// oneDNN takes Winograd's kernels, twice as fast, from 16 images on.
constexpr double kPartFlops = 1e8;
constexpr std::int64_t kPartImages = 16;
constexpr std::int64_t kPartChannels = 128;
constexpr std::int64_t kMostParts = 16;

std::int64_t volume(const std::int64_t* size) { return size[0] * size[1] * size[2]; }

std::int64_t weight_size(const ConvGeometry& g) {
  return g.groups * g.outputs * g.inputs * volume(g.kernel);
}
std::int64_t image_x(const ConvGeometry& g) { return g.groups * g.inputs * volume(g.in); }
std::int64_t image_y(const ConvGeometry& g) { return g.groups * g.outputs * volume(g.out); }

double flops_of(const ConvGeometry& g) {
  return 2.0 * static_cast<double>(weight_size(g)) * static_cast<double>(g.batch) *
         static_cast<double>(volume(g.out));
}

// Whether oneDNN is worth loading and faster. With few channels its blocks are nearly empty; on
// small images and with a stride our own kernels compute or gather more than they need.
bool is_faster(ConvKind kind, const ConvGeometry& g) {
  if (flops_of(g) < 4e6) return false;
  const std::int64_t channels = g.inputs * g.outputs;
  if (channels >= (kind == ConvKind::kWeightGradient ? 256 : 512)) return true;
  return channels >= 96 && (volume(g.out) <= 256 || volume(g.stride) > 1);
}

// What is computed at once: a share of the images, or of the channels of what is written (of the
// weight gradient: its outputs).
struct Parts {
  std::int64_t images = 1, channels = 1;
  std::int64_t count() const { return images * channels; }
};
// By the shape alone, so that the bits do not depend on the thread count.
Parts parts_of(ConvKind kind, const ConvGeometry& g) {
  Parts parts;
  const auto may_double = [&] {
    return parts.count() < kMostParts &&
           flops_of(g) >= kPartFlops * 2 * static_cast<double>(parts.count());
  };
  // Each part brings the weight into oneDNN's layout, which must be little beside x and y.
  while (may_double() && g.batch % (2 * parts.images) == 0 &&
         g.batch / (2 * parts.images) >= kPartImages &&
         weight_size(g) <= 2 * (image_x(g) + image_y(g)) * (g.batch / (2 * parts.images)))
    parts.images *= 2;
  if (parts.images > 1 || g.groups > 1) return parts;
  // Or all of x or y, which is little beside a weight that is not.
  const std::int64_t channels = kind == ConvKind::kDataGradient ? g.inputs : g.outputs;
  while (may_double() && channels % (2 * parts.channels) == 0 &&
         channels / (2 * parts.channels) >= kPartChannels)
    parts.channels *= 2;
  return parts;
}

// Working memory from the buffer cache.
class Block {
 public:
  explicit Block(std::int64_t bytes)
      : data_(detail::pool_allocate(static_cast<std::size_t>(std::max<std::int64_t>(64, bytes)),
                                    &size_class_)) {}
  ~Block() { detail::pool_free(data_, size_class_); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* data() const { return data_; }

 private:
  std::uint8_t size_class_ = 0;  // set by the initialiser of data_
  void* data_;
};

class Plan {
 public:
  Plan(ConvKind kind, const ConvPart& part) : plan_(onednn()->make_plan(kind, &part)) {}
  ~Plan() {
    if (plan_) onednn()->release_plan(plan_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  explicit operator bool() const { return plan_; }
  bool run(float* x, float* weight, float* y) const {
    const Block memory(onednn()->plan_bytes(plan_));
    return onednn()->run_plan(plan_, memory.data(), x, weight, y) == 0;
  }

 private:
  ConvPlan* plan_;
};

// False where it is still to be computed: oneDNN has no fast kernel for such parts, or failed.
bool run_parts(ConvKind kind, const ConvGeometry& g, Parts parts, float* x, float* weight,
               float* y) {
  ConvPart part{g, image_x(g), image_y(g), g.inputs * volume(g.kernel)};
  ConvGeometry& own = part.geometry;
  own.batch /= parts.images;
  (kind == ConvKind::kDataGradient ? own.inputs : own.outputs) /= parts.channels;
  const Plan plan(kind, part);
  if (!plan) return false;
  if (parts.count() == 1) return plan.run(x, weight, y);

  // From one part to the next.
  std::int64_t step_x = 0, step_weight = 0, step_y = 0;
  if (parts.images > 1) {
    step_x = own.batch * image_x(g);
    step_y = own.batch * image_y(g);
  } else if (kind == ConvKind::kDataGradient) {
    step_x = own.inputs * volume(g.in);
    step_weight = own.inputs * volume(g.kernel);
  } else {
    step_y = own.outputs * volume(g.out);
    step_weight = own.outputs * part.weight_row;
  }
  // Weight gradients of images are summed in their order.
  const bool sums = kind == ConvKind::kWeightGradient && parts.images > 1;
  const std::int64_t entries = weight_size(g);
  const Block sum_memory(
      sums ? (parts.count() - 1) * entries * static_cast<std::int64_t>(sizeof(float)) : 0);
  float* const partial = static_cast<float*>(sum_memory.data());
  bool done[kMostParts] = {};
  auto body = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      done[i] = plan.run(x + i * step_x,
                         sums && i > 0 ? partial + (i - 1) * entries : weight + i * step_weight,
                         y + i * step_y);
  };
  parallel_for(
      parts.count(), 1,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<decltype(body)*>(context))(begin, end);
      },
      &body);
  if (sums)
    for (std::int64_t i = 1; i < parts.count(); ++i)
      for (std::int64_t e = 0; e < entries; ++e) weight[e] += partial[(i - 1) * entries + e];
  return std::all_of(done, done + parts.count(), [](bool d) { return d; });
}

}  // namespace

bool onednn_convolution(ConvKind kind, const ConvGeometry& g, float* x, float* weight, float* y) {
  if (!is_faster(kind, g) || !onednn()) return false;
  const Parts parts = parts_of(kind, g);
  return run_parts(kind, g, parts, x, weight, y) ||
         (parts.count() > 1 && run_parts(kind, g, Parts(), x, weight, y));
}

}  // namespace catena::cpu
