#include <algorithm>
#include <cmath>
#include <limits>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

struct Pool {
  Shape kernel, stride, before, after, dilation;
  bool ceil = false;
};

Shape spatial_of(const Shape& x) { return Shape(x.data() + 2, x.rank() - 2); }
Shape joined(const Shape& x, const Shape& spatial) {
  Shape s{x[0], x[1]};
  for (const std::int64_t v : spatial) s.push_back(v);
  return s;
}

// As PyTorch's documentation has it: a window that begins in the padding behind is left out.
Shape windows(const Pool& p, const Shape& x) {
  Shape out;
  for (int d = 0; d + 2 < x.rank(); ++d) {
    const double room = static_cast<double>(x[d + 2] + p.before[d] + p.after[d] -
                                            p.dilation[d] * (p.kernel[d] - 1) - 1) /
                        static_cast<double>(p.stride[d]);
    auto n = static_cast<std::int64_t>(p.ceil ? std::ceil(room) : std::floor(room)) + 1;
    if (p.ceil && (n - 1) * p.stride[d] >= x[d + 2] + p.before[d]) --n;
    out.push_back(n);
  }
  return out;
}

// f(position in x) for the entries of window `o` (n, c, ..) of a pool that lie in x.
template <class F>
void for_window(const Pool& p, const Shape& x, const Shape& o, F&& f) {
  for_each_index(p.kernel, [&](const Shape& t) {
    Shape at{o[0], o[1]};
    for (int d = 0; d < t.rank(); ++d) {
      const std::int64_t i = o[d + 2] * p.stride[d] - p.before[d] + t[d] * p.dilation[d];
      if (i < 0 || i >= x[d + 2]) return;
      at.push_back(i);
    }
    f(at);
  });
}
// The same of an adaptive pool.
template <class F>
void for_window(const Shape& output, const Shape& x, const Shape& o, F&& f) {
  Shape begin, size;
  for (int d = 0; d < output.rank(); ++d) {
    const double step = static_cast<double>(x[d + 2]) / static_cast<double>(output[d]);
    const double from = static_cast<double>(o[d + 2]) * step;
    begin.push_back(static_cast<std::int64_t>(std::floor(from + 1e-9)));
    size.push_back(static_cast<std::int64_t>(std::ceil(from + step - 1e-9)) - begin[d]);
  }
  for_each_index(size, [&](const Shape& t) {
    Shape at{o[0], o[1]};
    for (int d = 0; d < t.rank(); ++d) at.push_back(begin[d] + t[d]);
    f(at);
  });
}

template <class Window>
List largest(const Window& window, const Array& x, const Shape& out) {
  Array y(out, -std::numeric_limits<double>::infinity()), where(out, -1);
  for_each_index(out, [&](const Shape& o) {
    for_window(window, x.shape, o, [&](const Shape& at) {
      std::int64_t position = 0;
      for (int d = 2; d < at.rank(); ++d) position = position * x.shape[d] + at[d];
      const double v = x.at(at);
      if (where.at(o) >= 0 && !(v > y.at(o)) && !std::isnan(v)) return;
      y.at(o) = v;
      where.at(o) = static_cast<double>(position);
    });
  });
  return {y, where};
}

double divisor_of(const op::AvgPool& op, const Shape& x, const Shape& o) {
  if (op.divisor) return static_cast<double>(op.divisor);
  std::int64_t n = 1;
  for (int d = 0; d + 2 < x.rank(); ++d) {
    const std::int64_t start = o[d + 2] * op.stride[d] - op.padding_before[d];
    const std::int64_t low = op.count_include_pad ? start : std::max<std::int64_t>(start, 0);
    const std::int64_t high = op.count_include_pad ? x[d + 2] + op.padding_after[d] : x[d + 2];
    n *= std::min(start + op.kernel[d], high) - low;
  }
  return static_cast<double>(n);
}

Pool pool_of(const op::AvgPool& op) {
  return {op.kernel,
          op.stride,
          op.padding_before,
          op.padding_after,
          Shape::filled(op.kernel.rank(), 1),
          op.ceil_mode};
}
op::AvgPoolAdjoint adjoint_of(const op::AvgPool& op, const Shape& size) {
  return {size,
          op.kernel,
          op.stride,
          op.padding_before,
          op.padding_after,
          op.ceil_mode,
          op.count_include_pad,
          op.divisor};
}

