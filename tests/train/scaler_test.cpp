// Scalers against the values of scikit-learn 1.9 (StandardScaler, MinMaxScaler(feature_range=(-1,
// 2))).
#include <gtest/gtest.h>

#include <cmath>

#include "catena/ops/all.hpp"
#include "catena/train/scaler.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::MinMaxScaler;
using train::StandardScaler;

// Two constant features, one that has a rounding error, and a missing value.
Tensor table(DType dtype) {
  return tensor({{1.5, -2, 7, 0.1, NAN},
                 {2.25, 3, 7, 0.1, 4},
                 {-0.7, 11, 7, 0.1, 5.5},
                 {100.125, 0.3, 7, 0.1, -6}},
                dtype);
}

TEST(StandardScaler, HasTheValuesOfScikitLearn) {
  StandardScaler scaler;
  scaler.fit(table(kFloat64));
  EXPECT_TRUE(same_bits(scaler.mean(), tensor({0x1.9cb3333333333p+4, 0x1.899999999999ap+1, 7, 0.1,
                                               0x1.2aaaaaaaaaaabp+0},
                                              kFloat64)));
  EXPECT_TRUE(same_bits(
      scaler.var(),
      tensor({0x1.ccb8c47ae147ap+10, 0x1.8111eb851eb85p+4, 0, 0, 0x1.a0e38e38e38e3p+4}, kFloat64)));
  EXPECT_TRUE(same_bits(
      scaler.scale(),
      tensor({0x1.576e4df9f217ap+5, 0x1.39f8a1250318dp+2, 1, 1, 0x1.46af8aef5e953p+2}, kFloat64)));
  EXPECT_TRUE(
      same_bits(scaler.transform(table(kFloat64)),
                tensor({{-0.5659071820040827, -1.0344897583692543, 0, 0, NAN},
                        {-0.548436417445171, -0.015288025985752563, 0, 0, 0.5550696761810883},
                        {-0.6171547580435572, 1.6154347458278504, 0, 0, 0.848930092982841},
                        {1.731498357492811, -0.5656569614728436, 0, 0, -1.4039997691639294}},
                       kFloat64)));
  const Tensor back = scaler.inverse(scaler.transform(table(kFloat64)));
  const Tensor kept = table(kFloat64);
  EXPECT_TRUE(close(slice(back, 1, 0, 4), slice(kept, 1, 0, 4).to_vector(), 1e-14));
}

TEST(StandardScaler, OfFloat32) {
  StandardScaler scaler;
  scaler.fit(table(kFloat32));
  EXPECT_TRUE(same_bits(
      scaler.scale(),
      tensor({0x1.576e4df9b2e55p+5, 0x1.39f8a12333b60p+2, 1, 1, 0x1.46af8aef5e953p+2}, kFloat64)));
  const Tensor y = scaler.transform(table(kFloat32));
  EXPECT_EQ(y.dtype(), kFloat32);
  EXPECT_TRUE(
      same_bits(y, tensor({{-0.5659071803092957, -1.034489631652832, 0, 0, NAN},
                           {-0.5484364628791809, -0.01528803538531065, 0, 0, 0.5550697445869446},
                           {-0.6171547770500183, 1.6154347658157349, 0, 0, 0.8489301800727844},
                           {1.7314984798431396, -0.5656569600105286, 0, 0, -1.4039998054504395}})));
}

TEST(StandardScaler, TakesIntegersVectorsAndImages) {
  StandardScaler scaler;
  EXPECT_TRUE(same_bits(scaler.fit(tensor({1, 3}, kInt64)).transform(tensor({1, 5}, kInt64)),
                        tensor({-1, 3}, kFloat64)));
  scaler.fit(tensor({{{0, 1}, {2, 3}}, {{4, 1}, {2, 5}}}));
  EXPECT_EQ(scaler.mean().shape(), (Shape{2, 2}));
  EXPECT_TRUE(close(scaler.transform(tensor({{2, 2}, {2, 2}})), {0, 1, 0, -2}));
}

TEST(StandardScaler, PassesGradients) {
  StandardScaler scaler;
  scaler.fit(tensor({{0, 0}, {2, 8}}));
  const Tensor x = ones({3, 2}).set_requires_grad();
  scaler.transform(x).sum().backward();
  EXPECT_TRUE(close(x.grad(), {1, 0.25, 1, 0.25, 1, 0.25}));
}

