// A recursive network over trees of differing shape: the carbon skeletons of the alkanes up to
// decane, whose boiling points it learns (as Bianucci, Micheli, Sperduti and Starita, 2000). An
// atom is computed from the sum of what hangs on it, the boiling point from the first atom.
// Three quarters of the molecules train; on the rest it must be nearer than the mean of the
// training molecules with as many atoms, which the shape of the tree adds to.
#include <iostream>
#include <map>

#include <catena/catena.hpp>

#include "../task.hpp"

namespace {

using namespace catena;

struct Atom {
  std::vector<Atom> neighbours;  // but the one it hangs on
};

// The atoms of a structure like CC(C)CC, a chain with branches in parentheses, from `at` on.
Atom parse(const std::string& structure, std::size_t& at) {
  Atom atom;
  ++at;  // the C
  while (at < structure.size() && structure[at] == '(') {
    atom.neighbours.push_back(parse(structure, ++at));
    ++at;  // the )
  }
  if (at < structure.size() && structure[at] == 'C')
    atom.neighbours.push_back(parse(structure, at));
  return atom;
}

struct Network : nn::Module {
  static constexpr std::int64_t kFeatures = 16;
  const std::vector<Atom>& molecules;
  nn::Linear join{kFeatures, kFeatures}, out{kFeatures, 1};
  explicit Network(const std::vector<Atom>& all) : molecules(all) {
    add("join", join);
    add("out", out);
  }

  Tensor features(const Atom& atom) {
    Tensor hanging = zeros({1, kFeatures});
    for (const Atom& neighbour : atom.neighbours) hanging = hanging + features(neighbour);
    return tanh(join(hanging));
  }
  // x holds numbers of molecules, [n].
  Tensor forward(Tensor x) override {
    std::vector<Tensor> roots;
    for (const std::int64_t i : x.to_vector<std::int64_t>())
      roots.push_back(features(molecules[static_cast<std::size_t>(i)]));
    return out(concat(roots));
  }
};

// The mean of the training molecules of each size, for the others.
Tensor mean_by_size(const train::Dataset& training, const train::Dataset& test,
                    const std::vector<std::int64_t>& size) {
  std::map<std::int64_t, std::pair<double, double>> sums;  // of the boiling points, their number
  const std::vector<double> x = training.x.to_vector(), y = training.y.to_vector();
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto& [sum, number] = sums[size[static_cast<std::size_t>(x[i])]];
    sum += y[i];
    number += 1;
  }
  std::vector<float> means;
  for (const std::int64_t i : test.x.to_vector<std::int64_t>()) {
    const auto [sum, number] = sums[size[static_cast<std::size_t>(i)]];
    means.push_back(static_cast<float>(sum / number));
  }
  return tensor(means, test.y.shape());
}

}  // namespace

task::Result task::tree(const Options& options) {
  manual_seed(options.seed);
  const train::CsvTable table = train::read_csv(options.data_dir + "/tree/alkanes.csv");
  std::vector<Atom> molecules;
  for (const std::string& structure : table.text("structure")) {
    std::size_t at = 0;
    molecules.push_back(parse(structure, at));
  }
  const train::Dataset data{arange(table.rows()), table.number("boiling_point").unsqueeze(1)};
  // The smallest, of which there are few of a size, always train.
  constexpr std::int64_t kSmall = 8;
  train::Split parts =
      train::split_indices(table.rows() - kSmall, {.test = 0.25, .seed = options.seed});
  for (auto* part : {&parts.training, &parts.test})
    for (std::int64_t& i : *part) i += kSmall;
  for (std::int64_t i = 0; i < kSmall; ++i) parts.training.push_back(i);
  const train::Dataset training = data.subset(parts.training), test = data.subset(parts.test);
  train::StandardScaler scaler;
  scaler.fit(training.y);

  Network model(molecules);
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 1000;
  const train::History history = train::fit(
      model, {training.x, scaler.transform(training.y)},
      {.epochs = epochs,
       .batch_size = 16,
       .loss = "huber_loss",
       .optimizer = "adam(lr=0.01)",
       .seed = options.seed,
       .clip_norm = 1,
       .verbose = options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent,
       .log_every = 100,
       .callbacks = {train::StepSchedule("cosine(t_max=" + std::to_string(epochs) + ")")}});
  if (history.interrupted) return {.interrupted = true};

  const Tensor found = scaler.inverse(train::predict(model, test.x));
  const Tensor by_size =
      mean_by_size(training, test, table.number("carbons", kInt64).to_vector<std::int64_t>());
  Result result;
  result.score = train::mean_absolute_error(found, test.y);
  result.target = 2.5;
  result.at_most = true;
  result.values = {{"test_error_in_kelvin", result.score},
                   {"error_of_the_mean_by_size", train::mean_absolute_error(by_size, test.y)},
                   {"test_r2", train::r2(found, test.y)}};
  if (options.verbose)
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
  if (!options.out_dir.empty())
    result.pictures = {
        train::plot_history(history, options.out_dir),
        train::plot(
            {{"held out", test.y.to_vector(), found.to_vector(), train::Series::Style::kPoints},
             {"equal", {100, 450}, {100, 450}}},
            options.out_dir, "boiling_points", {.x_label = "measured, K", .y_label = "found, K"})};
  return result;
}
