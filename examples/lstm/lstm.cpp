// An LSTM learns to write like "Alice's Adventures in Wonderland", character by character: trained
// to foretell the next one, measured in bits per character on the last tenth of the book, which it
// has not seen, against the frequencies of single characters and of pairs. Then it writes by
// itself, at several temperatures.
#include <cmath>
#include <iostream>
#include <numbers>

#include <catena/catena.hpp>

#include "../task.hpp"
#include "../text.hpp"

namespace {

using namespace catena;

struct Writer : nn::Module {
  nn::Embedding embedding;
  nn::LSTM lstm{64, 192, {.batch_first = true}};
  nn::Dropout drop{0.2};
  nn::Linear out;
  explicit Writer(std::int64_t characters) : embedding(characters, 64), out(192, characters) {
    add("embedding", embedding);
    add("lstm", lstm);
    add("drop", drop);
    add("out", out);
  }
  Tensor forward(Tensor x) override { return out(drop(lstm(embedding(x)))); }

  // `length` characters after those of `start`, each drawn and read again.
  Tensor write(const Tensor& start, std::int64_t length, const nn::SamplingOptions& sampling) {
    NoGrad off;
    nn::ModeGuard evaluation(*this, false);
    std::vector<Tensor> text;
    Tensor next = start;
    LstmState state;
    for (std::int64_t i = 0; i < length; ++i) {
      const LstmOutput output = lstm.forward(embedding(next.unsqueeze(0)), state);
      state = output.state;
      next = nn::sample_classes(out(output.y.slice({Slice(), -1})), sampling);
      text.push_back(next);
    }
    return concat(text);
  }
};

}  // namespace

task::Result task::lstm(const Options& options) {
  manual_seed(options.seed);
  const text::Book book = text::load(options.data_dir + "/lstm/alice.txt", 64);
  Writer model(book.characters.size());
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 8;
  const train::History history = train::fit(
      model, book.training,
      {.epochs = epochs,
       .batch_size = 16,
       .loss = text::loss,
       .optimizer = "adam(lr=0.004)",
       .validation_data = book.test,
       .seed = options.seed,
       .clip_norm = 1,
       .verbose = options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent,
       .callbacks = {train::StepSchedule("cosine(t_max=" + std::to_string(epochs) + ")")}});
  if (history.interrupted) return {.interrupted = true};

  Result result;
  result.score = history["val_loss"].back() / std::numbers::ln2;
  result.target = 2.3;
  result.at_most = true;
  result.values = {{"bits_per_character", result.score},
                   {"bits_by_single_frequencies", text::bits(book, 1)},
                   {"bits_by_pair_frequencies", text::bits(book, 2)}};
  if (options.verbose) {
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
    for (const double temperature : {0.3, 0.7, 1.0}) {
      const Tensor start = book.characters.encode("Alice ");
      std::cout << "\n--- temperature " << temperature << " ---\nAlice "
                << book.characters.decode(model.write(start, 400, {.temperature = temperature}))
                << '\n';
    }
  }
  if (!options.out_dir.empty())
    result.pictures = {train::plot_history(history, options.out_dir, {"loss", "val_loss"})};
  return result;
}
