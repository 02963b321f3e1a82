// The temperature of the eastern Pacific off Peru, month by month from 1950 to 2010: El Niño is
// when it stays warm. A recurrent network reads 24 months and foretells the next one; it must beat
// the last month (naive), the same month of the year before (seasonal), the month's mean over the
// years (climatology), and that mean plus what the last month was above its own. The last ten years
// are kept for the test.
#include <cmath>
#include <iostream>
#include <numbers>

#include <catena/catena.hpp>

#include "../task.hpp"

namespace {

using namespace catena;

constexpr std::int64_t kWindow = 24, kTest = 120, kFeatures = 3;

struct Forecaster : nn::Module {
  nn::GRU gru{kFeatures, 16, {.batch_first = true}};
  nn::Dropout drop{0.1};
  nn::Linear out{16, 1};
  Forecaster() {
    add("gru", gru);
    add("drop", drop);
    add("out", out);
  }
  // x [n, months, features] -> what the next month is above the last one, plus that one, [n, 1].
  Tensor forward(Tensor x) override {
    return x.slice({Slice(), -1, Slice(0, 1)}) + out(drop(gru(x).slice({Slice(), -1})));
  }
};

// The mean of each calendar month over the first `months`, for all months.
Tensor climatology(const Tensor& series, std::int64_t months) {
  const Tensor means = series.slice({Slice(0, months)}).reshape({-1, 12}).mean({0});
  return means.unsqueeze(0).expand({series.size(0) / 12, 12}).flatten();
}

}  // namespace

task::Result task::forecast(const Options& options) {
  manual_seed(options.seed);
  const train::CsvTable table = train::read_csv(options.data_dir + "/forecast/elnino.csv");
  const Tensor series = table.number("temperature");
  const std::int64_t n = series.size(0), known = n - kTest;
  const Tensor usual = climatology(series, known);

  // Features of a month: how far it is above the usual, and where in the year it lies.
  const Tensor angle = table.number("month") * (2 * std::numbers::pi / 12);
  const Tensor above = series - usual;
  const Tensor features = stack({above, sin(angle), cos(angle)}, 1);
  const Tensor x = train::windows(features.slice({Slice(0, n - 1)}), kWindow);
  const train::Dataset data{x, above.slice({Slice(kWindow, n)}).unsqueeze(1)};
  const train::Dataset training = data.slice(0, known - kWindow);
  const train::Dataset test = data.slice(known - kWindow, n - kWindow);

  Forecaster model;
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 30;
  const train::History history = train::fit(
      model, training,
      {.epochs = epochs,
       .batch_size = 32,
       .loss = "mse_loss",
       .optimizer = "adamw(lr=0.005, weight_decay=0.1)",
       .validation_data = test,
       .seed = options.seed,
       .clip_norm = 1,
       .verbose = options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent,
       .log_every = 10,
       .callbacks = {train::StepSchedule("cosine(t_max=" + std::to_string(epochs) + ")")}});
  if (history.interrupted) return {.interrupted = true};

  // The last ten years, and each way to foretell them.
  const auto last = [&](const Tensor& t, std::int64_t months_before = 0) {
    return t.slice({Slice(known - months_before, n - months_before)});
  };
  const Tensor truth = last(series);
  const Tensor found = train::predict(model, test.x).flatten() + last(usual);
  const auto error = [&](const Tensor& forecast) {
    return train::root_mean_squared_error(forecast, truth);
  };
  Result result;
  result.values = {{"network", error(found)},
                   {"naive", error(last(series, 1))},
                   {"seasonal", error(last(series, 12))},
                   {"climatology", error(last(usual))},
                   {"climatology_and_last_month", error(last(usual) + last(above, 1))}};
  result.score = result.values[0].second;
  for (std::size_t i = 1; i < result.values.size(); ++i)
    if (result.values[i].second < result.score) result.score = INFINITY;
  result.target = 0.475;
  result.at_most = true;
  if (options.verbose) {
    std::cout << "root mean squared error in degrees\n";
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  }
  if (!options.out_dir.empty()) {
    const std::vector<double> years = linspace(2001, 2011 - 1.0 / 12, kTest).to_vector();
    result.pictures = {
        train::plot_history(history, options.out_dir, {"loss", "val_loss"}),
        train::plot({{"measured", years, truth.to_vector(), train::Series::Style::kPoints},
                     {"network", years, found.to_vector()},
                     {"climatology", years, last(usual).to_vector()}},
                    options.out_dir, "forecast",
                    {.x_label = "year", .y_label = "sea surface temperature, degrees Celsius"})};
  }
  return result;
}