TEST(MinMaxScaler, HasTheValuesOfScikitLearn) {
  MinMaxScaler scaler({.low = -1, .high = 2});
  scaler.fit(table(kFloat64));
  EXPECT_TRUE(same_bits(
      scaler.scale(),
      tensor({0.029754525167369202, 0.23076923076923078, 3, 3, 0.2608695652173913}, kFloat64)));
  EXPECT_TRUE(same_bits(
      scaler.offset(),
      tensor({-0.9791718323828416, -0.5384615384615384, -22, -1.3, 0.5652173913043477}, kFloat64)));
  EXPECT_TRUE(
      same_bits(scaler.transform(table(kFloat64)),
                tensor({{-0.9345400446317877, -1, -1, -1, NAN},
                        {-0.9122241507562608, 0.15384615384615385, -1, -1, 1.6086956521739129},
                        {-1, 2.0000000000000004, -1, -1, 1.9999999999999998},
                        {1.9999999999999998, -0.46923076923076923, -1, -1, -1}},
                       kFloat64)));
  scaler.fit(table(kFloat32));
  EXPECT_TRUE(same_bits(scaler.scale(), tensor({0.029754526913166046, 0.23076923191547394, 3, 3,
                                                0.260869562625885})));
  const Tensor y = scaler.transform(table(kFloat32));
  EXPECT_TRUE(same_bits(
      y,
      tensor({{-0.9345400333404541, -1, -1, -0.9999999403953552, NAN},
              {-0.9122241139411926, 0.1538461446762085, -1, -0.9999999403953552, 1.60869562625885},
              {-1, 1.9999998807907104, -1, -0.9999999403953552, 2},
              {2.000000238418579, -0.4692308008670807, -1, -0.9999999403953552, -1}})));
  EXPECT_TRUE(close(slice(scaler.inverse(y), 1, 0, 4), slice(table(kFloat32), 1, 0, 4).to_vector(),
                    1e-5, 2e-6));
}

TEST(MinMaxScaler, Clips) {
  MinMaxScaler scaler({.clip = true});
  scaler.fit(tensor({0, 10}));
  EXPECT_TRUE(close(scaler.transform(tensor({-5, 5, 20})), {0, 0.5, 1}));
  EXPECT_TRUE(std::isnan(scaler.transform(tensor({NAN})).item()));
}

TEST(Scaler, StateGoesWithTheModel) {
  StandardScaler a, b;
  a.fit(table(kFloat32));
  State saved;
  saved.add_part("scaler", a.state());
  b.load_state(saved.part("scaler").clone());
  EXPECT_TRUE(same_bits(a.transform(table(kFloat32)), b.transform(table(kFloat32))));
  MinMaxScaler c({.low = -3, .clip = true}), d;
  c.fit(table(kFloat32));
  d.load_state(c.state());
  EXPECT_TRUE(same_bits(c.transform(table(kFloat32) * 2), d.transform(table(kFloat32) * 2)));
  expect_error<ArgumentError>([&] { a.load_state(c.state()); },
                              {"[standard_scaler] the state has no tensor 'mean'"});
}

TEST(Scaler, RefusesWhatDoesNotFit) {
  StandardScaler scaler;
  expect_error<ArgumentError>(
      [&] {
        scaler.transform(zeros({2, 3}));
      },
      {"no statistics yet; call fit", "scaler_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        scaler.fit(zeros({0, 3}));
      },
      {"x is [0, 3]", "at least one sample"});
  expect_error<ArgumentError>(
      [&] {
        scaler.fit(tensor({{1, 2}, {3, -INFINITY}}));
      },
      {"sample 1, feature 1 is -inf"});
  scaler.fit(zeros({2, 3}));
  expect_error<ArgumentError>(
      [&] {
        scaler.transform(zeros({2, 4}));
      },
      {"x is [2, 4]; expected [...] followed by [3]"});
  expect_error<ArgumentError>([] { MinMaxScaler({.low = 1, .high = 1}); },
                              {"low is 1, high is 1; expected low < high"});
}

}  // namespace
}  // namespace catena::test
