#include <algorithm>
#include <cmath>

#include "ops/reduction_reference.hpp"

namespace catena::test {
namespace {

double largest(const Values& v) {
  double m = v.front();
  for (double x : v)
    if (x > m || std::isnan(x)) m = x;
  return m;
}
double smallest(const Values& v) {
  double m = v.front();
  for (double x : v)
    if (x < m || std::isnan(x)) m = x;
  return m;
}
double product(const Values& v) {
  long double p = 1;
  for (double x : v) p *= x;
  return static_cast<double>(p);
}
double first_smallest(const Values& v) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < v.size(); ++i)
    if (v[i] < v[best] || (std::isnan(v[i]) && !std::isnan(v[best]))) best = i;
  return static_cast<double>(best);
}
double any_of(const Values& v) {
  return std::any_of(v.begin(), v.end(), [](double x) { return x != 0; });
}
double all_of(const Values& v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return x != 0; });
}
double first_largest(const Values& v) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < v.size(); ++i)
    if (v[i] > v[best] || (std::isnan(v[i]) && !std::isnan(v[best]))) best = i;
  return static_cast<double>(best);
}

}  // namespace

std::vector<OpSample> samples_Sum() {
  std::vector<OpSample> list = shapes<op::Sum>(total);
  const auto add = [&](OpSample s) { list.push_back(std::move(s)); };
  add(reduction<op::Sum>("empty", {0, 3}, {0}, false, total));
  add(reduction<op::Sum>("empty_all", {2, 0}, {}, false, total));
  add(reduction<op::Sum>("empty_result", {0, 3}, {1}, false, total));
  add(sample("nan", op::Sum{{1}}, {values({2, 3}, {1, kNaN, 2, 3, 4, 5})}, along({1}, false, total))
          .only(kFloatTypes)
          .no_gradient());
  add(sample("infinities", op::Sum{}, {values({2}, {kInf, -kInf})}, along({}, false, total))
          .only(kFloatTypes)
          .no_gradient());
  add(fails("dim_out_of_range", op::Sum{{2}}, {uniform({2, 3})}, "[sum] dim"));
  add(fails("dim_twice", op::Sum{{0, -2}}, {uniform({2, 3})}, "twice"));
  add(fails("half", op::Sum{}, {uniform({3}).as(kFloat16)}, "no kernel for float16"));
  return list;
}

std::vector<OpSample> samples_Mean() {
  std::vector<OpSample> list = shapes<op::Mean>(average);
  list.push_back(reduction<op::Mean>("empty", {0, 3}, {0}, false, average).no_gradient());
  list.push_back(reduction<op::Mean>("empty_result", {0, 3}, {1}, false, average));
  list.push_back(fails("integers", op::Mean{}, {integers({3}, 0, 5)},
                       "[mean] x is int64; expected float32 or float64"));
  return list;
}

std::vector<OpSample> samples_Prod() {
  std::vector<OpSample> list;
  for (OpSample& s : shapes<op::Prod>(product)) {
    // Large shapes near 1, so that the product stays within float32; as integers all are 1.
    if (s.gradients) {
      list.push_back(std::move(s));
    } else {
      s.inputs[0].low = 0.99;
      s.inputs[0].high = 1.01;
      list.push_back(s.only(kFloatTypes).tolerance(1e-4, 1e-10));
      s.inputs[0].low = 1;
      s.inputs[0].high = 2;
      s.name += "_of_ones";
      list.push_back(s.only(DTypeSet(kInt32, kInt64, kUInt8, kBool)));
    }
  }
  const auto zeros = [&](const char* name, Shape shape, Values v, Shape dims) {
    list.push_back(
        sample(name, op::Prod{dims}, {values(shape, std::move(v))}, along(dims, false, product))
            .only(kFloatTypes));
  };
  zeros("one_zero", {2, 3}, {1.5, 0, -2, 3, 0.5, 0}, {1});
  zeros("two_zeros", {5}, {1.5, 0, -2, 0, 0.5}, {0});
  zeros("all_zeros", {2, 2}, {0, 0, 0, 0}, {});
  zeros("zeros_apart", {2, 2, 2}, {0, 1, 2, 3, -1, 0.5, 0, 2}, {0, 2});
  list.push_back(reduction<op::Prod>("empty", {0, 3}, {0}, false, product));
  list.push_back(reduction<op::Prod>("empty_result", {0, 3}, {1}, false, product));
  list.push_back(
      sample("nan", op::Prod{{1}}, {values({2, 2}, {1, kNaN, 0, kInf})}, along({1}, false, product))
          .only(kFloatTypes)
          .no_gradient());
  list.push_back(fails("dim_out_of_range", op::Prod{{2}}, {uniform({2, 3})}, "[prod] dim"));
  return list;
}

