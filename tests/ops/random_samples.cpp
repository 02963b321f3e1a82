#include <cmath>
#include <numbers>

#include "catena/graph/philox.hpp"
#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

std::uint32_t number(std::int64_t i) {
  return philox_number(kSuiteSeed, static_cast<std::uint64_t>(i));
}
double unit_pair(std::int64_t i) { return unit_double(number(i), number(i + 1)); }

// x with the elements dropped that draw a number below p 2^32.
Reference dropped(double p) {
  return reference([p](const List& in) {
    Array out = in[0];
    for (std::int64_t i = 0; i < out.shape.numel(); ++i)
      out[i] = number(i) < p * 4294967296.0 ? 0 : out[i] / (1 - p);
    return out;
  });
}

Reference uniforms(const Shape& shape, double low, double high, bool is_double) {
  return reference([=](const List&) {
    Array out(shape);
    for (std::int64_t i = 0; i < shape.numel(); ++i)
      out[i] = low + (high - low) * (is_double ? unit_pair(2 * i) : unit_float(number(i)));
    return out;
  });
}

// Box-Muller with the functions of the standard library.
Reference normals(const Shape& shape, double mean, double stddev, bool is_double) {
  return reference([=](const List&) {
    Array out(shape);
    for (std::int64_t i = 0; i < shape.numel(); ++i) {
      const std::int64_t pair = i / 2;
      double u, v;
      if (is_double) {
        u = 1 - unit_pair(4 * pair);
        v = unit_pair(4 * pair + 2);
      } else {
        // In float, as the formula says: near 1 the rounding decides how small r is.
        u = (static_cast<float>(number(2 * pair) >> 1) + 1.0f) / 2147483648.0f;
        v = unit_float(number(2 * pair + 1));
      }
      const double r = std::sqrt(-2 * std::log(u)), angle = 2 * std::numbers::pi * v;
      out[i] = mean + stddev * r * (i % 2 ? std::sin(angle) : std::cos(angle));
    }
    return out;
  });
}

}  // namespace

std::vector<OpSample> samples_Dropout() {
  return {sample("basic", op::Dropout{.p = 0.5}, {uniform({3, 5})}, dropped(0.5)),
          sample("keeps_all", op::Dropout{.p = 0}, {uniform({3, 4})}, dropped(0)),
          sample("long", op::Dropout{.p = 0.3}, {uniform({41, 131})}, dropped(0.3)).no_gradient(),
          sample("empty", op::Dropout{.p = 0.5}, {uniform({0, 3})}, dropped(0.5)),
          sample("scalar", op::Dropout{.p = 0.1}, {uniform({})}, dropped(0.1)),
          sample("drops_all", op::Dropout{.p = 1}, {uniform({3, 4})}, [](double) { return 0.0; }),
          fails("p_large", op::Dropout{.p = 1.5}, {uniform({2})}, "p = 1.5; expected 0 <= p <= 1"),
          fails("p_negative", op::Dropout{.p = -0.5}, {uniform({2})}, "p = -0.5"),
          fails("dtype", op::Dropout{}, {integers({2}, 0, 2)}, "int64")};
}

std::vector<OpSample> samples_RandomUniform() {
  const Shape shape{31, 7};
  return {sample("float32", op::RandomUniform{.shape = shape}, {}, uniforms(shape, 0, 1, false)),
          sample("float64", op::RandomUniform{.shape = shape, .dtype = kFloat64}, {},
                 uniforms(shape, 0, 1, true)),
          sample("range", op::RandomUniform{.shape = {65}, .low = -3, .high = 5}, {},
                 uniforms({65}, -3, 5, false)),
          sample("long", op::RandomUniform{.shape = {100, 1001}}, {},
                 uniforms({100, 1001}, 0, 1, false)),
          sample("point", op::RandomUniform{.shape = {3}, .low = 2, .high = 2}, {},
                 uniforms({3}, 2, 2, false)),
          sample("scalar", op::RandomUniform{}, {}, uniforms({}, 0, 1, false)),
          sample("empty", op::RandomUniform{.shape = {0}}, {}, uniforms({0}, 0, 1, false)),
          fails("ends", op::RandomUniform{.shape = {2}, .low = 1, .high = 0}, {},
                "low = 1, high = 0; expected low <= high"),
          fails("dtype", op::RandomUniform{.shape = {2}, .dtype = kInt32}, {},
                "dtype int32; expected float32 or float64"),
          fails("size", op::RandomUniform{.shape = {-2}}, {}, "shape [-2]; expected sizes from 0")};
}

std::vector<OpSample> samples_RandomNormal() {
  const Shape shape{31, 7};
  return {
      sample("float32", op::RandomNormal{.shape = shape}, {}, normals(shape, 0, 1, false)),
      sample("float64", op::RandomNormal{.shape = shape, .dtype = kFloat64}, {},
             normals(shape, 0, 1, true)),
      sample("moved", op::RandomNormal{.shape = {64}, .mean = 3, .stddev = 0.5}, {},
             normals({64}, 3, 0.5, false)),
      sample("long", op::RandomNormal{.shape = {99, 1001}}, {}, normals({99, 1001}, 0, 1, false)),
      sample("long64", op::RandomNormal{.shape = {99, 1001}, .dtype = kFloat64}, {},
             normals({99, 1001}, 0, 1, true)),
      sample("scalar", op::RandomNormal{}, {}, normals({}, 0, 1, false)),
      sample("empty", op::RandomNormal{.shape = {0}}, {}, normals({0}, 0, 1, false)),
      fails("stddev", op::RandomNormal{.shape = {2}, .stddev = -1}, {},
            "mean = 0, stddev = -1; expected finite, stddev from 0")};
}

}  // namespace catena::test
