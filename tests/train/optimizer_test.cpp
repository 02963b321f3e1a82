// The optimizers: PyTorch's numbers, groups, state, errors.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/make_optimizer.hpp"
#include "support.hpp"
#include "train/optimizer_reference.hpp"

namespace catena::test {
namespace {

constexpr int kElements = 21, kSteps = 7, kSkipped = 3;

Tensor start(DType dtype) {
  std::vector<double> values;
  for (int i = 0; i < kElements; ++i) values.push_back(std::cos(i));
  return tensor(values, {kElements}, TensorOptions(dtype));
}
Tensor gradient(int step, DType dtype) {
  std::vector<double> values;
  for (int i = 0; i < kElements; ++i) values.push_back(std::sin(1 + i + 2 * step) * (i + 1) / 3);
  return tensor(values, {kElements}, TensorOptions(dtype));
}

// The same elements seen through strides, so that the update is composed of ops.
Tensor with_gaps(const Tensor& t) {
  Tensor wide = zeros({t.numel(), 2}, t.dtype());
  Tensor column = wide.transpose(0, 1)[1].detach();
  NoGrad no_grad;
  column.copy_(t);
  return column;
}

template <class Optimizer>
Tensor run_case(const typename Optimizer::Options& options, Tensor param) {
  param.set_requires_grad();
  Optimizer optimizer({param}, options);
  for (int step = 0; step < kSteps; ++step) {
    optimizer.zero_grad();
    if (step != kSkipped) param.set_grad(gradient(step, param.dtype()));
    optimizer.step();
  }
  return param;
}

template <class Optimizer>
void check_cases(const std::vector<OptimizerCase<typename Optimizer::Options>>& cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const auto& [options, expected] = cases[i];
    EXPECT_TRUE(close(run_case<Optimizer>(options, start(kFloat64)), expected, 1e-12, 1e-13));
    EXPECT_TRUE(close(run_case<Optimizer>(options, start(kFloat32)), expected, 1e-5, 1e-6));
    const Tensor strided = with_gaps(start(kFloat64));
    ASSERT_FALSE(strided.is_contiguous());
    EXPECT_TRUE(close(run_case<Optimizer>(options, strided), expected, 1e-12, 1e-13));
  }
}

TEST(Optimizer, SgdFollowsPyTorch) { check_cases<optim::SGD>(kSgdCases); }
TEST(Optimizer, AdamFollowsPyTorch) { check_cases<optim::Adam>(kAdamCases); }
TEST(Optimizer, AdamWFollowsPyTorch) { check_cases<optim::AdamW>(kAdamWCases); }
TEST(Optimizer, RmsPropFollowsPyTorch) { check_cases<optim::RMSprop>(kRmsPropCases); }
TEST(Optimizer, AdagradFollowsPyTorch) { check_cases<optim::Adagrad>(kAdagradCases); }
TEST(Optimizer, AdadeltaFollowsPyTorch) { check_cases<optim::Adadelta>(kAdadeltaCases); }
TEST(Optimizer, NAdamFollowsPyTorch) { check_cases<optim::NAdam>(kNAdamCases); }
TEST(Optimizer, AdamaxFollowsPyTorch) { check_cases<optim::Adamax>(kAdamaxCases); }
TEST(Optimizer, LionFollowsItsPaper) { check_cases<optim::Lion>(kLionCases); }

// Every optimizer with all of its state in use.
const std::vector<std::string> kAll = {
    "sgd(lr=0.01, momentum=0.9, nesterov=true, weight_decay=0.1)",
    "adam(lr=0.02, weight_decay=0.1, amsgrad=true)",
    "adamw(lr=0.02, amsgrad=true, maximize=true)",
    "rmsprop(momentum=0.9, centered=true, weight_decay=0.1)",
    "adagrad(lr_decay=0.1, initial_accumulator_value=0.2)",
    "adadelta(lr=0.5, weight_decay=0.1)",
    "nadam(weight_decay=0.1, decoupled_weight_decay=true)",
    "adamax(weight_decay=0.1)",
    "lion(lr=0.01, weight_decay=0.1)"};

TEST(Optimizer, TheBitsDoNotDependOnThreadsOrLayoutOfTheGradient) {
  const std::int64_t n = 100003;
  std::vector<float> values, gradients;
  for (std::int64_t i = 0; i < n; ++i) {
    values.push_back(std::sin(static_cast<float>(i)));
    gradients.push_back(std::cos(static_cast<float>(i) * 0.7f));
  }
  const auto run = [&](const std::string& text, int threads, bool strided) {
    const int before = num_threads();
    set_num_threads(threads);
    Tensor p = tensor(values, {n});
    p.set_requires_grad();
    const auto optimizer = optim::make_optimizer(text, {p});
    const Tensor g = tensor(gradients, {n});
    p.set_grad(strided ? with_gaps(g) : g);
    optimizer->step();
    optimizer->step();
    set_num_threads(before);
    return p;
  };
  for (const std::string& text : kAll) {
    SCOPED_TRACE(text);
    const Tensor one = run(text, 1, false);
    EXPECT_TRUE(same_bits(one, run(text, 2, false)));
    EXPECT_TRUE(same_bits(one, run(text, 1, true)));
  }
}

TEST(Optimizer, NonFiniteGradientsReachTheParameter) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const std::string& text : kAll) {
    SCOPED_TRACE(text);
    const auto run = [&](Tensor p) {
      p.set_requires_grad();
      const auto optimizer = optim::make_optimizer(text, {p});
      for (const std::vector<double>& g :
           {std::vector<double>{nan, inf, -inf, 1, 0}, std::vector<double>{1, 1, 1, 1, 0}}) {
        p.set_grad(tensor(g, {5}));
        optimizer->step();
      }
      return p.to_vector();
    };
    const Tensor start = tensor(std::vector<double>{1, 2, 3, 4, 0}, {5});
    const std::vector<double> fused = run(start.clone()), composed = run(with_gaps(start));
    EXPECT_TRUE(std::isnan(fused[0]));
    EXPECT_TRUE(std::isfinite(fused[3]));
    EXPECT_EQ(fused[4], 0);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(std::isfinite(fused[i]), std::isfinite(composed[i])) << "element " << i;
  }
}

