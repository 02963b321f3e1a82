// Our own convolutions. The sum over channels and kernel entries runs in registers for a tile of
// some output channels and three batches of neighbouring positions. Positions are those of a padded
// copy of an image, in which every kernel entry sees the same lines a fixed distance away, so that
// with stride 1 nothing is gathered; what falls between two lines is computed and left out.
#pragma once

#include "catena/backends/cpu/conv_geometry.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Operations per range that is shared out.
constexpr double kConvRangeFlops = 4e6;

#if defined(CATENA_ISA_avx512)
constexpr int kTileRows = 8;
#else
constexpr int kTileRows = 4;
#endif
constexpr int kTileBatches = 3;

CATENA_INLINE std::int64_t volume(const std::int64_t* size) { return size[0] * size[1] * size[2]; }

CATENA_INLINE std::int64_t grain_of(double flops) {
  return static_cast<std::int64_t>(kConvRangeFlops / (flops + 1)) + 1;
}

// Lines of numbers that are multiplied by weights: line j begins at data + offsets[j], and a
// position is the same number of entries into each. Position (a, b, c) of a result is
// (a * height + b) * width + c.
template <class T>
struct Lines {
  const T* data;
  const std::int64_t* offsets;
  std::int64_t count, height, width;
};

// to[channel, (i * spread + lead)] = from[channel, i] where that is inside `size`, zeros elsewhere.
template <class T>
void place(const T* from, std::int64_t channels, const std::int64_t* extent,
           const std::int64_t* spread, const std::int64_t* lead, T* to, const std::int64_t* size) {
  std::memset(to, 0, static_cast<std::size_t>(channels * volume(size)) * sizeof(T));
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t a = 0; a < extent[0]; ++a) {
      const std::int64_t ta = a * spread[0] + lead[0];
      if (ta < 0 || ta >= size[0]) continue;
      for (std::int64_t b = 0; b < extent[1]; ++b) {
        const std::int64_t tb = b * spread[1] + lead[1];
        if (tb < 0 || tb >= size[1]) continue;
        const T* line = from + ((c * extent[0] + a) * extent[1] + b) * extent[2];
        T* target = to + ((c * size[0] + ta) * size[1] + tb) * size[2];
        const std::int64_t step = spread[2], first = lead[2];
        std::int64_t begin = first < 0 ? (-first + step - 1) / step : 0;
        std::int64_t end = first >= size[2] ? 0 : (size[2] - first - 1) / step + 1;
        end = min_of(end, extent[2]);
        if (step == 1) {
          if (begin < end)
            std::memcpy(target + begin + first, line + begin,
                        static_cast<std::size_t>(end - begin) * sizeof(T));
        } else {
          for (std::int64_t i = begin; i < end; ++i) target[i * step + first] = line[i];
        }
      }
    }
}

// Offsets of the lines that kernel entry t of channel c reads: in `c` padded planes of `size`, a
// step of `dilation` per entry.
CATENA_INLINE void line_offsets(std::int64_t channels, const std::int64_t* kernel,
                                const std::int64_t* dilation, const std::int64_t* size,
                                std::int64_t* offsets) {
  std::int64_t j = 0;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t a = 0; a < kernel[0]; ++a)
      for (std::int64_t b = 0; b < kernel[1]; ++b)
        for (std::int64_t t = 0; t < kernel[2]; ++t)
          offsets[j++] = ((c * size[0] + a * dilation[0]) * size[1] + b * dilation[1]) * size[2] +
                         t * dilation[2];
}

