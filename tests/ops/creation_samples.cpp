#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

OpSample range(const std::string& name, const op::Arange& op) {
  return sample(name, op, {},
                [op](const List&) {
                  Array out({op.count});
                  for (std::int64_t i = 0; i < op.count; ++i)
                    out[i] = op.start + static_cast<double>(i) * op.step;
                  return out;
                })
      .exact();
}
OpSample spaced(const std::string& name, const op::Linspace& op) {
  return sample(name, op, {}, [op](const List&) {
    Array out({op.count});
    for (std::int64_t i = 0; i < op.count; ++i)
      out[i] = op.count == 1 ? op.start
                             : op.start + (op.end - op.start) * static_cast<double>(i) /
                                              static_cast<double>(op.count - 1);
    return out;
  });
}
OpSample identity(const std::string& name, const op::Eye& op) {
  return sample(name, op, {},
                [op](const List&) {
                  Array out({op.rows, op.columns});
                  for (std::int64_t i = 0; i < std::min(op.rows, op.columns); ++i)
                    out[i * op.columns + i] = 1;
                  return out;
                })
      .exact();
}

}  // namespace

std::vector<OpSample> samples_Arange() {
  using op::Arange;
  return {range("floats", Arange{.count = 7, .start = -1, .step = 0.3}),
          range("doubles", Arange{.count = 5, .start = 2, .step = -0.1, .dtype = kFloat64}),
          range("int64", Arange{.count = 6, .start = 3, .step = -2, .dtype = kInt64}),
          range("int32", Arange{.count = 4, .start = 0, .step = 5, .dtype = kInt32}),
          range("bytes", Arange{.count = 256, .start = 0, .step = 1, .dtype = kUInt8}),
          range("long", Arange{.count = 200001, .dtype = kInt64}),
          range("empty", Arange{}),
          fails("count", Arange{.count = -1}, {}, "count -1; expected 0 or more"),
          fails("step", Arange{.count = 2, .step = 0}, {}, "start 0, step 0; expected finite"),
          fails("whole", Arange{.count = 2, .step = 0.5, .dtype = kInt64}, {},
                "start 0, step 0.5 for dtype int64; expected whole numbers"),
          fails("dtype", Arange{.count = 2, .dtype = kBool}, {}, "dtype bool; expected float32")};
}

std::vector<OpSample> samples_Linspace() {
  using op::Linspace;
  return {spaced("floats", Linspace{.count = 7, .start = -1, .end = 2}),
          spaced("doubles", Linspace{.count = 10, .start = 1, .end = 0, .dtype = kFloat64}),
          spaced("one", Linspace{.count = 1, .start = 3, .end = 5}).exact(),
          spaced("two", Linspace{.count = 2, .start = 0.1, .end = 0.7}).exact(),
          spaced("empty", Linspace{}),
          spaced("long", Linspace{.count = 100001, .start = 0, .end = 1}),
          fails("count", Linspace{.count = -1}, {}, "count -1; expected 0 or more"),
          fails("ends", Linspace{.count = 2, .start = -1e308, .end = 1e308}, {},
                "expected finite numbers, a finite way apart"),
          fails("dtype", Linspace{.count = 2, .dtype = kInt64}, {},
                "dtype int64; expected float32 or float64")};
}

std::vector<OpSample> samples_Eye() {
  using op::Eye;
  return {identity("square", Eye{.rows = 3, .columns = 3}),
          identity("wide", Eye{.rows = 2, .columns = 4, .dtype = kFloat64}),
          identity("tall", Eye{.rows = 5, .columns = 2, .dtype = kInt64}),
          identity("bools", Eye{.rows = 2, .columns = 2, .dtype = kBool}),
          identity("large", Eye{.rows = 500, .columns = 300}),
          identity("empty", Eye{.rows = 0, .columns = 3}),
          fails("negative", Eye{.rows = 2, .columns = -1}, {},
                "2 rows, -1 columns; expected 0 or more")};
}

}  // namespace catena::test