TEST(Optimizer, GroupsHaveOptionsOfTheirOwn) {
  Tensor a = ones({2}), b = ones({2});
  a.set_requires_grad();
  b.set_requires_grad();
  optim::SGD sgd({{{a}, {.lr = 0.1}}, {{b}, {.lr = 0.01}}});
  ASSERT_EQ(sgd.num_groups(), 2u);
  a.set_grad(ones({2}));
  b.set_grad(ones({2}));
  sgd.step();
  EXPECT_TRUE(close(a, {0.9, 0.9}));
  EXPECT_TRUE(close(b, {0.99, 0.99}));
  sgd.options(1).lr = 0.5;
  sgd.step();
  EXPECT_TRUE(close(a, {0.8, 0.8}));
  EXPECT_TRUE(close(b, {0.49, 0.49}));
  sgd.set_lr(1);
  EXPECT_EQ(sgd.options(0).lr, 1);
  EXPECT_EQ(sgd.options(1).lr, 1);
  Tensor c = ones({1});
  c.set_requires_grad();
  sgd.add_param_group({{c}, {.lr = 0.25}});
  c.set_grad(ones({1}));
  sgd.step();
  EXPECT_TRUE(close(c, {0.75}));
}

TEST(Optimizer, SkipsParametersWithoutGradient) {
  Tensor a = ones({3}), b = ones({3});
  a.set_requires_grad();
  b.set_requires_grad();
  optim::Adam adam({a, b}, {.weight_decay = 0.5});
  sum(a * a).backward();
  adam.step();
  EXPECT_TRUE(close(b, {1, 1, 1}));
  EXPECT_LT(a.to_vector()[0], 1);
  adam.zero_grad();
  EXPECT_FALSE(a.grad().defined());
  EXPECT_EQ(adam.state().find_tensor("params.1.exp_avg"), nullptr);
  EXPECT_NE(adam.state().find_tensor("params.0.exp_avg"), nullptr);
}

TEST(Optimizer, StateGoesOnToTheSameBits) {
  const auto advance = [](Tensor& p, optim::Optimizer& o, int from, int to) {
    for (int step = from; step < to; ++step) {
      p.set_grad(gradient(step, p.dtype()));
      o.step();
      o.zero_grad();
    }
  };
  for (const std::string& text : kAll) {
    SCOPED_TRACE(text);
    Tensor p = start(kFloat32);
    p.set_requires_grad();
    const auto optimizer = optim::make_optimizer(text, {p});
    advance(p, *optimizer, 0, 3);
    const State saved = optimizer->state().clone();
    Tensor q = p.detach().clone();
    q.set_requires_grad();
    advance(p, *optimizer, 3, 7);

    const auto other = optim::make_optimizer(optimizer->name(), {q});
    other->load_state(saved);
    EXPECT_EQ(other->lr(), optimizer->lr());
    EXPECT_EQ(other->state().values, saved.values);
    advance(q, *other, 3, 7);
    EXPECT_TRUE(same_bits(p, q));
  }
}