// y[r, p] = bias[r] + sum_j weight[r, j] line_j[p] for Rows rows and kTileBatches batches of p.
template <class T, int Rows>
CATENA_INLINE void conv_tile(const Lines<T>& lines, std::int64_t p, const T* weight,
                             std::int64_t pitch, const T* bias, T* y, std::int64_t distance) {
  using B = Batch<T>;
  constexpr int size = static_cast<int>(B::size);
  B sum[Rows][kTileBatches];
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < kTileBatches; ++b) sum[r][b] = B(bias ? bias[r] : T(0));
  const T* from = lines.data + p;
  for (std::int64_t j = 0; j < lines.count; ++j) {
    B line[kTileBatches];
    for (int b = 0; b < kTileBatches; ++b)
      line[b] = B::load_unaligned(from + lines.offsets[j] + b * size);
    for (int r = 0; r < Rows; ++r) {
      const B factor(weight[r * pitch + j]);
      for (int b = 0; b < kTileBatches; ++b) sum[r][b] = xsimd::fma(factor, line[b], sum[r][b]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < kTileBatches; ++b) sum[r][b].store_unaligned(y + r * distance + b * size);
}
template <class T, int Rows>
CATENA_INLINE void conv_rows(std::int64_t rows, const Lines<T>& lines, std::int64_t p,
                             const T* weight, std::int64_t pitch, const T* bias, T* y,
                             std::int64_t distance) {
  if constexpr (Rows > 0) {
    if (rows == Rows) return conv_tile<T, Rows>(lines, p, weight, pitch, bias, y, distance);
    conv_rows<T, Rows - 1>(rows, lines, p, weight, pitch, bias, y, distance);
  }
}

// y[r, o] = bias[r] + sum_j weight[r, j] line_j[position of o] for all rows and a result of size
// `out`. Lines may be read for a tile beyond the last position.
template <class T>
void multiply_lines(const Lines<T>& lines, const T* weight, const T* bias, std::int64_t rows, T* y,
                    const std::int64_t* out) {
  constexpr std::int64_t tile = kTileBatches * static_cast<int>(Batch<T>::size);
  const std::int64_t plane = lines.height * lines.width;
  const std::int64_t positions = (out[0] - 1) * plane + (out[1] - 1) * lines.width + out[2];
  const std::int64_t distance = (positions + tile - 1) / tile * tile;
  const std::int64_t blocks = (rows + kTileRows - 1) / kTileRows, points = volume(out);
  const double flops = 2.0 * kTileRows * static_cast<double>(lines.count * distance);
  parallel(blocks, grain_of(flops), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> wide(kTileRows * distance);
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t r = block * kTileRows, count = min_of<std::int64_t>(kTileRows, rows - r);
      for (std::int64_t p = 0; p < distance; p += tile)
        conv_rows<T, kTileRows>(count, lines, p, weight + r * lines.count, lines.count,
                                bias ? bias + r : nullptr, wide.data() + p, distance);
      for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t a = 0; a < out[0]; ++a)
          for (std::int64_t b = 0; b < out[1]; ++b)
            std::memcpy(y + (r + i) * points + (a * out[1] + b) * out[2],
                        wide.data() + i * distance + a * plane + b * lines.width,
                        static_cast<std::size_t>(out[2]) * sizeof(T));
    }
  });
}

// What a tile may read beyond the last position.
template <class T>
constexpr std::int64_t kSlack = kTileBatches* static_cast<std::int64_t>(Batch<T>::size);

// Makes the lines of images of x that the entries of a kernel meet. With stride 1 they are those of
// the padded image; else they are gathered from it.
template <class T>
class LineSource {
 public:
  CATENA_INLINE explicit LineSource(const ConvGeometry& g)
      : count(g.inputs * volume(g.kernel)),
        g_(g),
        gathered_(volume(g.stride) != 1),
        offsets_(count),
        padded_offsets_(count) {
    for (int d = 0; d < 3; ++d)
      size_[d] = (g.out[d] - 1) * g.stride[d] + g.dilation[d] * (g.kernel[d] - 1) + 1;
    line_offsets(g.inputs, g.kernel, g.dilation, size_, padded_offsets_.data());
    for (std::int64_t j = 0; j < count; ++j)
      offsets_[j] = gathered_ ? j * volume(g.out) : padded_offsets_[j];
    entries = gathered_ ? count * volume(g.out) : g.inputs * volume(size_);
  }

  // Writes `entries` numbers.
  CATENA_INLINE void fill(const T* image, T* to) const {
    constexpr std::int64_t one[3] = {1, 1, 1};
    if (!gathered_) return place(image, g_.inputs, g_.in, one, g_.before, to, size_);
    Scratch<T> padded(g_.inputs * volume(size_));
    place(image, g_.inputs, g_.in, one, g_.before, padded.data(), size_);
    for (std::int64_t j = 0; j < count; ++j)
      for (std::int64_t a = 0; a < g_.out[0]; ++a)
        for (std::int64_t b = 0; b < g_.out[1]; ++b) {
          const T* from = padded.data() + padded_offsets_[j] +
                          (a * g_.stride[0] * size_[1] + b * g_.stride[1]) * size_[2];
          for (std::int64_t c = 0; c < g_.out[2]; ++c) *to++ = from[c * g_.stride[2]];
        }
  }
  CATENA_INLINE Lines<T> lines(const T* filled) const {
    return {filled, offsets_.data(), count, gathered_ ? g_.out[1] : size_[1],
            gathered_ ? g_.out[2] : size_[2]};
  }

  std::int64_t count;        // of lines
  std::int64_t entries = 0;  // that hold those of an image

 private:
  const ConvGeometry& g_;
  bool gathered_;
  std::int64_t size_[3];
  Scratch<std::int64_t> offsets_, padded_offsets_;
};

