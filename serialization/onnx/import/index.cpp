// Picking entries by number, and writing them.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/gather.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/ops/sort.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

// `index`, made of an input, counted from the front; where that can be read it is only changed when
// a number is negative.
Tensor from_front(Call& c, int input, const Tensor& index, std::int64_t size) {
  if (c.readable(input) &&
      std::ranges::none_of(c.integers(input), [](std::int64_t i) { return i < 0; }))
    return index;
  return where(index < 0, index + size, index);
}

Values gather_of(Call& c) {
  const Tensor &x = c.in(0), &index = c.in(1);
  const int axis = c.axis(c.attribute("axis", std::int64_t{0}), x.rank());
  if (index.rank() == 0 && c.known(1)) return {select(x, axis, c.integer(1))};
  const std::int64_t count = index.numel();
  const Tensor picked =
      index_select(x, from_front(c, 1, reshape(index, {count}), x.shape()[axis]), axis);
  if (index.rank() == 1) return {picked};
  Shape shape;
  for (int d = 0; d < axis; ++d) shape.push_back(x.shape()[d]);
  for (const std::int64_t size : index.shape()) shape.push_back(size);
  for (int d = axis + 1; d < x.rank(); ++d) shape.push_back(x.shape()[d]);
  return {reshape(picked, shape)};
}

Values gather_elements(Call& c) {
  const int axis = c.axis(c.attribute("axis", std::int64_t{0}), c.in(0).rank());
  return {gather(c.in(0), axis, c.in(1))};
}

// The numbers of entries that tuples of indices [.., k] name in the first k dimensions of `sizes`.
Tensor flat_index(Call& c, int input, const Tensor& tuples, const Shape& sizes) {
  const int last = tuples.rank() - 1;
  const auto depth = static_cast<int>(tuples.shape()[last]);
  if (c.readable(input)) {
    const std::vector<std::int64_t> numbers = c.integers(input);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::int64_t size = sizes[static_cast<int>(i % static_cast<std::size_t>(depth))];
      if (numbers[i] < -size || numbers[i] >= size)
        c.fail(fmt::format("index {} is out of range of {}", numbers[i], to_string(sizes)));
    }
  }
  Tensor flat;
  for (int k = 0; k < depth; ++k) {
    const Tensor part = from_front(c, input, select(tuples, last, k), sizes[k]);
    flat = flat.defined() ? flat * sizes[k] + part : part;
  }
  return flat;
}

Values gather_nd(Call& c) {
  const Tensor &x = c.in(0), &index = c.in(1);
  const std::int64_t batch = c.attribute("batch_dims", std::int64_t{0});
  if (index.rank() < 1 || batch < 0 || batch >= std::min(x.rank(), index.rank()))
    c.fail(fmt::format("batch_dims {} of x {} and index {}", batch, to_string(x.shape()),
                       to_string(index.shape())));
  const auto b = static_cast<int>(batch);
  const std::int64_t depth = index.shape().back();
  if (depth < 1 || b + depth > x.rank())
    c.fail(fmt::format("tuples of {} indices into x {}", depth, to_string(x.shape())));
  std::int64_t batches = 1, indexed = 1, rest = 1;
  Shape sizes, shape;
  for (int d = 0; d < x.rank(); ++d) {
    const std::int64_t size = x.shape()[d];
    if (d < b) {
      batches *= size;
      if (size != index.shape()[d]) c.fail("x and index differ in a batch dimension");
    } else if (d < b + depth) {
      indexed *= size;
      sizes.push_back(size);
    } else {
      rest *= size;
    }
  }
  for (int d = 0; d + 1 < index.rank(); ++d) shape.push_back(index.shape()[d]);
  for (int d = b + static_cast<int>(depth); d < x.rank(); ++d) shape.push_back(x.shape()[d]);
  Tensor flat = flat_index(c, 1, index, sizes);
  const std::int64_t count = flat.numel();
  if (batches > 1) {
    const std::int64_t each = count / batches;
    const Tensor lead = reshape(arange(batches).to(flat.device()) * indexed, {batches, 1});
    flat = cast(reshape(flat, {batches, each}), kInt64) + lead;
  }
  const Tensor picked =
      index_select(reshape(x, {batches * indexed, rest}), reshape(flat, {count}), 0);
  return {reshape(picked, shape)};
}

