// Losses by name are the functions of that name.
#include "catena/train/losses.hpp"

#include <string>
#include <utility>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Losses, AnswerNamesOfOtherLibraries) {
  const std::pair<const char*, const char*> names[] = {
      {"mse", "'mse_loss'"},     {"MSE", "'mse_loss'"},
      {"bce", "'bce_loss'"},     {"binary_crossentropy", "'bce_loss'"},
      {"l1_loss", "'mae_loss'"}, {"CrossEntropy", "'cross_entropy'"}};
  for (const auto& [given, ours] : names) {
    const std::string expected = std::string("did you mean ") + ours;
    expect_error<ArgumentError>([&] { train::Loss{given}; },
                                {"[loss] unknown loss", expected.c_str()});
  }
}

TEST(Losses, ByNameAreTheFunctions) {
  const Tensor y = tensor({{0.2, 0.7}, {0.9, 0.4}, {0.3, 0.6}});
  const Tensor t = tensor({{0, 1}, {1, 1}, {0, 0.5}});
  const Tensor classes = tensor({1, 0, 1}, kInt64);
  const Tensor log_y = log_softmax(y, 1);
  const auto expect = [](const char* name, const Tensor& output, const Tensor& target,
                         const Tensor& mean, const Tensor& each) {
    const train::Loss loss(name);
    EXPECT_TRUE(same_bits(loss(output, target), mean)) << name;
    const Tensor samples = each.rank() == 1 ? each : each.mean({1});
    EXPECT_TRUE(close(loss.per_sample(output, target), samples.to_vector())) << name;
  };
  constexpr Reduction kNone = Reduction::kNone;
  expect("bce_loss", y, t, bce_loss(y, t), bce_loss(y, t, kNone));
  expect("bce_with_logits", y, t, bce_with_logits(y, t), bce_with_logits(y, t, kNone));
  expect("cross_entropy", y, classes, cross_entropy(y, classes), cross_entropy(y, classes, kNone));
  expect("hinge_loss", y, t, hinge_loss(y, t), hinge_loss(y, t, kNone));
  expect("huber_loss", y, t, huber_loss(y, t), huber_loss(y, t, kNone));
  expect("kl_div", log_y, t, kl_div(log_y, t), kl_div(log_y, t, kNone));
  expect("mae_loss", y, t, mae_loss(y, t), mae_loss(y, t, kNone));
  expect("mse_loss", y, t, mse_loss(y, t), mse_loss(y, t, kNone));
  expect("nll_loss", log_y, classes, nll_loss(log_y, classes), nll_loss(log_y, classes, kNone));
  expect("smooth_l1_loss", y, t, smooth_l1_loss(y, t), smooth_l1_loss(y, t, kNone));
}

}  // namespace
}  // namespace catena::test