TEST(Optimizer, LoadsFilesFromBeforeMaximize) {
  Tensor p = ones({3});
  p.set_requires_grad();
  optim::Adam adam({p}, {.lr = 0.5});
  State saved = adam.state();
  std::erase_if(saved.values, [](const NamedAttr& v) { return v.name == "groups.0.maximize"; });
  adam.set_lr(1);
  adam.load_state(saved);
  EXPECT_EQ(adam.lr(), 0.5);
}

TEST(Optimizer, OptionsOutOfRangeAreRefusedInAStateToo) {
  Tensor p = ones({3});
  p.set_requires_grad();
  optim::Adam adam({p}, {.lr = 0.5});
  State saved = adam.state();
  for (NamedAttr& v : saved.values)
    if (v.name == "groups.0.beta1") v.value = 1.5;
  adam.set_lr(0.25);
  expect_error<ArgumentError>([&] { adam.load_state(saved); }, {"betas[0] is 1.5"});
  EXPECT_EQ(adam.lr(), 0.25) << "a refused state must change nothing";
}

TEST(Optimizer, RefusesStateThatDoesNotFit) {
  Tensor p = ones({3}), q = ones({4});
  p.set_requires_grad();
  q.set_requires_grad();
  optim::Adam adam({p}, {.lr = 0.5});
  p.set_grad(ones({3}));
  adam.step();
  const State saved = adam.state();
  optim::SGD sgd({p});
  expect_error<ArgumentError>([&] { sgd.load_state(saved); },
                              {"[load_state]", "optimizer 'adam', this one is 'sgd'"});
  optim::Adam two({p, q});
  expect_error<ArgumentError>([&] { two.load_state(saved); }, {"sizes [1]", "[2]"});
  optim::Adam longer({q}, {.lr = 0.25});
  expect_error<ArgumentError>([&] { longer.load_state(saved); },
                              {"'params.0.exp_avg' is [3]", "[4]", "optimizer_test.cpp"});
  EXPECT_EQ(longer.options().lr, 0.25) << "a refused state must change nothing";
  State partial = saved;
  std::erase_if(partial.values, [](const NamedAttr& v) { return v.name == "params.0.step"; });
  expect_error<ArgumentError>([&] { adam.load_state(partial); }, {"no value 'params.0.step'"});
}

TEST(Optimizer, RefusesWrongArguments) {
  Tensor p = ones({3});
  p.set_requires_grad();
  expect_error<ArgumentError>([&] { optim::Adam(std::vector<Tensor>{}); },
                              {"[adam]", "parameters is empty"});
  expect_error<ArgumentError>([&] { optim::SGD(std::vector<optim::SGD::Group>{}); },
                              {"[sgd]", "parameters is empty"});
  expect_error<ArgumentError>([&] { optim::Adam({p, p}); }, {"parameter 1 of shape [3]", "before"});
  expect_error<ArgumentError>([&] { optim::Adam({p * 2}); }, {"computed by ops", "leaves"});
  expect_error<ArgumentError>([&] { optim::Adam({zeros({2}, kInt64)}); }, {"int64", "floating"});
  expect_error<ArgumentError>([&] { optim::Adam({Tensor()}); }, {"undefined"});
  expect_error<ArgumentError>([&] { optim::SGD({p}, {.lr = -1}); }, {"[sgd] lr is -1"});
  expect_error<ArgumentError>([&] { optim::SGD({p}, {.lr = std::nan("")}); }, {"lr is nan"});
  expect_error<ArgumentError>([&] { optim::SGD({p}, {.nesterov = true}); }, {"nesterov"});
  expect_error<ArgumentError>([&] { optim::Adam({p}, {.betas = {0.9, 1}}); }, {"betas[1] is 1"});
  expect_error<ArgumentError>([&] { optim::Adam({p}, {.eps = -1}); }, {"eps is -1"});
  expect_error<ArgumentError>([&] { optim::AdamW({p}, {.weight_decay = -1}); },
                              {"[adamw] weight_decay is -1"});
  expect_error<ArgumentError>([&] { optim::RMSprop({p}, {.alpha = 2}); },
                              {"[rmsprop] alpha is 2; expected a number in [0, 1]"});
  expect_error<ArgumentError>([&] { optim::Adagrad({p}, {.lr_decay = -1}); },
                              {"[adagrad] lr_decay is -1"});
  expect_error<ArgumentError>([&] { optim::Adadelta({p}, {.rho = -1}); }, {"[adadelta] rho is -1"});
  expect_error<ArgumentError>([&] { optim::NAdam({p}, {.momentum_decay = -1}); },
                              {"[nadam] momentum_decay is -1"});
  expect_error<ArgumentError>(
      [&] {
        optim::Adamax({p}, {.betas = {-1, 0}});
      },
      {"[adamax] betas[0] is -1"});
  expect_error<ArgumentError>([&] { optim::Lion({p}, {.lr = -1}); }, {"[lion] lr is -1"});
  optim::Adam adam({p});
  expect_error<ArgumentError>([&] { adam.set_lr(-2); }, {"lr is -2", "optimizer_test.cpp"});
}

