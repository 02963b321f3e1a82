// The pieces of a NumPy-like slice: integers, ranges, Ellipsis, NewAxis.
#pragma once

#include <cstdint>
#include <optional>

namespace catena {

// [start, stop) by step, NumPy's rules: negative bounds count from the end, ends are clipped. The
// step must be positive.
struct Slice {
  std::optional<std::int64_t> start, stop;
  std::int64_t step = 1;
  Slice() = default;
  Slice(std::optional<std::int64_t> from, std::optional<std::int64_t> to, std::int64_t by = 1)
      : start(from), stop(to), step(by) {}
};
struct EllipsisType {};
struct NewAxisType {};
inline constexpr EllipsisType Ellipsis{};
inline constexpr NewAxisType NewAxis{};

class Index {
 public:
  enum class Kind : std::uint8_t { kInteger, kSlice, kEllipsis, kNewAxis };
  Index(std::int64_t i) : kind_(Kind::kInteger), integer_(i) {}  // NOLINT
  Index(int i) : Index(static_cast<std::int64_t>(i)) {}          // NOLINT
  Index(Slice s) : kind_(Kind::kSlice), slice_(s) {}             // NOLINT
  Index(EllipsisType) : kind_(Kind::kEllipsis) {}                // NOLINT
  Index(NewAxisType) : kind_(Kind::kNewAxis) {}                  // NOLINT
  Kind kind() const { return kind_; }
  std::int64_t integer() const { return integer_; }
  const Slice& slice() const { return slice_; }

 private:
  Kind kind_;
  std::int64_t integer_ = 0;
  Slice slice_;
};

}  // namespace catena
