#include <algorithm>
#include <cmath>

#include "ops/reduction_reference.hpp"

namespace catena::test {
namespace {

auto variance(double correction) {
  return [=](const Values& v) {
    const double mean = average(v);
    long double squares = 0;
    for (double x : v) squares += (x - mean) * (x - mean);
    return static_cast<double>(squares) / std::max(0.0, static_cast<double>(v.size()) - correction);
  };
}
auto deviation(double correction) {
  return [=](const Values& v) { return std::sqrt(variance(correction)(v)); };
}
double log_sum_exp(const Values& v) {
  if (v.empty()) return -kInf;
  double top = *std::max_element(v.begin(), v.end());
  if (std::isinf(top)) top = 0;
  long double s = 0;
  for (double x : v) s += std::exp(x - top);
  return top + static_cast<double>(std::log(s));
}
auto norm_of(double p) {
  return [=](const Values& v) {
    if (p == kInf || p == -kInf) {
      double m = std::abs(v.front());
      for (double x : v) m = p > 0 ? std::max(m, std::abs(x)) : std::min(m, std::abs(x));
      return m;
    }
    long double s = 0;
    for (double x : v) s += p == 0 ? x != 0 : std::pow(std::abs(x), p);
    return static_cast<double>(p == 0 ? s : std::pow(s, 1 / static_cast<long double>(p)));
  };
}

template <class Op, class F>
std::vector<OpSample> variances(const char* op, F f) {
  std::vector<OpSample> list;
  for (OpSample& s : shapes<Op>(f(1))) {
    // Of a single entry it is NaN, as in PyTorch.
    const bool single = s.name == "one_entry" || s.name == "scalar";
    list.push_back((single ? s.no_gradient() : s).tolerance(5e-6, 1e-12));
  }
  const auto corrected = [&](const char* name, Shape shape, Shape dims, double correction) {
    list.push_back(
        reduction<Op>(name, shape, dims, false, f(correction), {.correction = correction}));
  };
  corrected("biased", {3, 5}, {1}, 0);
  corrected("biased_rows", {3, 5}, {0}, 0);
  corrected("correction_half", {2, 6}, {}, 0.5);
  corrected("correction_of_all", {3, 2}, {1}, 2);
  list.back().gradients = false;
  corrected("empty", {0, 3}, {0}, 1);
  list.back().gradients = false;
  corrected("empty_result", {0, 3}, {1}, 1);
  // Digits lost by a sum of squares.
  Values far(300);
  for (std::size_t i = 0; i < far.size(); ++i) far[i] = 30000 + static_cast<double>(i % 7) / 8;
  list.push_back(sample("far_from_zero", Op{}, {values({300}, far)}, along({}, false, f(1)))
                     .no_gradient()
                     .tolerance(1e-5, 1e-9));
  list.push_back(sample("nan", Op{{1}}, {values({2, 2}, {1, kNaN, kInf, 2})},
                        along({1}, false, [](const Values&) { return kNaN; }))
                     .no_gradient());
  const std::string name = std::string("[") + op + "] ";
  list.push_back(fails("integers", Op{}, {integers({3}, 0, 5)},
                       name + "x is int64; expected float32 or float64"));
  list.push_back(fails("dim_out_of_range", Op{{2}}, {uniform({2, 3})}, name + "dim"));
  return list;
}

}  // namespace

std::vector<OpSample> samples_Var() { return variances<op::Var>("var", variance); }
std::vector<OpSample> samples_Stddev() { return variances<op::Stddev>("stddev", deviation); }

std::vector<OpSample> samples_LogSumExp() {
  std::vector<OpSample> list = shapes<op::LogSumExp>(log_sum_exp);
  const auto given = [&](const char* name, Shape shape, Values v, Shape dims) {
    list.push_back(sample(name, op::LogSumExp{dims}, {values(shape, std::move(v))},
                          along(dims, false, log_sum_exp))
                       .no_gradient());
  };
  given("far", {2, 2}, {1000, 1001, -1e30, -1000}, {1});
  given("infinities", {4, 2}, {-kInf, -kInf, -kInf, 1, kInf, 1, kInf, kInf}, {1});
  given("infinities_rows", {2, 3}, {-kInf, -kInf, kInf, -kInf, 2, 1}, {0});
  Values line(9000, -kInf);
  line[8999] = 700;
  given("late_in_a_long_line", {9000}, line, {});
  line[0] = kInf;
  line[8999] = 1e4;
  given("infinity_in_a_long_line", {9000}, line, {});
  list.push_back(sample("nan", op::LogSumExp{{1}}, {values({2, 2}, {1, kNaN, kNaN, kInf})},
                        along({1}, false, [](const Values&) { return kNaN; }))
                     .no_gradient());
  list.push_back(reduction<op::LogSumExp>("empty", {0, 3}, {0}, false, log_sum_exp));
  list.push_back(reduction<op::LogSumExp>("empty_result", {0, 3}, {1}, false, log_sum_exp));
  list.push_back(fails("integers", op::LogSumExp{}, {integers({3}, 0, 5)},
                       "[logsumexp] x is int64; expected float32 or float64"));
  return list;
}

std::vector<OpSample> samples_Norm() {
  std::vector<OpSample> list;
  const auto add = [&](OpSample s) { list.push_back(s.only(kFloatTypes).tolerance(1e-5, 1e-11)); };
  const auto of = [&](const char* name, Shape shape, Shape dims, double p, bool keepdim = false) {
    add(reduction<op::Norm>(name, shape, dims, keepdim, norm_of(p), {.p = p}));
    // Away from the kinks.
    list.back().inputs[0] = list.back().inputs[0].away_from(0);
  };
  of("two", {3, 5}, {}, 2);
  of("two_last", {3, 5}, {-1}, 2, true);
  of("two_first", {3, 5}, {0}, 2);
  of("one", {3, 5}, {1}, 1);
  of("largest", {3, 5}, {1}, kInf);
  of("smallest", {3, 5}, {0}, -kInf);
  of("three", {3, 5}, {1}, 3);
  of("between", {2, 3, 4}, {0, 2}, 1.5);
  of("half", {3, 5}, {1}, 0.5, true);
  of("negative", {3, 5}, {1}, -1);
  of("scalar", {}, {}, 2);
  of("scalar_three", {}, {}, 3);
  of("many", {70, 301}, {1}, 2);
  list.back().gradients = false;
  for (double p : {1.0, 2.0, 3.0}) {
    of(p == 1 ? "empty_one" : p == 2 ? "empty_two" : "empty_three", {0, 3}, {0}, p);
    add(sample(p == 1   ? "zeros_one"
               : p == 2 ? "zeros_two"
                        : "zeros_three",
               op::Norm{p, {1}}, {values({2, 2}, {0, 0, 3, 0})}, along({1}, false, norm_of(p)))
            .no_gradient());
  }
  add(sample("zeros_counted", op::Norm{0, {1}}, {values({2, 2}, {0, 0, 3, 0})},
             along({1}, false, norm_of(0)))
          .no_gradient());
  add(sample("zeros_negative", op::Norm{-1, {1}}, {values({2, 2}, {0, 0, 3, 0})},
             along({1}, false, norm_of(-1)))
          .no_gradient());
  add(sample("nan", op::Norm{2, {1}}, {values({1, 2}, {kNaN, 1})},
             along({1}, false, [](const Values&) { return kNaN; }))
          .no_gradient());
  const auto wrong = [&](const char* name, InputSpec x, const op::Norm& op, const char* error) {
    list.push_back(fails(name, op, {std::move(x)}, error));
  };
  wrong("integers", integers({3}, 0, 5), {}, "[norm] x is int64; expected float32 or float64");
  wrong("largest_of_nothing", uniform({0, 3}), {kInf, {0}},
        "[norm] x has shape [0, 3] and the largest size of no entries is asked for");
  wrong("order_nan", uniform({3}), {kNaN}, "[norm] p is NaN; expected a number, inf or -inf");
  return list;
}

}  // namespace catena::test
