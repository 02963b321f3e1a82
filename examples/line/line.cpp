// A line through 200 noisy points of y = 5 x + 3, by gradient descent, against the closed form of
// least squares (the normal equations).
#include <iostream>

#include <catena/catena.hpp>

#include "../task.hpp"

using namespace catena;

task::Result task::line(const Options& options) {
  manual_seed(options.seed);
  constexpr int kPoints = 200;
  const Tensor x = random_uniform({kPoints}, -1, 1, kFloat64);
  const Tensor y = x * 5 + 3 + random_normal({kPoints}, 0, 0.5, kFloat64);

  Tensor slope = zeros({}, {kFloat64, kCpu, true}), offset = zeros({}, {kFloat64, kCpu, true});
  optim::SGD sgd({slope, offset}, {.lr = 0.2});
  std::vector<double> steps, losses;
  for (int step = 0; step < 300; ++step) {
    sgd.zero_grad();
    Tensor loss = mse_loss(slope * x + offset, y);
    loss.backward();
    sgd.step();
    steps.push_back(step + 1);
    losses.push_back(loss.item());
  }

  // slope = cov(x, y) / var(x), offset = mean(y) - slope mean(x)
  NoGrad off;
  const Tensor dx = x - x.mean();
  const double best_slope = ((dx * (y - y.mean())).sum() / (dx * dx).sum()).item();
  const double best_offset = y.mean().item() - best_slope * x.mean().item();

  Result result;
  result.values = {{"slope", slope.item()},
                   {"offset", offset.item()},
                   {"closed_form_slope", best_slope},
                   {"closed_form_offset", best_offset},
                   {"loss", losses.back()}};
  result.score =
      std::max(std::abs(slope.item() - best_slope), std::abs(offset.item() - best_offset));
  result.target = 1e-9;
  result.at_most = true;
  if (options.verbose)
    std::cout << "found       y = " << slope.item() << " x + " << offset.item() << '\n'
              << "closed form y = " << best_slope << " x + " << best_offset << '\n'
              << "true        y = 5 x + 3\n";
  if (!options.out_dir.empty()) {
    const auto at = [&](double v) { return slope.item() * v + offset.item(); };
    result.pictures = {
        train::plot({{"points", x.to_vector(), y.to_vector(), train::Series::Style::kPoints},
                     {"found", {-1, 1}, {at(-1), at(1)}}},
                    options.out_dir, "line", {.x_label = "x", .y_label = "y"}),
        train::plot({{"loss", steps, losses}}, options.out_dir, "line_loss",
                    {.x_label = "step", .y_label = "mean squared error", .log_y = true})};
  }
  return result;
}
