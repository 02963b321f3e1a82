// Sizes and strides: a few integers kept inline, so that no tensor needs a second allocation.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace catena {

// Most dimensions a tensor can have. Kernels get sizes and strides as plain arrays of this length.
inline constexpr int kMaxRank = 8;

namespace detail {
[[noreturn]] void throw_rank(std::size_t rank);
}

// A list of up to kMaxRank integers: the sizes of a tensor, its strides in elements, or a list of
// dimensions. Compares by value; iterates like an array.
class Shape {
 public:
  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<std::int64_t> dims) { assign(dims.begin(), dims.size()); }
  constexpr explicit Shape(std::span<const std::int64_t> dims) { assign(dims.data(), dims.size()); }
  constexpr Shape(const std::int64_t* dims, int rank) {
    assign(dims, static_cast<std::size_t>(rank));
  }
  // `rank` dimensions, all of them `value`.
  static constexpr Shape filled(int rank, std::int64_t value) {
    Shape s;
    for (int i = 0; i < rank; ++i) s.push_back(value);
    return s;
  }

  constexpr int rank() const { return rank_; }
  constexpr std::size_t size() const { return static_cast<std::size_t>(rank_); }
  constexpr bool empty() const { return rank_ == 0; }
  constexpr std::int64_t operator[](int i) const { return dims_[i]; }
  constexpr std::int64_t& operator[](int i) { return dims_[i]; }
  constexpr const std::int64_t* data() const { return dims_; }
  constexpr const std::int64_t* begin() const { return dims_; }
  constexpr const std::int64_t* end() const { return dims_ + rank_; }
  constexpr std::int64_t* begin() { return dims_; }
  constexpr std::int64_t* end() { return dims_ + rank_; }
  constexpr std::int64_t back() const { return dims_[rank_ - 1]; }

  constexpr void push_back(std::int64_t v) {
    if (rank_ == kMaxRank) detail::throw_rank(kMaxRank + 1);
    dims_[rank_++] = v;
  }
  constexpr void resize(int rank) {
    for (int i = rank_; i < rank && i < kMaxRank; ++i) dims_[i] = 0;
    resize_for_overwrite(rank);
  }
  // The entries beyond the old rank have no value yet.
  constexpr void resize_for_overwrite(int rank) {
    if (rank > kMaxRank) detail::throw_rank(static_cast<std::size_t>(rank));
    rank_ = rank;
  }
  constexpr void insert(int at, std::int64_t v) {
    push_back(v);
    for (int i = rank_ - 1; i > at; --i) dims_[i] = dims_[i - 1];
    dims_[at] = v;
  }
  constexpr void erase(int at) {
    for (int i = at; i + 1 < rank_; ++i) dims_[i] = dims_[i + 1];
    --rank_;
  }

  // Product of the sizes; 1 for a 0-d tensor. Callers have checked that it does not overflow; beside
  // a size of 0 parts of it may.
  constexpr std::int64_t numel() const {
    std::uint64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= static_cast<std::uint64_t>(dims_[i]);
    return static_cast<std::int64_t>(n);
  }

  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.dims_[i] != b.dims_[i]) return false;
    return true;
  }

 private:
  constexpr void assign(const std::int64_t* dims, std::size_t n) {
    if (n > kMaxRank) detail::throw_rank(n);
    for (std::size_t i = 0; i < n; ++i) dims_[i] = dims[i];
    rank_ = static_cast<int>(n);
  }
  std::int64_t dims_[kMaxRank];
  int rank_ = 0;
};

// "[2, 3]"; "[]" for 0-d.
std::string to_string(const Shape& shape);

// Row-major strides, in elements. In place, because copying a Shape right after its entries were
// written one by one stalls the processor.
constexpr void set_contiguous_strides(const Shape& shape, Shape* strides) {
  strides->resize_for_overwrite(shape.rank());
  std::uint64_t step = 1;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    (*strides)[d] = static_cast<std::int64_t>(step);
    step *= static_cast<std::uint64_t>(shape[d]);
  }
}
Shape contiguous_strides(const Shape& shape);

// NumPy broadcasting of two shapes into `*out`; false when some pair of sizes differs and neither
// is 1.
bool broadcast_shapes(const Shape& a, const Shape& b, Shape* out);

// Product of the sizes; throws ArgumentError for a negative size or a product beyond 2^59.
std::int64_t checked_numel(const Shape& shape);

}  // namespace catena