template <class T>
void conv_forward(const ConvGeometry& g, const T* x, const T* weight, const T* bias, T* y) {
  const LineSource<T> source(g);
  const double flops = 2.0 * static_cast<double>(source.count * g.outputs * volume(g.out));
  parallel(g.batch * g.groups, grain_of(flops), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> filled(source.entries + kSlack<T>);
    for (std::int64_t u = begin; u < end; ++u) {
      const std::int64_t k = u % g.groups * g.outputs;
      source.fill(x + u * g.inputs * volume(g.in), filled.data());
      multiply_lines(source.lines(filled.data()), weight + k * source.count,
                     bias ? bias + k : nullptr, g.outputs, y + u * g.outputs * volume(g.out),
                     g.out);
    }
  });
}

// x from y: a convolution with stride 1 of y, its entries `stride` apart with zeros between, with
// the kernel reversed and its channels exchanged.
template <class T>
void conv_data_gradient(const ConvGeometry& g, const T* y, const T* weight, const T* bias, T* x) {
  const std::int64_t entries = volume(g.kernel), count = g.outputs * entries;
  std::int64_t size[3], lead[3];
  for (int d = 0; d < 3; ++d) {
    const std::int64_t reach = g.dilation[d] * (g.kernel[d] - 1);
    size[d] = g.in[d] + reach;
    lead[d] = reach - g.before[d];
  }
  Scratch<std::int64_t> offsets(count);
  line_offsets(g.outputs, g.kernel, g.dilation, size, offsets.data());
  Scratch<T> exchanged(g.groups * g.inputs * count);
  for (std::int64_t group = 0; group < g.groups; ++group)
    for (std::int64_t c = 0; c < g.inputs; ++c)
      for (std::int64_t k = 0; k < g.outputs; ++k)
        for (std::int64_t t = 0; t < entries; ++t)
          exchanged[((group * g.inputs + c) * g.outputs + k) * entries + t] =
              weight[((group * g.outputs + k) * g.inputs + c) * entries + entries - 1 - t];
  const double flops = 2.0 * static_cast<double>(count * g.inputs * volume(g.in));
  parallel(g.batch * g.groups, grain_of(flops), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> padded(g.outputs * volume(size) + kSlack<T>);
    for (std::int64_t u = begin; u < end; ++u) {
      const std::int64_t c = u % g.groups * g.inputs;
      place(y + u * g.outputs * volume(g.out), g.outputs, g.out, g.stride, lead, padded.data(),
            size);
      multiply_lines(Lines<T>{padded.data(), offsets.data(), count, size[1], size[2]},
                     exchanged.data() + c * count, bias ? bias + c : nullptr, g.inputs,
                     x + u * g.inputs * volume(g.in), g.in);
    }
  });
}

// Products summed at once, of so many channels of y and lines of x.
#if defined(CATENA_ISA_avx512)
constexpr int kDotLong = 6, kDotShort = 4;
#else
constexpr int kDotLong = 4, kDotShort = 2;
#endif
// Entries of images worked on together, so that they stay in the second-level cache.
constexpr std::int64_t kChunkEntries = 1 << 17;

// sums[r][l] += sum of y[r, o] line_l[o] over the positions o of one image.
template <class T, int Rows, int Columns>
CATENA_INLINE void dot_tile(const T* const* y, const T* const* line, const Lines<T>& lines,
                            const std::int64_t* out, Batch<T> (&sums)[Rows][Columns]) {
  constexpr std::int64_t w = Batch<T>::size;
  // Lines without a gap are one.
  const bool whole = lines.width == out[2] && (lines.height == out[1] || out[0] == 1);
  const std::int64_t length = whole ? volume(out) : out[2], rows = whole ? 1 : out[1];
  const std::int64_t planes = whole ? 1 : out[0];
  const auto for_rows = [&](const auto& f) {
    for (std::int64_t a = 0; a < planes; ++a)
      for (std::int64_t b = 0; b < rows; ++b)
        f((a * rows + b) * length, (a * lines.height + b) * lines.width);
  };
  const auto add = [&](std::int64_t at_y, std::int64_t at_x, const auto& load) {
    Batch<T> left[Rows];
    for (int r = 0; r < Rows; ++r) left[r] = load(y[r] + at_y);
    for (int l = 0; l < Columns; ++l) {
      const Batch<T> right = load(line[l] + at_x);
      for (int r = 0; r < Rows; ++r) sums[r][l] = xsimd::fma(left[r], right, sums[r][l]);
    }
  };
  const std::int64_t rest = length % w;
  if (length < w) {
    const auto load_rest = [rest](const T* from) { return load_partial(from, rest); };
    for_rows([&](std::int64_t at_y, std::int64_t at_x) { add(at_y, at_x, load_rest); });
    return;
  }
  // The last vector of a row begins before the one in front of it ends: without partial loads the
  // sums stay in registers from row to row.
  alignas(64) T lane[w];
  for (std::int64_t i = 0; i < w; ++i) lane[i] = static_cast<T>(i);
  const auto is_new = Batch<T>::load_aligned(lane) >= Batch<T>(static_cast<T>(w - rest));
  const auto load_whole = [](const T* from) { return Batch<T>::load_unaligned(from); };
  const auto load_new = [&](const T* from) {
    return xsimd::select(is_new, Batch<T>::load_unaligned(from), Batch<T>(T(0)));
  };
  for_rows([&](std::int64_t at_y, std::int64_t at_x) {
    for (std::int64_t p = 0; p + w <= length; p += w) add(at_y + p, at_x + p, load_whole);
    const std::int64_t last = length - w;
    if (rest > 0) add(at_y + last, at_x + last, load_new);
  });
}

