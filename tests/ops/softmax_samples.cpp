#include <algorithm>
#include <cmath>
#include <limits>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// f(x - max, sum of e^(x - max)) along `dim`.
template <class F>
auto normalised(int dim, F f) {
  return [=](const List& in) {
    const Shape& shape = in[0].shape;
    const int d = dim < 0 ? dim + shape.rank() : dim;
    Shape kept = shape;
    kept[d] = 1;
    Array top(kept, -std::numeric_limits<double>::infinity()), sum(kept), out(shape);
    const auto line = [&](Shape at) {
      at[d] = 0;
      return at;
    };
    for_each_index(shape, [&](const Shape& at) {
      top.at(line(at)) = std::max(top.at(line(at)), in[0].at(at));
    });
    for_each_index(shape, [&](const Shape& at) {
      sum.at(line(at)) += std::exp(in[0].at(at) - top.at(line(at)));
    });
    for_each_index(shape, [&](const Shape& at) {
      out.at(at) = f(in[0].at(at) - top.at(line(at)), sum.at(line(at)));
    });
    return out;
  };
}

template <class Op, class F>
std::vector<OpSample> both(const char* op, F f) {
  const auto of = [&](const char* name, InputSpec x, int dim) {
    return sample(name, Op{dim}, {std::move(x)}, normalised(dim, f));
  };
  const auto large = [&](const char* name, Shape shape, int dim) {
    return of(name, uniform(shape, -4, 4), dim).no_gradient();
  };
  const std::string name = std::string("[") + op + "]";
  return {
      of("last", uniform({3, 5}), -1),
      of("first", uniform({5, 3}), 0),
      of("middle", uniform({2, 4, 3}), 1),
      of("a_batch_and_more", uniform({2, 19}), 1),
      of("one_entry", uniform({4, 1}), 1),
      of("vector", uniform({6}), 0),
      of("empty", uniform({0, 3}), 1),
      of("empty_rows", uniform({3, 0}), 1),
      of("far_apart", values({2, 4}, {1000, 1001, 999, 1002, -3e4, 0, 3e4, 3e4}), 1).no_gradient(),
      of("masked", values({1, 4}, {1, -std::numeric_limits<double>::infinity(), 2, 0.5}), 1)
          .no_gradient(),
      of("masked_columns", values({4, 1}, {1, -std::numeric_limits<double>::infinity(), 2, 0.5}), 0)
          .no_gradient(),
      large("long_rows", {3, 5003}, 1),
      large("many_rows", {700, 37}, 1),
      large("columns", {2, 300, 45}, 1),
      fails("integers", Op{}, {integers({2, 3}, 0, 5)}, name + " x is int64; expected float32"),
      fails("scalar", Op{}, {uniform({})}, name + " x is 0-d"),
      fails("dim_out_of_range", Op{2}, {uniform({2, 3})}, name + " dim is 2"),
  };
}

}  // namespace

std::vector<OpSample> samples_Softmax() {
  return both<op::Softmax>("softmax", [](double x, double sum) { return std::exp(x) / sum; });
}

std::vector<OpSample> samples_LogSoftmax() {
  return both<op::LogSoftmax>("log_softmax",
                              [](double x, double sum) { return x - std::log(sum); });
}

}  // namespace catena::test