// target[index] = update along `dim`, or what `reduction` makes of both. numbers() are the values
// of the index, counted from the front.
template <class F>
Tensor scattered(Call& c, const std::string& reduction, const Tensor& target, int dim,
                 const Tensor& index, const Tensor& update, const F& numbers_of) {
  if (reduction == "none") return scatter(target, dim, index, update);
  if (reduction == "add") return scatter_add(target, dim, index, update);
  using Combine = Tensor (*)(Operand, Operand);
  const Combine combine = reduction == "mul"   ? Combine(&mul)
                          : reduction == "max" ? Combine(&maximum)
                          : reduction == "min" ? Combine(&minimum)
                                               : nullptr;
  if (!combine)
    c.fail(fmt::format("reduction '{}'; expected none, add, mul, max or min", reduction));
  // Entries that are written several times are written in rounds, each once in each; the other
  // updates of a round leave what is there. A round is known from the values of the index.
  const std::vector<std::int64_t> numbers = numbers_of();
  const Shape strides = contiguous_strides(index.shape());
  const std::int64_t size = target.shape()[dim];
  std::vector<std::int64_t> round(numbers.size());
  std::vector<std::pair<std::int64_t, std::size_t>> places(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t stride = strides[dim], count = index.shape()[dim];
    const std::int64_t lane = at / (stride * count) * stride + at % stride;
    places[i] = {lane * size + numbers[i], i};
  }
  std::sort(places.begin(), places.end());
  std::int64_t rounds = 1;
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i].first != places[i - 1].first) continue;
    round[places[i].second] = round[places[i - 1].second] + 1;
    rounds = std::max(rounds, round[places[i].second] + 1);
  }
  Tensor y = target;
  const Tensor turn = tensor(round, index.shape()).to(index.device());
  for (std::int64_t r = 0; r < rounds; ++r) {
    const Tensor there = gather(y, dim, index);
    const Tensor change = combine(there, update) - there;
    y = scatter_add(y, dim, index, where(equal(turn, number_like(turn, r)), change, 0));
  }
  return y;
}

Values scatter_elements(Call& c) {
  const int axis = c.axis(c.attribute("axis", std::int64_t{0}), c.in(0).rank());
  const std::int64_t size = c.in(0).shape()[axis];
  return {scattered(c, c.attribute("reduction", "none"), c.in(0), axis, c.in(1), c.in(2), [&] {
    std::vector<std::int64_t> numbers = c.integers(1);
    for (std::int64_t& i : numbers) i = i < 0 ? i + size : i;
    return numbers;
  })};
}

// What flat_index is, computed on the host, each number `repeats` times.
std::vector<std::int64_t> flat_numbers(const std::vector<std::int64_t>& tuples, const Shape& sizes,
                                       std::int64_t repeats) {
  std::vector<std::int64_t> flat;
  const std::size_t depth = sizes.size();
  for (std::size_t i = 0; i + depth <= tuples.size(); i += depth) {
    std::int64_t number = 0;
    for (std::size_t k = 0; k < depth; ++k) {
      const std::int64_t size = sizes[static_cast<int>(k)], at = tuples[i + k];
      number = number * size + (at < 0 ? at + size : at);
    }
    flat.insert(flat.end(), static_cast<std::size_t>(repeats), number);
  }
  return flat;
}

