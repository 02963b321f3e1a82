// What a profiler sees of a training.
#include "catena/graph/profiler.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/lbfgs.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

std::int64_t calls(const Profiler& profiler, std::string_view name) {
  for (const ProfileRow& row : profiler.rows())
    if (row.name == name) return row.calls;
  return 0;
}

TEST(ProfileTraining, NamesItsParts) {
  manual_seed(1);
  nn::Linear net(3, 1);
  const train::Dataset data(randn({20, 3}), randn({20, 1}));
  optim::Adam adam(net.parameters());
  Profiler profiler;
  const unsigned line = __LINE__ + 1;
  train::fit(net, data,
             {.epochs = 2,
              .batch_size = 5,
              .loss = "mse_loss",
              .optimizer = adam,
              .validation_data = data,
              .verbose = train::Verbose::kSilent});
  profiler.stop();
  EXPECT_EQ(calls(profiler, "train batch"), 8);
  EXPECT_EQ(calls(profiler, "adam step"), 8);
  EXPECT_EQ(calls(profiler, "backward"), 8);
  EXPECT_EQ(calls(profiler, "evaluate"), 2);
  // One of each epoch, of training and of validation, finds that there are no more.
  EXPECT_EQ(calls(profiler, "data"), 2 * (4 + 1) + 2 * (4 + 1));
  for (const ProfileEvent& event : profiler.events())
    if (event.name == "train batch") {
      EXPECT_EQ(event.lines[0].line(), line);
    }
}

TEST(ProfileTraining, NamesAStepOfLbfgs) {
  nn::Linear net(3, 1);
  const Tensor x = randn({8, 3});
  optim::LBFGS lbfgs(net.parameters());
  Profiler profiler;
  lbfgs.step([&] {
    lbfgs.zero_grad();
    Tensor loss = net(x).mean();
    loss.backward();
    return loss;
  });
  profiler.stop();
  EXPECT_EQ(calls(profiler, "lbfgs step"), 1);
}

}  // namespace
}  // namespace catena::test
