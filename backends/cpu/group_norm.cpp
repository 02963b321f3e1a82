// CPU kernels of group_norm. A group is a row of `channels` lines; where lines are long, each is
// worked on with the one weight it has, else the weights are laid out beside the entries of a row.
#include "catena/ops/group_norm.hpp"

#include "catena/backends/cpu/normalization.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kLongLine = 64;

struct Groups {
  std::int64_t batch, groups, channels, line;  // channels of one group
  std::int64_t n;                              // entries of one group

  Groups(const op::GroupNorm& op, const TensorView& x) : groups(op.num_groups), line(1) {
    const std::int64_t* sizes = x.shape.data();
    batch = sizes[0];
    channels = sizes[1] / groups;
    for (int d = 2; d < x.shape.rank(); ++d) line *= sizes[d];
    n = channels * line;
  }
  CATENA_INLINE std::int64_t rows() const { return batch * groups; }
  CATENA_INLINE std::int64_t all_channels() const { return groups * channels; }
  CATENA_INLINE std::int64_t first_channel(std::int64_t row) const {
    return row % groups * channels;
  }
};

// A number per channel repeated along its line, where lines are of more than one entry.
template <class T>
class PerEntry {
 public:
  CATENA_INLINE PerEntry(const T* per_channel, const Groups& s)
      : wide_(per_channel && s.line > 1 ? s.all_channels() * s.line : 0), data_(per_channel) {
    if (!per_channel || s.line == 1) return;
    for (std::int64_t c = 0; c < s.all_channels(); ++c)
      for (std::int64_t i = 0; i < s.line; ++i) wide_[c * s.line + i] = per_channel[c];
    data_ = wide_.data();
  }
  // Beside the entries of a row; null where there is no number.
  CATENA_INLINE const T* of_group(const Groups& s, std::int64_t group) const {
    return data_ ? data_ + group * s.n : nullptr;
  }

 private:
  Scratch<T> wide_;
  const T* data_;
};

template <class T>
CATENA_INLINE T* optional(const TensorView* views, int count, int i) {
  return i < count ? static_cast<T*>(views[i].data) : nullptr;
}

template <class T>
void forward_rows(const KernelContext& c, const Groups& s, double eps) {
  using B = Batch<T>;
  const T* x = data_of<T>(c.inputs[0]);
  const T* weight = optional<T>(c.inputs, c.num_inputs, 1);
  const T* bias = optional<T>(c.inputs, c.num_inputs, 2);
  T *y = data_of<T>(c.outputs[0]), *means = data_of<T>(c.outputs[1]),
    *vars = data_of<T>(c.outputs[2]);
  const bool long_lines = s.line >= kLongLine;
  const PerEntry<T> wide_weight(long_lines ? nullptr : weight, s),
      wide_bias(long_lines ? nullptr : bias, s);
  parallel(s.rows(), max_of<std::int64_t>(1, kRowGrain / max_of<std::int64_t>(1, s.n)),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t r = begin; r < end; ++r) {
               const T* from = x + r * s.n;
               T* to = y + r * s.n;
               const RowMoments<T> m = row_moments<true>(from, s.n);
               means[r] = m.mean;
               vars[r] = static_cast<T>(m.var);
               const B mean(m.mean), scale(static_cast<T>(inverse_root(m.var, eps)));
               if (!long_lines) {
                 const T* w = wide_weight.of_group(s, r % s.groups);
                 const T* b = wide_bias.of_group(s, r % s.groups);
                 for_batches<T>(s.n, [&](std::int64_t i, std::int64_t lanes) {
                   B v = (load(from + i, lanes) - mean) * scale;
                   if (w) v = v * load(w + i, lanes);
                   if (b) v = v + load(b + i, lanes);
                   store(to + i, v, lanes);
                 });
                 continue;
               }
               for (std::int64_t k = 0; k < s.channels; ++k) {
                 const std::int64_t channel = s.first_channel(r) + k, at = k * s.line;
                 const B w(weight ? weight[channel] : T(1)), b(bias ? bias[channel] : T(0));
                 for_batches<T>(s.line, [&](std::int64_t i, std::int64_t lanes) {
                   store(to + at + i, (load(from + at + i, lanes) - mean) * scale * w + b, lanes);
                 });
               }
             }
           });
}

void group_norm_forward(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::GroupNorm*>(attrs);
  const Groups s(op, c.inputs[0]);
  visit_float(c.inputs[0].dtype, [&](auto zero) { forward_rows<decltype(zero)>(c, s, op.eps); });
}

// What a call of the gradient reads and writes; null: not asked for.
template <class T>
struct Gradient {
  const T *g, *x, *weight;
  T *dx, *d_weight, *d_bias;
};