Values scatter_nd(Call& c) {
  const Tensor &x = c.in(0), &index = c.in(1), &update = c.in(2);
  const std::int64_t depth = index.rank() > 0 ? index.shape().back() : 0;
  if (depth < 1 || depth > x.rank())
    c.fail(fmt::format("tuples of {} indices into x {}", depth, to_string(x.shape())));
  Shape sizes;
  std::int64_t indexed = 1, rest = 1;
  for (int d = 0; d < x.rank(); ++d) {
    (d < depth ? indexed : rest) *= x.shape()[d];
    if (d < depth) sizes.push_back(x.shape()[d]);
  }
  const Tensor flat = flat_index(c, 1, index, sizes);
  const std::int64_t count = flat.numel();
  const Tensor rows = expand(reshape(flat, {count, 1}), {count, rest});
  const Tensor y = scattered(c, c.attribute("reduction", "none"), reshape(x, {indexed, rest}), 0,
                             rows, reshape(update, {count, rest}),
                             [&] { return flat_numbers(c.integers(1), sizes, rest); });
  return {reshape(y, x.shape())};
}

Values one_hot_of(Call& c) {
  const Tensor &index = c.in(0), &values = c.in(2);
  const double given = c.real(1);
  if (!(given >= 1 && given < 1e15)) c.fail(fmt::format("depth {}; expected 1 or more", given));
  const auto depth = static_cast<std::int64_t>(given);
  if (values.numel() != 2) c.fail("values must be [off, on]");
  const int axis = c.axis(c.attribute("axis", std::int64_t{-1}), index.rank() + 1);
  const Tensor whole = cast(index, kInt64);
  Shape shape = index.shape();
  shape.insert(axis, 1);
  Shape classes = Shape::filled(index.rank() + 1, 1);
  classes[axis] = depth;
  Shape result = index.shape();
  result.insert(axis, depth);
  c.check_size(result, values.dtype());
  // Negative numbers count from the end; one that is out of range is nowhere on.
  const Tensor number = where(whole < 0, whole + depth, whole);
  const Tensor on =
      equal(reshape(number, shape), reshape(arange(depth).to(index.device()), classes));
  const Tensor pair = reshape(values, {2});
  return {where(on, select(pair, 0, 1), select(pair, 0, 0))};
}

Values top_k(Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t k = c.opset() < 10 ? c.required_integer("k") : c.integer(1);
  const int axis = c.axis(c.attribute("axis", std::int64_t{-1}), x.rank());
  const bool largest = c.attribute("largest", std::int64_t{1}) != 0;
  const bool sorted = c.attribute("sorted", std::int64_t{1}) != 0;
  if (k < 0 || k > x.shape()[axis])
    c.fail(fmt::format("k {} of dimension {} of x {}", k, axis, to_string(x.shape())));
  const Sorted found = topk(x, k, axis, largest, sorted);
  return {found.values, found.indices};
}

Values non_zero(Call& c) {
  const Tensor& x = c.in(0);
  const std::vector<double> values = x.to_vector<double>();
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != 0) found.push_back(static_cast<std::int64_t>(i));
  const auto count = static_cast<std::int64_t>(found.size());
  const Shape strides = contiguous_strides(x.shape());
  std::vector<std::int64_t> at;
  for (int d = 0; d < x.rank(); ++d)
    for (const std::int64_t i : found) at.push_back(i / strides[d] % x.shape()[d]);
  return {tensor(at, {x.rank(), count}).to(x.device())};
}

Values compress(Call& c) {
  Tensor x = c.in(0);
  int axis = 0;
  if (c.has_attribute("axis"))
    axis = c.axis(c.required_integer("axis"), x.rank());
  else
    x = flatten(x);
  const std::vector<std::int64_t> condition = c.integers(1);
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < condition.size(); ++i)
    if (condition[i] != 0) kept.push_back(static_cast<std::int64_t>(i));
  const auto count = static_cast<std::int64_t>(kept.size());
  return {index_select(x, tensor(kept, {count}).to(x.device()), axis)};
}

