// Sorting by keys: unsigned numbers whose order is that of the values, paired with positions. Radix
// sort is stable and takes one pass over the pairs per byte of the key in which they differ.
#include "catena/ops/sort.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 8192;  // elements of a range
constexpr std::int64_t kShort = 48;    // up to here insertion is faster

template <class K>
struct Pair {
  K key, at;
};

template <int bytes>
struct BitsOf {
  using type = std::uint32_t;
};
template <>
struct BitsOf<8> {
  using type = std::uint64_t;
};

// The order of keys: NaN above everything, -0 with 0.
template <class K, class T>
CATENA_INLINE K key_of(T v) {
  using Bits = typename BitsOf<sizeof(T)>::type;
  constexpr Bits sign = Bits(1) << (8 * sizeof(Bits) - 1);
  if constexpr (static_cast<T>(0.5) == 0.5) {
    if (v != v) return static_cast<K>(~Bits(0));
    const T plain = v == T(0) ? T(0) : v;
    Bits bits;
    __builtin_memcpy(&bits, &plain, sizeof bits);
    return static_cast<K>(bits & sign ? ~bits : bits | sign);
  } else if constexpr (sizeof(T) >= 4) {
    return static_cast<K>(static_cast<Bits>(v) ^ sign);
  } else {
    return static_cast<K>(v);
  }
}

// Sorts n pairs by key, equal keys in their order; `spare` has room for as many. Returns where the
// sorted pairs are: in either of the two.
template <class K>
Pair<K>* sort_pairs(Pair<K>* pairs, Pair<K>* spare, std::int64_t n) {
  if (n <= kShort) {
    for (std::int64_t i = 1; i < n; ++i) {
      const Pair<K> p = pairs[i];
      std::int64_t j = i;
      for (; j > 0 && p.key < pairs[j - 1].key; --j) pairs[j] = pairs[j - 1];
      pairs[j] = p;
    }
    return pairs;
  }
  constexpr int bytes = sizeof(K);
  std::int64_t counts[bytes][256];
  std::memset(counts, 0, sizeof counts);
  for (std::int64_t i = 0; i < n; ++i)
    for (int b = 0; b < bytes; ++b) ++counts[b][pairs[i].key >> 8 * b & 255];
  for (int b = 0; b < bytes; ++b) {
    std::int64_t* start = counts[b];
    if (start[pairs[0].key >> 8 * b & 255] == n) continue;  // the same in all
    std::int64_t sum = 0;
    for (int digit = 0; digit < 256; ++digit) {
      const std::int64_t count = start[digit];
      start[digit] = sum;
      sum += count;
    }
    for (std::int64_t i = 0; i < n; ++i) spare[start[pairs[i].key >> 8 * b & 255]++] = pairs[i];
    Pair<K>* swap = pairs;
    pairs = spare;
    spare = swap;
  }
  return pairs;
}

// The k pairs of lowest keys, of equal ones those of lower position, moved to the front of `pairs`
// in no order: a heap of k whose root is the worst. Pairs come in the order of their positions.
template <class K>
void select_lowest(Pair<K>* pairs, std::int64_t n, std::int64_t k) {
  const auto worse = [](const Pair<K>& a, const Pair<K>& b) {
    return a.key > b.key || (a.key == b.key && a.at > b.at);
  };
  const auto sink = [&](std::int64_t i) {
    const Pair<K> p = pairs[i];
    for (std::int64_t child; (child = 2 * i + 1) < k; i = child) {
      if (child + 1 < k && worse(pairs[child + 1], pairs[child])) ++child;
      if (!worse(pairs[child], p)) break;
      pairs[i] = pairs[child];
    }
    pairs[i] = p;
  };
  for (std::int64_t i = k / 2; i-- > 0;) sink(i);
  for (std::int64_t i = k; i < n; ++i) {
    if (pairs[i].key >= pairs[0].key) continue;
    pairs[0] = pairs[i];
    sink(0);
  }
}

// What both ops do along `dim`: take `take` of `size` entries.
struct Problem {
  std::int64_t size, take, lines, inner;
  bool reversed, in_order;  // largest first; sorted, else in the order of x
};

Problem describe(std::int64_t dim, const TensorView& x, const TensorView& y, bool reversed,
                 bool in_order) {
  const int rank = x.shape.rank();
  if (dim < 0) dim += rank;
  Problem p{x.shape.data()[dim], y.shape.data()[dim], 1, 1, reversed, in_order};
  for (int d = static_cast<int>(dim) + 1; d < rank; ++d) p.inner *= x.shape.data()[d];
  p.lines = p.inner;
  for (int d = 0; d < dim; ++d) p.lines *= x.shape.data()[d];
  return p;
}