auto mean_of(const op::AvgPool& op) {
  return [=](const List& in) {
    const Array& x = in[0];
    Array y(joined(x.shape, windows(pool_of(op), x.shape)));
    for_each_index(y.shape, [&](const Shape& o) {
      for_window(pool_of(op), x.shape, o, [&](const Shape& at) { y.at(o) += x.at(at); });
      y.at(o) /= divisor_of(op, x.shape, o);
    });
    return y;
  };
}
auto spread_of(const op::AvgPool& op, const Shape& size) {
  return [=](const List& in) {
    Array x(joined(in[0].shape, size));
    for_each_index(in[0].shape, [&](const Shape& o) {
      const double share = in[0].at(o) / divisor_of(op, x.shape, o);
      for_window(pool_of(op), x.shape, o, [&](const Shape& at) { x.at(at) += share; });
    });
    return x;
  };
}

struct Case {
  const char* name;
  Shape x;
  Pool pool;
};
std::vector<Case> cases() {
  return {{"line", {2, 2, 7}, {{2}, {2}, {0}, {0}, {1}}},
          {"overlapping", {1, 2, 7}, {{3}, {1}, {1}, {1}, {1}}},
          {"uneven_padding", {1, 2, 6}, {{4}, {3}, {0}, {2}, {1}}},
          {"ceil", {1, 2, 8}, {{3}, {2}, {0}, {0}, {1}, true}},
          {"ceil_begins_behind", {1, 1, 5}, {{2}, {3}, {1}, {1}, {1}, true}},
          {"ceil_padded", {1, 1, 6}, {{3}, {2}, {1}, {1}, {1}, true}},
          {"gaps", {1, 1, 9}, {{2}, {4}, {0}, {0}, {1}}},
          {"image", {2, 3, 4, 6}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}, {1, 1}}},
          {"padded_image", {1, 2, 5, 5}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}},
          {"steps", {1, 2, 7, 6}, {{3, 2}, {1, 3}, {1, 0}, {0, 1}, {1, 1}, true}},
          {"volume", {1, 2, 3, 4, 5}, {{2, 2, 2}, {1, 2, 2}, {1, 0, 1}, {0, 0, 1}, {1, 1, 1}}},
          {"whole", {1, 2, 3, 3}, {{3, 3}, {3, 3}, {0, 0}, {0, 0}, {1, 1}}},
          {"no_batch", {0, 2, 4}, {{2}, {2}, {0}, {0}, {1}}},
          {"no_channels", {2, 0, 4}, {{2}, {2}, {0}, {0}, {1}}}};
}

op::MaxPool max_op(const Pool& p) {
  return {p.kernel, p.stride, p.before, p.after, p.dilation, p.ceil};
}
OpSample max_sample(const char* name, const Pool& p, const InputSpec& x) {
  return sample(name, max_op(p), {x},
                [=](const List& in) {
                  return largest(p, in[0], joined(in[0].shape, windows(p, in[0].shape)));
                })
      .exact();
}

}  // namespace