namespace {

template <class Op, class F>
std::vector<OpSample> extreme(const char* error, F f) {
  std::vector<OpSample> list = shapes<Op>(f);
  const auto add = [&](const char* name, Shape shape, Values v, Shape dims) {
    list.push_back(sample(name, Op{dims}, {values(shape, std::move(v))}, along(dims, false, f))
                       .only(kFloatTypes)
                       .no_gradient());
  };
  add("ties", {2, 3}, {1, 3, 3, 2, 2, 2}, {1});
  add("nan_wins", {2, 3}, {1, kNaN, 2, kInf, 4, 5}, {1});
  add("nan_wins_rows", {3, 2}, {1, kNaN, 2, kInf, 4, 5}, {0});
  add("minus_infinity", {3}, {-kInf, -kInf, -kInf}, {});
  add("infinity", {3}, {kInf, kInf, kInf}, {});
  Values line(1000, 1);
  line[997] = kNaN;
  line[3] = kInf;
  line[4] = -kInf;
  add("nan_wins_long", {1000}, line, {});
  list.push_back(fails("empty", Op{{0}}, {uniform({0, 3})}, error));
  list.push_back(fails("empty_all", Op{}, {uniform({2, 0})}, "dimension 1 is reduced"));
  return list;
}

template <class Op, class F>
std::vector<OpSample> search(const char* op, F f) {
  const auto of = [&](const char* name, Shape shape, std::int64_t dim, bool keepdim = false) {
    return sample(name, Op{dim, keepdim}, {uniform(shape, -5, 5)}, along({dim}, keepdim, f));
  };
  const auto given = [&](const char* name, Shape shape, Values v, std::int64_t dim) {
    return sample(name, Op{dim}, {values(shape, std::move(v))}, along({dim}, false, f))
        .only(kFloatTypes);
  };
  Values line(5000, 2);
  line[4321] = 3;
  line[4567] = 3;
  line[4322] = 1;
  line[4568] = 1;
  Values with_nan = line;
  with_nan[4400] = with_nan[4999] = kNaN;
  const std::string name = std::string("[") + op + "] ";
  return {
      of("last", {3, 5}, -1),
      of("last_keepdim", {3, 5}, 1, true),
      of("first", {3, 5}, 0),
      of("middle", {2, 6, 4}, 1, true),
      of("vector", {40}, 0),
      of("one_entry", {3, 1}, 1),
      of("wide_rows", {9, 700}, 0),
      of("long_line", {2, 9000}, 1),
      of("empty_result", {0, 3}, 1),
      given("ties", {2, 3}, {1, 3, 3, 2, 2, 2}, 1),
      given("ties_long", {5000}, line, 0),
      given("nan_counts", {2, 4}, {1, kNaN, kInf, kNaN, 0, 1, 2, 2}, 1),
      given("nan_counts_long", {5000}, with_nan, 0),
      given("nan_counts_rows", {3, 2}, {1, 7, kNaN, kInf, kNaN, 5}, 0),
      given("minus_infinity", {40}, Values(40, -kInf), 0),
      given("infinity", {40}, Values(40, kInf), 0),
      fails("empty", Op{0}, {uniform({0, 3})}, name + "no elements to search: x has shape [0, 3]"),
      fails("scalar", Op{}, {uniform({})}, name + "x is 0-d"),
      fails("dim_out_of_range", Op{3}, {uniform({2, 3})}, name + "dim is 3"),
  };
}

template <class Op, class F>
std::vector<OpSample> truth(F f) {
  std::vector<OpSample> list;
  for (OpSample& s : shapes<Op>(f)) {
    // Of -1, 0 and 1 all are zero, or none is, often enough in lines of three to five.
    s.inputs[0].low = -1;
    s.inputs[0].whole = true;
    list.push_back(std::move(s));
  }
  const auto given = [&](const char* name, Shape shape, Values v, Shape dims) {
    list.push_back(sample(name, Op{dims}, {values(shape, std::move(v))}, along(dims, false, f)));
  };
  Values line(5000, 1);
  given("long_all_true", {5000}, line, {0});
  line[4999] = 0;
  given("long_one_false", {5000}, line, {0});
  given("long_all_false", {5000}, Values(5000, 0), {0});
  given("long_one_true", {3, 2}, {0, 0, 0, 0, 0, 1}, {0});
  list.push_back(
      sample("nan", Op{{1}}, {values({2, 2}, {0, kNaN, kNaN, -kInf})}, along({1}, false, f))
          .only(kFloatTypes));
  list.push_back(reduction<Op>("empty", {0, 3}, {0}, false, f));
  list.push_back(reduction<Op>("empty_all", {2, 0}, {}, false, f));
  list.push_back(fails("dim_twice", Op{{0, -2}}, {uniform({2, 3})}, "twice"));
  return list;
}

}  // namespace

std::vector<OpSample> samples_Max() {
  return extreme<op::Max>("[max] no elements to take the maximum of: x has shape [0, 3]", largest);
}
std::vector<OpSample> samples_Min() {
  return extreme<op::Min>("[min] no elements to take the minimum of: x has shape [0, 3]", smallest);
}
std::vector<OpSample> samples_Argmax() { return search<op::Argmax>("argmax", first_largest); }
std::vector<OpSample> samples_Argmin() { return search<op::Argmin>("argmin", first_smallest); }
std::vector<OpSample> samples_Any() { return truth<op::Any>(any_of); }
std::vector<OpSample> samples_All() { return truth<op::All>(all_of); }

}  // namespace catena::test