TEST(Optimizer, AStepCountsAsAnInPlaceWrite) {
  Tensor p = full({3}, 2.0);
  p.set_requires_grad();
  const Tensor loss = sum(p * p);
  loss.backward({}, true);
  optim::SGD sgd({p}, {.lr = 0.5});
  sgd.step();
  EXPECT_TRUE(close(p, {0, 0, 0}));
  expect_error<ArgumentError>([&] { loss.backward(); },
                              {"version", "overwritten (called at optimizer_test.cpp:"});
}

TEST(Optimizer, PendingReadersSeeTheValueOfTheirCall) {
  DeferralScope deferral(true);
  Tensor p = full({64}, 2.0);
  p.set_requires_grad();
  const Tensor before = p.detach() * 3;  // pending
  p.set_grad(ones({64}) * 0.5);          // pending too
  optim::SGD sgd({p}, {.lr = 1});
  sgd.step();
  EXPECT_TRUE(close(before, std::vector<double>(64, 6)));
  EXPECT_TRUE(close(p, std::vector<double>(64, 1.5)));
}

// All parameters are updated in one go, whatever their sizes, to the same bits on any threads;
// those that are views of one memory one after the other.
TEST(Optimizer, UpdatesManyParametersTogether) {
  const auto train = [](int threads) {
    const int before = num_threads();
    set_num_threads(threads);
    manual_seed(7);
    std::vector<Tensor> params;
    for (const std::int64_t n : {1, 40000, 3, 0, 70001, 900, 32768}) params.push_back(randn({n}));
    const Tensor memory = randn({50000});
    params.push_back(slice(memory, 0, 0, 40000).detach());
    params.push_back(slice(memory, 0, 10000, 50000).detach());
    for (Tensor& p : params) p.set_requires_grad();
    optim::Adam adam(params, {.lr = 0.1});
    for (int step = 0; step < 3; ++step) {
      for (Tensor& p : params) p.set_grad(p.detach() * (step + 1) - 1);
      adam.step();
    }
    std::vector<std::vector<double>> values;
    for (const Tensor& p : params) values.push_back(p.to_vector());
    set_num_threads(before);
    return values;
  };
  const auto one = train(1);
  EXPECT_NE(one[0], std::vector<double>(1, 0));
  EXPECT_EQ(train(3), one);
}

// Where a gradient has become 0 its averages decay; they must not end among the denormal numbers.
TEST(Optimizer, AveragesOfVanishedGradientsStayNormal) {
  for (const std::int64_t n : {5, 100000}) {
    Tensor p = ones({n}, {kFloat32, kCpu, true});
    optim::Adam adam({p}, {.lr = 1e-3});
    p.set_grad(ones({n}));
    adam.step();
    p.set_grad(zeros({n}));
    for (int i = 0; i < 1000; ++i) adam.step();
    const State state = adam.state();
    const Tensor m = *state.find_tensor("params.0.exp_avg");
    const auto largest = max(m).item<float>();
    EXPECT_LT(largest, 1e-36F) << n << " elements";
    EXPECT_TRUE(largest == 0 || largest >= std::numeric_limits<float>::min()) << largest;
  }
  EXPECT_FALSE(flush_denormals()) << "the mode is put back";
}

TEST(Optimizer, FollowsAModelThatIsConverted) {
  nn::Linear layer(3, 2);
  optim::Adam adam(layer.parameters(), {.lr = 0.1});
  const auto step = [&](DType dtype) {
    adam.zero_grad();
    sum(layer(ones({4, 3}, dtype))).backward();
    adam.step();
  };
  step(kFloat32);
  const Tensor before = layer.weight().detach().clone();
  layer.to(kFloat64);
  step(kFloat64);
  EXPECT_EQ(layer.weight().dtype(), kFloat64);
  // A constant gradient moves every weight by lr at each step.
  EXPECT_TRUE(close(layer.weight() + 0.1, before.to_vector(), 1e-5, 1e-5));
}

}  // namespace
}  // namespace catena::test