std::vector<OpSample> samples_MaxPool() {
  std::vector<OpSample> list;
  for (const Case& s : cases()) list.push_back(max_sample(s.name, s.pool, uniform(s.x, -9, 9)));
  list.push_back(max_sample("dilated", {{3}, {1}, {2}, {1}, {2}}, uniform({1, 2, 9}, -9, 9)));
  list.push_back(max_sample("dilated_image", {{2, 3}, {2, 1}, {1, 1}, {0, 2}, {3, 2}, true},
                            uniform({1, 2, 8, 7}, -9, 9)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Pool three{{3}, {3}, {0}, {0}, {1}};
  list.push_back(max_sample("ties_and_special_values", three,
                            values({1, 1, 15}, {2, 2, 1, nan, 5, nan, -inf, -inf, -inf, 1, inf, inf,
                                                nan, inf, 0}))
                     .no_gradient());
  list.push_back(max_sample("infinities_beside_padding", {{3}, {1}, {1}, {1}, {1}},
                            values({1, 1, 3}, {-inf, -inf, -inf}))
                     .no_gradient());
  list.push_back(
      max_sample("large", {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, uniform({3, 40, 33, 35}, -9, 9))
          .no_gradient());
  // Windows that all lie within x go another way.
  list.push_back(max_sample("whole_with_rest", {{2, 3}, {2, 2}, {0, 0}, {0, 0}, {1, 1}},
                            uniform({2, 3, 7, 10}, -9, 9)));
  list.push_back(max_sample("whole_dilated", {{2, 3}, {1, 3}, {0, 0}, {0, 0}, {2, 2}},
                            uniform({1, 2, 6, 9}, -9, 9)));
  list.push_back(max_sample("whole_volume", {{2, 3, 2}, {1, 2, 2}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}},
                            uniform({1, 2, 4, 6, 5}, -9, 9)));
  list.push_back(max_sample("whole_lines_left_out", {{1, 1}, {3, 2}, {0, 0}, {0, 0}, {1, 1}},
                            uniform({1, 2, 7, 6}, -9, 9)));
  list.push_back(max_sample("whole_large", {{3, 3}, {2, 2}, {0, 0}, {0, 0}, {1, 1}},
                            uniform({3, 40, 33, 35}, -9, 9))
                     .no_gradient());
  const double few[] = {2, nan, -inf, 2, inf, 1, 2, -inf, nan, 1, 1};
  std::vector<double> numbers;
  for (int i = 0; i < 2 * 12 * 14; ++i) numbers.push_back(few[i * i % 37 % 11]);
  for (const std::int64_t stride : {1, 2})
    list.push_back(max_sample(stride == 1 ? "whole_with_ties" : "whole_apart_with_ties",
                              {{2, 2}, {stride, stride}, {0, 0}, {0, 0}, {1, 1}},
                              values({1, 2, 12, 14}, numbers))
                       .no_gradient());
  const auto wrong = [&](const char* name, const Pool& p, const InputSpec& x, const char* error) {
    list.push_back(fails(name, max_op(p), {x}, error));
  };
  wrong("too_much_padding", {{3}, {1}, {2}, {0}, {1}}, uniform({1, 1, 5}),
        "[max_pool] padding [2] and [0] of kernel [3]; expected at most half of the window");
  wrong("too_large", {{6}, {1}, {0}, {0}, {1}}, uniform({1, 1, 5}),
        "[max_pool] the window [6] with dilation [1] does not fit into sizes [5] with padding [0] "
        "and [0]; expected one that covers at most the padded size");
  wrong("nothing_met", {{2}, {1}, {2}, {1}, {3}}, uniform({1, 1, 1}),
        "[max_pool] window 0 of dimension 2 holds no entry of x [1, 1, 1]; expected a smaller "
        "dilation or padding");
  wrong("flat", {{2}, {1}, {0}, {0}, {1}}, uniform({4, 5}), "[max_pool] x has shape [4, 5]; ");
  wrong("numbers", {{2, 2}, {1}, {0}, {0}, {1}}, uniform({1, 4, 5}),
        "[max_pool] kernel [2, 2]; expected 1 numbers from 1 to 1073741824");
  wrong("empty", {{2}, {1}, {0}, {0}, {1}}, uniform({1, 4, 0}),
        "[max_pool] x has shape [1, 4, 0]; expected spatial sizes of at least 1");
  return list;
}

std::vector<OpSample> samples_AdaptiveMaxPool() {
  std::vector<OpSample> list;
  const auto add = [&](const char* name, const Shape& x, const Shape& output) {
    list.push_back(
        sample(name, op::AdaptiveMaxPool{output}, {uniform(x, -9, 9)}, [=](const List& in) {
          return largest(output, in[0], joined(in[0].shape, output));
        }).exact());
  };
  add("line", {2, 2, 7}, {3});
  add("more_than_there_are", {1, 2, 3}, {5});
  add("image", {1, 2, 5, 7}, {2, 3});
  add("global", {2, 3, 4, 5}, {1, 1});
  add("volume", {1, 2, 3, 4, 5}, {2, 1, 3});
  add("no_batch", {0, 2, 4}, {2});
  list.push_back(fails("numbers", op::AdaptiveMaxPool{{2}}, {uniform({1, 1, 4, 4})},
                       "[adaptive_max_pool] output [2]; expected 2 numbers from 1 to"));
  return list;
}

std::vector<OpSample> samples_AvgPool() {
  std::vector<OpSample> list;
  for (const Case& s : cases()) {
    const Pool& p = s.pool;
    for (const bool include : {true, false}) {
      const op::AvgPool op{p.kernel, p.stride, p.before, p.after, p.ceil, include, 0};
      list.push_back(sample(std::string(s.name) + (include ? "" : "_without_padding"), op,
                            {uniform(s.x)}, mean_of(op)));
    }
  }
  const op::AvgPool divided{{3, 2}, {2, 2}, {1, 0}, {1, 1}, false, true, 7};
  list.push_back(sample("divisor", divided, {uniform({1, 2, 6, 5})}, mean_of(divided)));
  list.push_back(fails("negative", op::AvgPool{{2}, {1}, {0}, {0}, false, true, -1},
                       {uniform({1, 1, 4})}, "[avg_pool] divisor -1; expected 0 or more"));
  return list;
}

std::vector<OpSample> samples_AvgPoolAdjoint() {
  std::vector<OpSample> list;
  for (const Case& s : cases()) {
    const Pool& p = s.pool;
    const op::AvgPool op{p.kernel, p.stride, p.before, p.after, p.ceil, false, 0};
    const Shape size = spatial_of(s.x), out = joined(s.x, windows(p, s.x));
    list.push_back(sample(s.name, adjoint_of(op, size), {uniform(out)}, spread_of(op, size)));
  }
  const op::AvgPool divided{{3}, {2}, {1}, {1}, false, true, 7};
  list.push_back(
      sample("divisor", adjoint_of(divided, {6}), {uniform({1, 2, 3})}, spread_of(divided, {6})));
  list.push_back(fails("sizes", adjoint_of(divided, {6}), {uniform({1, 2, 4})},
                       "[avg_pool_adjoint] x has shape [1, 2, 4]; expected spatial sizes [3] for "
                       "size [6]"));
  return list;
}

namespace {
struct AdaptiveCase {
  const char* name;
  Shape x, output;
};
const AdaptiveCase kAdaptive[] = {{"line", {2, 2, 7}, {3}},
                                  {"more_than_there_are", {1, 2, 3}, {5}},
                                  {"image", {1, 2, 5, 7}, {2, 3}},
                                  {"global", {2, 3, 4, 5}, {1, 1}},
                                  {"volume", {1, 2, 3, 4, 5}, {2, 1, 3}},
                                  {"no_batch", {0, 2, 4}, {2}}};
// f(position of y, position of x, entries of the window) for each entry of each window.
template <class F>
void for_adaptive(const Shape& x, const Shape& output, F&& f) {
  for_each_index(joined(x, output), [&](const Shape& o) {
    double n = 0;
    for_window(output, x, o, [&](const Shape&) { n += 1; });
    for_window(output, x, o, [&](const Shape& at) { f(o, at, n); });
  });
}
}  // namespace

std::vector<OpSample> samples_AdaptiveAvgPool() {
  std::vector<OpSample> list;
  for (const AdaptiveCase& s : kAdaptive)
    list.push_back(sample(
        s.name, op::AdaptiveAvgPool{s.output}, {uniform(s.x)}, [output = s.output](const List& in) {
          Array y(joined(in[0].shape, output));
          for_adaptive(in[0].shape, output, [&](const Shape& o, const Shape& at, double n) {
            y.at(o) += in[0].at(at) / n;
          });
          return y;
        }));
  return list;
}

std::vector<OpSample> samples_AdaptiveAvgPoolAdjoint() {
  std::vector<OpSample> list;
  for (const AdaptiveCase& s : kAdaptive)
    list.push_back(sample(s.name, op::AdaptiveAvgPoolAdjoint{spatial_of(s.x)},
                          {uniform(joined(s.x, s.output))}, [s](const List& in) {
                            Array x(s.x);
                            for_adaptive(s.x, s.output,
                                         [&](const Shape& o, const Shape& at, double n) {
                                           x.at(at) += in[0].at(o) / n;
                                         });
                            return x;
                          }));
  return list;
}

}  // namespace catena::test