template <class K, class T>
void sort_line(const Problem& p, const T* x, T* y, std::int64_t* at, Pair<K>* pairs,
               Pair<K>* spare) {
  const K flip = p.reversed ? static_cast<K>(~K(0)) : K(0);
  for (std::int64_t i = 0; i < p.size; ++i)
    pairs[i] = {static_cast<K>(key_of<K>(x[i * p.inner]) ^ flip), static_cast<K>(i)};
  // A heap of few entries is seldom changed; many are found faster by sorting all.
  Pair<K>* other = spare;
  if (p.take < p.size && p.take <= p.size / 8) {
    select_lowest(pairs, p.size, p.take);
    for (std::int64_t i = 0; i < p.take; ++i) pairs[i] = {pairs[i].at, pairs[i].key};
    Pair<K>* by_place = sort_pairs(pairs, spare, p.take);
    other = by_place == pairs ? spare : pairs;
    pairs = by_place;
    for (std::int64_t i = 0; i < p.take; ++i) pairs[i] = {pairs[i].at, pairs[i].key};
    if (p.in_order) pairs = sort_pairs(pairs, other, p.take);
  } else {
    Pair<K>* sorted = sort_pairs(pairs, spare, p.size);
    other = sorted == pairs ? spare : pairs;
    pairs = sorted;
    if (!p.in_order) {
      for (std::int64_t i = 0; i < p.take; ++i) pairs[i] = {pairs[i].at, pairs[i].key};
      pairs = sort_pairs(pairs, other, p.take);
      for (std::int64_t i = 0; i < p.take; ++i) pairs[i] = {pairs[i].at, pairs[i].key};
    }
  }
  for (std::int64_t i = 0; i < p.take; ++i) {
    const auto from = static_cast<std::int64_t>(pairs[i].at);
    y[i * p.inner] = x[from * p.inner];
    at[i * p.inner] = from;
  }
}

template <class K, class T>
void sort_all(const Problem& p, const KernelContext& c) {
  const T* x = static_cast<const T*>(c.inputs[0].data);
  T* y = static_cast<T*>(c.outputs[0].data);
  std::int64_t* at = static_cast<std::int64_t*>(c.outputs[1].data);
  parallel(p.lines, max_of<std::int64_t>(1, kGrain / p.size),
           [&](std::int64_t begin, std::int64_t end) {
             Scratch<Pair<K>> pairs(p.size), spare(p.size);
             for (std::int64_t l = begin; l < end; ++l) {
               const std::int64_t block = l / p.inner, i = l % p.inner;
               const std::int64_t to = block * p.take * p.inner + i;
               sort_line<K>(p, x + block * p.size * p.inner + i, y + to, at + to, pairs.data(),
                            spare.data());
             }
           });
}

void sort_with(const Problem& p, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  visit_compute(c.inputs[0].dtype, [&]<class T>(T) {
    // Positions are as wide as keys.
    if constexpr (sizeof(T) <= 4)
      if (p.size <= 0xffffffff) return sort_all<std::uint32_t, T>(p, c);
    sort_all<std::uint64_t, T>(p, c);
  });
}

// The gradient of each entry goes where the entry came from; nothing was taken twice.
void give_back(std::int64_t dim, const KernelContext& c) {
  const TensorView &g = c.inputs[0], &taken = c.inputs[4], &dx = c.outputs[0];
  if (dx.numel == 0) return;
  const Problem p = describe(dim, dx, g, false, false);
  const std::int64_t* at = static_cast<const std::int64_t*>(taken.data);
  visit_float(dx.dtype, [&]<class T>(T) {
    const T* from = static_cast<const T*>(g.data);
    T* to = static_cast<T*>(dx.data);
    const std::int64_t block = p.size * p.inner;
    parallel(p.lines / p.inner, max_of<std::int64_t>(1, 65536 / block),
             [&](std::int64_t begin, std::int64_t end) {
               std::memset(to + begin * block, 0,
                           static_cast<std::size_t>((end - begin) * block) * sizeof(T));
               for (std::int64_t b = begin; b < end; ++b)
                 for (std::int64_t j = 0; j < p.take; ++j)
                   for (std::int64_t i = 0; i < p.inner; ++i) {
                     const std::int64_t k = (b * p.take + j) * p.inner + i;
                     to[b * block + at[k] * p.inner + i] = from[k];
                   }
             });
  });
}

void sort(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Sort*>(attrs);
  sort_with(describe(op.dim, c.inputs[0], c.outputs[0], op.descending, true), c);
}
void sort_backward(const void* attrs, const KernelContext& c) {
  give_back(static_cast<const op::Sort*>(attrs)->dim, c);
}
void topk(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::TopK*>(attrs);
  sort_with(describe(op.dim, c.inputs[0], c.outputs[0], op.largest, op.sorted), c);
}
void topk_backward(const void* attrs, const KernelContext& c) {
  give_back(static_cast<const op::TopK*>(attrs)->dim, c);
}

KernelRow row_of(KernelFn forward, KernelFn backward) {
  return {.forward = forward, .backward = backward, .dtypes = kComputeTypes};
}

}  // namespace

KernelRow row_Sort() { return row_of(sort, sort_backward); }
KernelRow row_TopK() { return row_of(topk, topk_backward); }

}  // namespace catena::cpu::CATENA_ISA