// The different entries of x, or slices of it along an axis: in order or as they come first.
Values unique(Call& c) {
  const bool has_axis = c.has_attribute("axis");
  const int axis = has_axis ? c.axis(c.required_integer("axis"), c.in(0).rank()) : 0;
  const Tensor x = has_axis ? c.in(0) : flatten(c.in(0));
  const bool sorted = c.attribute("sorted", std::int64_t{1}) != 0;
  const std::int64_t count = x.shape()[axis];
  const std::int64_t width = count == 0 ? 0 : x.numel() / count;
  const std::vector<double> values =
      reshape(movedim(x, axis, 0), {count, width}).to_vector<double>();
  const auto slice_of = [&](std::int64_t i) {
    return std::span(values).subspan(static_cast<std::size_t>(i * width),
                                     static_cast<std::size_t>(width));
  };
  const auto before = [&](std::int64_t a, std::int64_t b) {
    const auto p = slice_of(a), q = slice_of(b);
    return std::lexicographical_compare(p.begin(), p.end(), q.begin(), q.end());
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), before);
  // Runs of equal ones: the first of each, their number, and which run each entry is in.
  std::vector<std::int64_t> first, counts, run(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || before(order[i - 1], order[i])) {
      first.push_back(order[i]);
      counts.push_back(0);
    }
    ++counts.back();
    run[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(first.size()) - 1;
  }
  if (!sorted) {
    std::vector<std::int64_t> by_first(first.size()), place(first.size());
    std::iota(by_first.begin(), by_first.end(), 0);
    const auto at = [](const std::vector<std::int64_t>& list, std::int64_t i) {
      return list[static_cast<std::size_t>(i)];
    };
    std::ranges::sort(by_first,
                      [&](std::int64_t a, std::int64_t b) { return at(first, a) < at(first, b); });
    std::vector<std::int64_t> new_first, new_counts;
    for (std::size_t k = 0; k < by_first.size(); ++k) {
      place[static_cast<std::size_t>(by_first[k])] = static_cast<std::int64_t>(k);
      new_first.push_back(at(first, by_first[k]));
      new_counts.push_back(at(counts, by_first[k]));
    }
    for (std::int64_t& r : run) r = at(place, r);
    first = new_first;
    counts = new_counts;
  }
  const auto list = [&](const std::vector<std::int64_t>& v) {
    return tensor(v, {static_cast<std::int64_t>(v.size())}).to(x.device());
  };
  return {index_select(x, list(first), axis), list(first), list(run), list(counts)};
}

// The first lengths[n] entries of every sequence backwards.
Values reverse_sequence(Call& c) {
  const Tensor &x = c.in(0), &lengths = c.in(1);
  const int time = c.axis(c.attribute("time_axis", std::int64_t{0}), x.rank());
  const int batch = c.axis(c.attribute("batch_axis", std::int64_t{1}), x.rank());
  if (time == batch || lengths.numel() != x.shape()[batch])
    c.fail(fmt::format("{} lengths for x {}", lengths.numel(), to_string(x.shape())));
  Shape along_time = Shape::filled(x.rank(), 1), along_batch = along_time;
  along_time[time] = x.shape()[time];
  along_batch[batch] = x.shape()[batch];
  const Tensor t = reshape(arange(x.shape()[time]).to(x.device()), along_time);
  const Tensor n = reshape(cast(lengths, kInt64), along_batch);
  const Tensor from = where(less(t, n), n - 1 - t, t);
  return {gather(x, time, expand(from, x.shape()))};
}

}  // namespace

std::vector<Operator> index_operators() {
  constexpr auto kAny = Types::kAny;
  return {
      {"Compress", 9, compress, kAny, bit(1)},
      {"Gather", 1, gather_of, kAny, bit(1)},
      {"GatherElements", 11, gather_elements, kAny, bit(1)},
      {"GatherND", 11, gather_nd, kAny, bit(1)},
      {"NonZero", 9, non_zero, kAny},
      {"OneHot", 9, one_hot_of, Types::kThird, bit(0) | bit(1)},
      {"ReverseSequence", 10, reverse_sequence, kAny, bit(1)},
      {"Scatter", 9, scatter_elements, Types::kFirst, bit(1)},
      {"ScatterElements", 11, scatter_elements, Types::kFirst, bit(1)},
      {"ScatterND", 11, scatter_nd, Types::kFirst, bit(1)},
      {"TopK", 1, top_k, Types::kFirst, bit(1)},
      {"Unique", 11, unique, kAny},
  };
}

}  // namespace catena::onnx
