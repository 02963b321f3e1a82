// Averages of parameters: the formulas, standing in for the parameters, state.
#include "catena/train/averaging.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/normalization.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/data.hpp"
#include "catena/train/state.hpp"
#include "support.hpp"
#include "train/averaging_reference.hpp"

namespace catena::test {
namespace {

Tensor parameter(DType dtype = kFloat64) {
  Tensor p = full({2}, 1.0, dtype);
  p.set_requires_grad();
  return p;
}
void set(Tensor p, double value) {
  NoGrad no_grad;
  p.fill_(value);
}

TEST(Averaging, FormulasOfBothKinds) {
  for (const DType dtype : {kFloat32, kFloat64}) {
    Tensor p = parameter(dtype);
    optim::AveragedParameters mean({p}), ema({p}, {.decay = 0.75});
    for (const double value : {1.0, 2.0, 6.0, 7.0}) {
      set(p, value);
      mean.update();
      ema.update();
    }
    EXPECT_TRUE(close(mean.averages()[0], {4, 4}));
    // ((1 * 0.75 + 2 * 0.25) 0.75 + 6 * 0.25) 0.75 + 7 * 0.25
    EXPECT_TRUE(close(ema.averages()[0], {3.578125, 3.578125}));
    EXPECT_EQ(mean.updates(), 4);
  }
}

TEST(Averaging, IsPyTorchs) {
  for (const AveragingCase& c : kAveragingCases) {
    Tensor p = zeros({5}, kFloat64);
    p.set_requires_grad();
    optim::AveragedParameters averages({p}, {.decay = c.decay});
    for (std::size_t t = 0; t < c.averages.size(); ++t) {
      std::vector<double> values;
      for (std::size_t i = 0; i < 5; ++i)
        values.push_back(std::cos(i + t) * static_cast<double>(t + 1));
      {
        NoGrad no_grad;
        p.copy_(tensor(values, {5}));
      }
      averages.update();
      EXPECT_TRUE(close(averages.averages()[0], c.averages[t], 1e-13, 1e-15)) << "update " << t;
    }
  }
}

struct BatchNormModel {
  nn::Linear linear{3, 2};
  nn::BatchNorm1d norm{2};
  nn::Sequential net{linear, norm};
  train::Dataset data;
  BatchNormModel() {
    net.to(kFloat64);
    std::vector<double> weights, x;
    for (int i = 0; i < 6; ++i) weights.push_back(std::cos(i));
    for (int i = 0; i < 30; ++i) x.push_back(std::sin(1 + i) * (1 + i % 3));
    NoGrad no_grad;
    linear.weight().copy_(tensor(weights, {2, 3}));
    linear.bias().zero_();
    data = {tensor(x, {10, 3}), zeros({10})};
  }
};

TEST(UpdateBatchNorm, IsPyTorchs) {
  BatchNormModel m;
  train::DataLoader loader(m.data, {.batch_size = 4});
  // What was there, however wrong, leaves no trace.
  m.norm.running_mean().fill_(NAN);
  for (int pass = 0; pass < 2; ++pass) {
    m.net.eval();
    optim::update_batch_norm(m.net, loader);
    EXPECT_TRUE(close(m.norm.running_mean(), kUpdatedMean, 1e-13, 1e-15));
    EXPECT_TRUE(close(m.norm.running_var(), kUpdatedVar, 1e-13, 1e-15));
    EXPECT_EQ(m.net.state().find_tensor("1.num_batches_tracked")->item(), 3);
    EXPECT_FALSE(m.norm.is_training()) << "the mode is put back";
  }
  EXPECT_EQ(loader.epoch(), 2);
}

TEST(UpdateBatchNorm, LeavesTheMomentumOfLaterCalls) {
  BatchNormModel m;
  train::DataLoader loader(m.data, {.batch_size = 4});
  optim::update_batch_norm(m.net, loader);
  const Tensor before = m.norm.running_mean().clone();
  m.net(zeros({4, 3}, kFloat64));
  EXPECT_TRUE(close(m.norm.running_mean(), (before * 0.9).to_vector(), 1e-13));
}

TEST(Averaging, StandInForTheParameters) {
  nn::Linear layer(2, 2);
  optim::AveragedParameters averages(layer.parameters());
  averages.update();
  const Tensor before = layer.weight().detach().clone();
  set(layer.weight(), 3);
  {
    optim::UseAverages use(averages);
    EXPECT_TRUE(same_bits(layer.weight().detach(), before));
    EXPECT_TRUE(averages.swapped());
    expect_error<ArgumentError>([&] { averages.update(); },
                                {"[averaged_parameters] update() while the averages stand in"});
  }
  EXPECT_TRUE(close(layer.weight(), {3, 3, 3, 3}));
  EXPECT_TRUE(same_bits(averages.averages()[0], before));
  EXPECT_TRUE(layer.weight().requires_grad());
}

TEST(Averaging, IsPartOfTheTrainingState) {
  for (const bool swapped : {false, true}) {
    Tensor p = parameter(), q = parameter();
    optim::AveragedParameters a({p}, {.decay = 0.9}), b({q});
    a.update();
    set(p, 5);
    a.update();
    if (swapped) a.swap();
    const State saved = train::training_state({.averages = &a}).clone();
    set(q, p.to_vector()[0]);
    train::load_training_state(saved, {.averages = &b});
    EXPECT_EQ(b.swapped(), swapped);
    if (swapped) a.swap(), b.swap();
    set(p, 2), set(q, 2);
    a.update(), b.update();
    EXPECT_TRUE(same_bits(a.averages()[0], b.averages()[0]));
    EXPECT_EQ(b.updates(), 3);
  }
}

TEST(Averaging, FollowsAModelThatIsConverted) {
  nn::Linear layer(2, 2);
  optim::AveragedParameters averages(layer.parameters());
  averages.update();
  layer.to(kFloat64);
  averages.update();
  EXPECT_EQ(averages.averages()[0].dtype(), kFloat64);
}

TEST(Averaging, RefusesWrongArguments) {
  const Tensor p = parameter();
  expect_error<ArgumentError>([&] { optim::AveragedParameters({}); }, {"parameters is empty"});
  expect_error<ArgumentError>([&] { optim::AveragedParameters({zeros({2}, kInt64)}); },
                              {"parameter 0 is int64; expected a floating dtype"});
  expect_error<ArgumentError>([&] { optim::AveragedParameters({p}, {.decay = 2}); },
                              {"decay is 2; expected a number in [0, 1]"});
  optim::AveragedParameters averages({p}), two({p, parameter()});
  expect_error<ArgumentError>([&] { averages.swap(); },
                              {"there are no averages yet; call update() first"});
  expect_error<ArgumentError>([&] { averages.load_state(two.state()); },
                              {"the state averages 2 parameters; here are 1"});
}

}  // namespace
}  // namespace catena::test