// Lines one by one. The sums over each are the parts of the gradients of weight and bias, and with
// the weights make up those of the group.
template <class T>
void backward_lines(const Gradient<T>& p, const Groups& s, double eps) {
  using B = Batch<T>;
  const std::int64_t all = s.all_channels();
  const Scratch<double> sums(s.batch * all), dots(p.x ? s.batch * all : 0);
  parallel(
      s.rows(), max_of<std::int64_t>(1, kRowGrain / max_of<std::int64_t>(1, s.n)),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          const T *g = p.g + r * s.n, *x = p.x ? p.x + r * s.n : nullptr;
          const Standard<T> standard = x ? standard_of<true>(x, s.n, eps) : Standard<T>{T(0), T(0)};
          const B mean(standard.mean), scale(standard.scale);
          const std::int64_t first = s.first_channel(r), part = r * s.channels;
          double sum = 0, dot = 0;
          for (std::int64_t k = 0; k < s.channels; ++k) {
            const std::int64_t at = k * s.line;
            const double w = p.weight ? static_cast<double>(p.weight[first + k]) : 1.0;
            sums[part + k] = sum_terms<T>(s.line, [&](std::int64_t i, std::int64_t lanes) {
              return load(g + at + i, lanes);
            });
            sum += w * sums[part + k];
            if (!x) continue;
            dots[part + k] = sum_terms<T>(s.line, [&](std::int64_t i, std::int64_t lanes) {
              return load(g + at + i, lanes) * ((load(x + at + i, lanes) - mean) * scale);
            });
            dot += w * dots[part + k];
          }
          if (!p.dx) continue;
          const double count = static_cast<double>(s.n);
          const B shift(static_cast<T>(sum / count)), slope(static_cast<T>(dot / count));
          T* dx = p.dx + r * s.n;
          for (std::int64_t k = 0; k < s.channels; ++k) {
            const std::int64_t at = k * s.line;
            const B w(p.weight ? p.weight[first + k] : T(1));
            for_batches<T>(s.line, [&](std::int64_t i, std::int64_t lanes) {
              const B h = (load(x + at + i, lanes) - mean) * scale;
              store(dx + at + i, (load(g + at + i, lanes) * w - shift - h * slope) * scale, lanes);
            });
          }
        }
      });
  const auto over_batch = [&](const Scratch<double>& parts, T* to) {
    for (std::int64_t c = 0; to && c < all; ++c) {
      double total = 0;
      for (std::int64_t k = 0; k < s.batch; ++k) total += parts[k * all + c];
      to[c] = static_cast<T>(total);
    }
  };
  over_batch(dots, p.d_weight);
  over_batch(sums, p.d_bias);
}

// Rows with a weight for each entry, those of one group in blocks of the batch.
template <class T>
void backward_entries(const Gradient<T>& p, const Groups& s, double eps) {
  const std::int64_t blocks = (s.batch + kBlockRows - 1) / kBlockRows, sample = s.groups * s.n;
  const PerEntry<T> wide_weight(p.weight, s);
  const Scratch<T> weight_parts(p.d_weight ? blocks * sample : 0),
      bias_parts(p.d_bias ? blocks * sample : 0);
  const std::int64_t grain = kRowGrain / (kBlockRows * max_of<std::int64_t>(1, s.n));
  parallel(blocks * s.groups, max_of<std::int64_t>(1, grain),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t u = begin; u < end; ++u) {
               const std::int64_t block = u / s.groups, group = u % s.groups;
               const std::int64_t at = block * sample + group * s.n;
               T* weight_part = p.d_weight ? weight_parts.data() + at : nullptr;
               T* bias_part = p.d_bias ? bias_parts.data() + at : nullptr;
               for (std::int64_t i = 0; i < s.n; ++i) {
                 if (weight_part) weight_part[i] = T(0);
                 if (bias_part) bias_part[i] = T(0);
               }
               const std::int64_t last = min_of(s.batch, (block + 1) * kBlockRows);
               for (std::int64_t k = block * kBlockRows; k < last; k += kFewRows) {
                 const std::int64_t first = k * sample + group * s.n;
                 gradient_rows<true>(p.g + first, p.x ? p.x + first : nullptr,
                                     p.dx ? p.dx + first : nullptr, min_of(kFewRows, last - k), s.n,
                                     sample, eps, wide_weight.of_group(s, group), weight_part,
                                     bias_part);
               }
             }
           });
  const auto over_lines = [&](const Scratch<T>& parts, T* to) {
    if (!to) return;
    if (s.line == 1) return add_parts(parts.data(), blocks, sample, to);
    const Scratch<T> entries(sample);
    add_parts(parts.data(), blocks, sample, entries.data());
    for (std::int64_t c = 0; c < s.all_channels(); ++c) {
      double total = 0;
      for (std::int64_t i = 0; i < s.line; ++i)
        total += static_cast<double>(entries[c * s.line + i]);
      to[c] = static_cast<T>(total);
    }
  };
  over_lines(weight_parts, p.d_weight);
  over_lines(bias_parts, p.d_bias);
}

// Inputs: the gradients of y, mean and variance (the last two absent), then x, weight and bias as
// far as they were given and are saved.
void group_norm_backward(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::GroupNorm*>(attrs);
  const Groups s(op, c.inputs[0]);
  const int given = c.num_outputs;  // x, weight, bias
  visit_float(c.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const Gradient<T> p{data_of<T>(c.inputs[0]),
                        data_of<T>(c.inputs[3]),
                        given > 1 ? data_of<T>(c.inputs[4]) : nullptr,
                        data_of<T>(c.outputs[0]),
                        optional<T>(c.outputs, given, 1),
                        optional<T>(c.outputs, given, 2)};
    if (s.line >= kLongLine)
      backward_lines(p, s, op.eps);
    else
      backward_entries(p, s, op.eps);
  });
}

}  // namespace

KernelRow row_GroupNorm() {
  return {.forward = group_norm_forward, .backward = group_norm_backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
