#include "catena/ops/creation.hpp"

#include <cmath>

#include <fmt/format.h>

#include "catena/graph/scalar_range.hpp"

namespace catena {
namespace {

void check_dtype(InferContext& c, DType dtype, DTypeSet set, const char* expected) {
  if (!set.contains(dtype))
    c.fail(fmt::format("dtype {}; expected {}; convert the result with to(dtype)", name_of(dtype),
                       expected));
}

template <class Op>
Tensor made(const Op& op, const TensorOptions& options, const std::source_location& loc) {
  Tensor t = detail::dispatch(op_info<Op>(), &op, nullptr, 0, loc);
  if (!options.device.is_cpu()) t = t.to(options.device, loc);
  if (options.requires_grad) t.set_requires_grad(true, loc);
  return t;
}

bool is_whole(double v) { return v == std::floor(v) && std::abs(v) < 0x1p63; }

// ceil((end - start) / step), below 0 when step leads away from end. Of integers without rounding.
double steps_between(Scalar start, Scalar end, Scalar step) {
  for (const Scalar& v : {start, end, step})
    if (v.is_real() || !detail::holds(kInt64, v))
      return std::ceil((end.as<double>() - start.as<double>()) / step.as<double>());
  const std::int64_t first = start.integer(), last = end.integer(), by = step.integer();
  if (by == 0 || (last != first && (last > first) != (by > 0))) return -1;
  const auto distance = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
  };
  const std::uint64_t way = by > 0 ? distance(first, last) : distance(last, first),
                      one = by > 0 ? distance(0, by) : distance(by, 0);
  return static_cast<double>(way / one + (way % one != 0));
}

}  // namespace

namespace op {

void Arange::infer(InferContext& c) const {
  check_dtype(c, dtype, kNumberTypes, "float32, float64, int32, int64 or uint8");
  if (count < 0) c.fail(fmt::format("count {}; expected 0 or more", count));
  if (!std::isfinite(start) || !std::isfinite(step) || step == 0)
    c.fail(fmt::format("start {}, step {}; expected finite numbers and a step that is not 0", start,
                       step));
  if (!is_floating(dtype) && !(is_whole(start) && is_whole(step)))
    c.fail(
        fmt::format("start {}, step {} for dtype {}; expected whole numbers; convert the result "
                    "with to(dtype)",
                    start, step, name_of(dtype)));
  c.output({count}, dtype, kCpu);
}

void Linspace::infer(InferContext& c) const {
  check_dtype(c, dtype, kFloatTypes, "float32 or float64");
  if (count < 0) c.fail(fmt::format("count {}; expected 0 or more", count));
  if (!std::isfinite(start) || !std::isfinite(end) || !std::isfinite(end - start))
    c.fail(
        fmt::format("start {}, end {}; expected finite numbers, a finite way apart", start, end));
  c.output({count}, dtype, kCpu);
}

void Eye::infer(InferContext& c) const {
  check_dtype(c, dtype, kComputeTypes, "float32, float64, int32, int64, uint8 or bool");
  if (rows < 0 || columns < 0)
    c.fail(fmt::format("{} rows, {} columns; expected 0 or more", rows, columns));
  c.output({rows, columns}, dtype, kCpu);
}

}  // namespace op

Tensor arange(Scalar start, Scalar end, Scalar step, std::optional<TensorOptions> options,
              std::source_location loc) {
  if (!options) options = start.is_real() || end.is_real() || step.is_real() ? kFloat32 : kInt64;
  const double first = start.as<double>(), last = end.as<double>(), by = step.as<double>();
  const double count = steps_between(start, end, step);
  // Also false for NaN.
  if (!(by != 0 && std::isfinite(first) && std::isfinite(last) && std::isfinite(by) && count >= 0 &&
        count < 0x1p62))
    throw_argument(OpName<op::Arange>::value,
                   fmt::format("start {}, end {}, step {}; expected finite numbers and a step that "
                               "is not 0 and leads from start to end",
                               first, last, by),
                   loc);
  if (!is_floating(options->dtype) &&
      !(detail::is_exact_real(start) && detail::is_exact_real(step)))
    throw_argument(
        OpName<op::Arange>::value,
        fmt::format("start {}, step {} for dtype {}; expected numbers that float64 has "
                    "exactly, as all are up to 2^53; add to a range that starts at 0",
                    detail::text_of(start), detail::text_of(step), name_of(options->dtype)),
        loc);
  return made(op::Arange{static_cast<std::int64_t>(count), first, by, options->dtype}, *options,
              loc);
}
Tensor arange(Scalar end, std::optional<TensorOptions> options, std::source_location loc) {
  if (!options) options = end.is_real() ? kFloat32 : kInt64;
  return arange(0, end, 1, options, loc);
}

Tensor linspace(double start, double end, std::int64_t count, TensorOptions options,
                std::source_location loc) {
  return made(op::Linspace{count, start, end, options.dtype}, options, loc);
}

Tensor eye(std::int64_t rows, std::optional<std::int64_t> columns, TensorOptions options,
           std::source_location loc) {
  return made(op::Eye{rows, columns.value_or(rows), options.dtype}, options, loc);
}

Tensor full_like(const Tensor& t, Scalar value, std::source_location loc) {
  if (!t.defined())
    throw_argument("full_like", "t is an undefined tensor; give it a value first", loc);
  return full(t.shape(), value, {t.dtype(), t.device()}, loc);
}

}  // namespace catena
