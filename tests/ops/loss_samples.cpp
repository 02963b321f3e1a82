#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/loss_reference.hpp"

namespace catena::test {
namespace {

using List = std::vector<Array>;

// f(prediction, target) element by element.
template <class F>
auto entries(std::string reduction, F f) {
  return [=](const List& in) {
    std::vector<double> losses;
    for (std::size_t i = 0; i < in[0].values.size(); ++i)
      losses.push_back(f(in[0].values[i], in[1].values[i]));
    return reduced(losses, in[0].shape, reduction);
  };
}

template <class Op>
std::vector<OpSample> pair_errors(const char* op, const char* first) {
  const std::string name = std::string("[") + op + "] ";
  return {
      fails("shapes", Op{}, {uniform({5, 1}), uniform({5})},
            name + first + " has shape [5, 1] but target has shape [5]; expected equal shapes"),
      fails("integers", Op{}, {integers({3}, 0, 5), uniform({3})}, name + first + " is int64"),
      fails("reduction", Op{"meen"}, {uniform({3}), uniform({3})},
            name + "unknown reduction \"meen\"; expected \"mean\", \"sum\" or \"none\"; did you"),
  };
}

// Samples of a loss f(prediction, target, op) with inputs that stay away from kinks.
template <class Op, class F>
std::vector<OpSample> pairs(const char* name, const char* first, Op op, const InputSpec& prediction,
                            const InputSpec& target, F f) {
  std::vector<OpSample> list = pair_errors<Op>(name, first);
  const auto add = [&](const char* what, InputSpec a, InputSpec b) {
    const auto loss = [=](double p, double t) { return f(p, t, op); };
    list.push_back(sample(what, op, {std::move(a), std::move(b)}, entries(op.reduction, loss))
                       .only(kFloatTypes)
                       .tolerance(5e-6, 1e-12));
  };
  const auto shaped = [](InputSpec s, const Shape& shape) {
    s.shape = shape;
    return s;
  };
  for (const char* reduction : {"mean", "sum", "none"}) {
    op.reduction = reduction;
    add(reduction, prediction, target);
  }
  op.reduction = "mean";
  add("scalar", shaped(prediction, {}), shaped(target, {}));
  op.reduction = "sum";
  add("empty_sum", shaped(prediction, {0, 3}), shaped(target, {0, 3}));
  return list;
}

double huber(double d, double limit) {
  d = std::abs(d);
  return d < limit ? d * d / 2 : limit * (d - limit / 2);
}

}  // namespace

std::vector<OpSample> samples_MaeLoss() {
  return pairs("mae_loss", "prediction", op::MaeLoss{}, uniform({3, 4}), uniform({3, 4}),
               [](double p, double t, const op::MaeLoss&) { return std::abs(p - t); });
}

std::vector<OpSample> samples_HuberLoss() {
  const auto f = [](double p, double t, const op::HuberLoss& op) { return huber(p - t, op.delta); };
  std::vector<OpSample> list = pairs("huber_loss", "prediction", op::HuberLoss{"mean", 0.7},
                                     uniform({3, 4}), uniform({3, 4}), f);
  list.push_back(sample("far", op::HuberLoss{"none"},
                        {values({3}, {1e30, -1e30, 0}), values({3}, {0, 0, 0})},
                        entries("none", [](double p, double t) { return huber(p - t, 1); }))
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(fails("delta", op::HuberLoss{"mean", 0}, {uniform({3}), uniform({3})},
                       "[huber_loss] delta is 0; expected a number above 0"));
  return list;
}

std::vector<OpSample> samples_SmoothL1Loss() {
  const auto f = [](double p, double t, const op::SmoothL1Loss& op) {
    return op.beta == 0 ? std::abs(p - t) : huber(p - t, op.beta) / op.beta;
  };
  std::vector<OpSample> list = pairs("smooth_l1_loss", "prediction", op::SmoothL1Loss{"mean", 0.7},
                                     uniform({3, 4}), uniform({3, 4}), f);
  list.push_back(sample("beta_zero", op::SmoothL1Loss{"mean", 0}, {uniform({5}), uniform({5})},
                        entries("mean", [](double p, double t) { return std::abs(p - t); }))
                     .only(kFloatTypes));
  list.push_back(fails("beta", op::SmoothL1Loss{"mean", -1}, {uniform({3}), uniform({3})},
                       "[smooth_l1_loss] beta is -1; expected 0 or more"));
  return list;
}

std::vector<OpSample> samples_BceLoss() {
  const auto f = [](double p, double t) {
    return -t * std::max(std::log(p), -100.0) - (1 - t) * std::max(std::log1p(-p), -100.0);
  };
  std::vector<OpSample> list =
      pairs("bce_loss", "probability", op::BceLoss{}, uniform({3, 4}, 0.05, 0.95),
            uniform({3, 4}, 0, 1), [=](double p, double t, const op::BceLoss&) { return f(p, t); });
  list.push_back(sample("ends", op::BceLoss{"none"},
                        {values({6}, {0, 0, 0, 1, 1, 1}), values({6}, {0, 1, 0.5, 0, 1, 0.25})},
                        entries("none", f))
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(sample("weight", op::BceLoss{"none"},
                        {uniform({2, 3}, 0.05, 0.95), uniform({2, 3}, 0, 1), uniform({3}, 0.2, 2)},
                        [=](const List& in) {
                          std::vector<double> losses;
                          for_each_index(in[0].shape, [&](const Shape& at) {
                            losses.push_back(broadcast_at(in[2], at) *
                                             f(in[0].at(at), in[1].at(at)));
                          });
                          return reduced(losses, in[0].shape, "none");
                        })
                     .only(kFloatTypes));
  list.push_back(fails("weight_that_does_not_fit", op::BceLoss{},
                       {uniform({3}, 0.05, 0.95), uniform({3}, 0, 1), uniform({2})},
                       "[bce_loss] weight has shape [2]; expected one that broadcasts to the "
                       "probability, [3]"));
  return list;
}

std::vector<OpSample> samples_KlDiv() {
  const auto f = [](double x, double t, const op::KlDiv& op) {
    return op.log_target ? std::exp(t) * (t - x) : t == 0 ? 0 : t * (std::log(t) - x);
  };
  std::vector<OpSample> list = pairs("kl_div", "log_probabilities", op::KlDiv{},
                                     uniform({3, 4}, -4, 0), uniform({3, 4}, 0.05, 1), f);
  op::KlDiv of_logs{"mean", true};
  for (const char* reduction : {"mean", "sum", "none"}) {
    of_logs.reduction = reduction;
    list.push_back(sample(std::string("log_target_") + reduction, of_logs,
                          {uniform({3, 4}, -4, 0), uniform({3, 4}, -4, 0)},
                          entries(reduction, [=](double x, double t) { return f(x, t, of_logs); }))
                       .only(kFloatTypes)
                       .tolerance(5e-6, 1e-12));
  }
  list.push_back(sample("zeros", op::KlDiv{"none"},
                        {values({3}, {-1, -std::numeric_limits<double>::infinity(), -2}),
                         values({3}, {0, 0, 1})},
                        entries("none", [=](double x, double t) { return f(x, t, {}); }))
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(fails("integer_target", op::KlDiv{}, {uniform({3}), integers({3}, 0, 2)},
                       "[kl_div] target is int64; expected probabilities of dtype float32"));
  return list;
}

std::vector<OpSample> samples_HingeLoss() {
  InputSpec signs = values({3, 4}, {1, -1, 1, 1, -1, -1, 1, -1, 1, 1, 1, -1});
  std::vector<OpSample> list = pair_errors<op::HingeLoss>("hinge_loss", "prediction");
  for (const char* reduction : {"mean", "sum", "none"}) {
    const op::HingeLoss op{reduction, 0.5};
    list.push_back(
        sample(reduction, op, {uniform({3, 4}), signs},
               entries(reduction, [](double p, double t) { return std::max(0.0, 0.5 - t * p); }))
            .only(kFloatTypes));
  }
  list.push_back(
      sample("integer_target", op::HingeLoss{}, {uniform({3}), values({3}, {1, -1, 1}).as(kInt64)},
             entries("mean", [](double p, double t) { return std::max(0.0, 1 - t * p); }))
          .only(kFloatTypes));
  return list;
}

std::vector<OpSample> samples_MseLoss() {
  const auto f = [](double p, double t) { return (p - t) * (p - t); };
  std::vector<OpSample> list = pair_errors<op::MseLoss>("mse_loss", "prediction");
  for (const char* reduction : {"mean", "sum", "none"})
    list.push_back(sample(reduction, op::MseLoss{reduction}, {uniform({3, 4}), uniform({3, 4})},
                          entries(reduction, f))
                       .only(kFloatTypes));
  list.push_back(sample("scalar", op::MseLoss{}, {uniform({}), uniform({})}, entries("mean", f))
                     .only(kFloatTypes));
  list.push_back(
      sample("empty_sum", op::MseLoss{"sum"}, {uniform({0, 3}), uniform({0, 3})}, entries("sum", f))
          .only(kFloatTypes));
  list.push_back(sample("integer_target", op::MseLoss{}, {uniform({5}), integers({5}, 0, 4)},
                        entries("mean", f))
                     .only(kFloatTypes));
  return list;
}

std::vector<OpSample> samples_BceWithLogits() {
  const auto f = [](double x, double t) {
    return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x)));
  };
  std::vector<OpSample> list = pair_errors<op::BceWithLogits>("bce_with_logits", "logits");
  for (const char* reduction : {"mean", "sum", "none"})
    list.push_back(sample(reduction, op::BceWithLogits{reduction},
                          {uniform({3, 4}, -4, 4), uniform({3, 4}, 0, 1)}, entries(reduction, f))
                       .only(kFloatTypes));
  // The formula has kinks at 0 that cancel: values and gradients must not notice.
  list.push_back(sample("zero", op::BceWithLogits{},
                        {values({4}, {0, 0, 0, -0.0}), values({4}, {0, 1, 0.25, 0.5})},
                        entries("mean", f))
                     .only(kFloatTypes));
  list.push_back(sample("far", op::BceWithLogits{"none"},
                        {values({4}, {1000, -1000, 1e30, -1e30}), values({4}, {1, 0, 0.5, 0.5})},
                        entries("none", f))
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(sample("bool_target", op::BceWithLogits{}, {uniform({5}, -4, 4), booleans({5})},
                        entries("mean", f))
                     .only(kFloatTypes));
  // Weights of entries and of the positive part; they broadcast.
  const auto weighted = [&](const std::string& name, const InputSpec& weight,
                            const InputSpec& pos_weight) {
    for (const char* reduction : {"mean", "sum", "none"}) {
      const auto reference = [=](const List& in) {
        std::vector<double> losses;
        for_each_index(in[0].shape, [&](const Shape& at) {
          const double x = in[0].at(at), t = in[1].at(at);
          const double w = broadcast_at(in[2], at);
          const double p = in.size() > 3 ? broadcast_at(in[3], at) : 1;
          losses.push_back(w *
                           (p * t * std::log1p(std::exp(-x)) + (1 - t) * std::log1p(std::exp(x))));
        });
        return reduced(losses, in[0].shape, reduction);
      };
      std::vector<InputSpec> in{uniform({3, 4}, -4, 4), uniform({3, 4}, 0, 1), weight};
      if (pos_weight.shape.rank()) in.push_back(pos_weight);
      list.push_back(sample(name + "_" + reduction, op::BceWithLogits{reduction}, in, reference)
                         .only(kFloatTypes)
                         .tolerance(5e-6, 1e-11));
    }
  };
  const InputSpec none = uniform({});
  weighted("weight", uniform({3, 4}, 0.2, 2), none);
  weighted("weight_of_columns", uniform({4}, 0.2, 2), none);
  weighted("pos_weight", uniform({}, 1, 1), uniform({4}, 0.2, 3));
  weighted("both_weights", uniform({3, 1}, 0.2, 2), uniform({4}, 0.2, 3));
  list.push_back(sample("far_with_pos_weight", op::BceWithLogits{"none"},
                        {values({2}, {1000, -1000}), values({2}, {0, 1}), values({}, {1}),
                         values({2}, {3, 3})},
                        [](const List&) {
                          return Array(Shape{2}, {1000, 3000});
                        })
                     .only(kFloatTypes)
                     .no_gradient());
  list.push_back(fails("weight_length", op::BceWithLogits{},
                       {uniform({3, 4}), uniform({3, 4}), uniform({3})},
                       "[bce_with_logits] weight has shape [3]; expected one that broadcasts to "
                       "the logits, [3, 4]"));
  list.push_back(fails("weight_larger", op::BceWithLogits{},
                       {uniform({4}), uniform({4}), uniform({3, 4})},
                       "[bce_with_logits] weight has shape [3, 4]"));
  list.push_back(fails("pos_weight_dtype", op::BceWithLogits{},
                       {uniform({4}), uniform({4}), uniform({4}), uniform({4}).as(kFloat64)},
                       "[bce_with_logits] pos_weight is float64; expected float32, like"));
  return list;
}

}  // namespace catena::test