// weight[k, j] of one group from `images` images: x as lines, y [images, distance_y] from the
// group's first channel on. Adds to weight.
template <class T, int Rows, int Columns>
void dot_images(const ConvGeometry& g, const LineSource<T>& source, const T* filled, const T* y,
                std::int64_t images, T* weight) {
  const std::int64_t points = volume(g.out), distance_y = g.groups * g.outputs * points;
  const std::int64_t row_tiles = (g.outputs + Rows - 1) / Rows;
  const std::int64_t line_tiles = (source.count + Columns - 1) / Columns;
  const Lines<T> lines = source.lines(filled);
  const double flops = 2.0 * Rows * Columns * static_cast<double>(points * images);
  parallel(row_tiles * line_tiles, grain_of(flops), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const std::int64_t k = tile / line_tiles * Rows, j = tile % line_tiles * Columns;
      Batch<T> sums[Rows][Columns];
      for (int r = 0; r < Rows; ++r)
        for (int l = 0; l < Columns; ++l) sums[r][l] = Batch<T>(T(0));
      for (std::int64_t n = 0; n < images; ++n) {
        // What there is not is computed twice and left out.
        const T *rows[Rows], *columns[Columns];
        for (int r = 0; r < Rows; ++r)
          rows[r] = y + n * distance_y + min_of(k + r, g.outputs - 1) * points;
        for (int l = 0; l < Columns; ++l)
          columns[l] = filled + n * source.entries + lines.offsets[min_of(j + l, lines.count - 1)];
        dot_tile<T, Rows, Columns>(rows, columns, lines, g.out, sums);
      }
      for (int r = 0; r < Rows && k + r < g.outputs; ++r)
        for (int l = 0; l < Columns && j + l < lines.count; ++l)
          weight[(k + r) * lines.count + j + l] += sum_of_lanes<T>(sums[r][l]);
    }
  });
}

template <class T>
void conv_weight_gradient(const ConvGeometry& g, const T* x, const T* y, T* weight) {
  const LineSource<T> source(g);
  std::memset(weight, 0, static_cast<std::size_t>(g.groups * g.outputs * source.count) * sizeof(T));
  const std::int64_t image_x = g.inputs * volume(g.in), image_y = g.outputs * volume(g.out);
  const std::int64_t chunk =
      max_of<std::int64_t>(1, min_of(g.batch, kChunkEntries / (source.entries + 1)));
  const double flops = 2.0 * static_cast<double>(source.count * g.batch * image_y);
  // Of the two shapes of tiles the one that leaves less over.
  const auto rounded_up = [](std::int64_t n, int to) { return (n + to - 1) / to * to; };
  const bool wide = rounded_up(g.outputs, kDotLong) * rounded_up(source.count, kDotShort) <
                    rounded_up(g.outputs, kDotShort) * rounded_up(source.count, kDotLong);
  parallel(g.groups, grain_of(flops), [&](std::int64_t begin, std::int64_t end) {
    Scratch<T> filled(chunk * source.entries);
    for (std::int64_t group = begin; group < end; ++group)
      for (std::int64_t n = 0; n < g.batch; n += chunk) {
        const std::int64_t images = min_of(chunk, g.batch - n);
        for (std::int64_t i = 0; i < images; ++i)
          source.fill(x + ((n + i) * g.groups + group) * image_x,
                      filled.data() + i * source.entries);
        const T* const from = y + (n * g.groups + group) * image_y;
        T* const to = weight + group * g.outputs * source.count;
        if (wide)
          dot_images<T, kDotLong, kDotShort>(g, source, filled.data(), from, images, to);
        else
          dot_images<T, kDotShort, kDotLong>(g, source, filled.data(), from, images, to);
      }
  });
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
