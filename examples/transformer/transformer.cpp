// A small GPT learns to write like "Alice's Adventures in Wonderland", character by character
// (Radford et al., 2018): measured in bits per character on the last tenth of the book, which it
// has not seen, against the frequencies of pairs. It writes with a cache of keys and values, so
// that each character costs one position; the same text without the cache must come out.
#include <chrono>
#include <iostream>
#include <numbers>

#include <catena/catena.hpp>

#include "../task.hpp"
#include "../text.hpp"

namespace {

using namespace catena;

constexpr std::int64_t kWindow = 64, kFeatures = 96, kLayers = 2, kBatch = 16;

struct Gpt : nn::Module {
  nn::Embedding tokens, positions{kWindow, kFeatures};
  nn::Dropout drop{0.05};
  nn::ModuleList blocks;
  nn::LayerNorm norm{{kFeatures}};
  nn::Linear out;
  explicit Gpt(std::int64_t characters)
      : tokens(characters, kFeatures), out(kFeatures, characters) {
    add("tokens", tokens);
    add("positions", positions);
    add("drop", drop);
    for (int i = 0; i < kLayers; ++i)
      blocks.push_back(nn::TransformerEncoderLayer(kFeatures, 4,
                                                   {.dim_feedforward = 4 * kFeatures,
                                                    .dropout = 0.05,
                                                    .activation = "gelu",
                                                    .batch_first = true,
                                                    .norm_first = true}));
    add("blocks", blocks);
    add("norm", norm);
    add("out", out);
    nn::init::normal_(tokens.weight(), 0, 0.02);
    nn::init::normal_(positions.weight(), 0, 0.02);
  }

  // block(x) of each block, at positions from `first` on.
  template <class Run>
  Tensor compute(const Tensor& x, std::int64_t first, const Run& run) {
    Tensor y = drop(tokens(x) + positions(arange(first, first + x.size(1))));
    for (int i = 0; i < kLayers; ++i) y = run(blocks.at<nn::TransformerEncoderLayer>(i), y, i);
    return out(norm(y));
  }
  Tensor forward(Tensor x) override {
    return compute(x, 0, [](auto& block, const Tensor& y, int) {
      return block.forward(y, {.is_causal = true});
    });
  }
  // The same for positions that follow those of the caches, one per block.
  Tensor forward(const Tensor& x, std::vector<nn::KeyValueCache>& caches) {
    return compute(x, caches[0].length(), [&](auto& block, const Tensor& y, int i) {
      return block.forward(y, caches[static_cast<std::size_t>(i)]);
    });
  }

  // The start [n], and characters drawn after it until the window is full.
  Tensor write(const Tensor& start, const nn::SamplingOptions& sampling, bool cached) {
    NoGrad off;
    nn::ModeGuard evaluation(*this, false);
    std::vector<nn::KeyValueCache> caches(kLayers);
    Tensor text = start, next = start;
    while (text.size(0) < kWindow) {
      const Tensor scores =
          cached ? forward(next.unsqueeze(0), caches) : forward(text.unsqueeze(0));
      next = nn::sample_classes(scores.slice({Slice(), -1}), sampling);
      text = concat({text, next});
    }
    return text;
  }
};

}  // namespace

task::Result task::transformer(const Options& options) {
  manual_seed(options.seed);
  const text::Book book = text::load(options.data_dir + "/lstm/alice.txt", kWindow);
  Gpt model(book.characters.size());
  const std::int64_t epochs = options.epochs > 0 ? options.epochs : 12;
  optim::AdamW adamw(model.parameters(), {.weight_decay = 0.1});
  const std::int64_t steps = epochs * ((book.training.size() + kBatch - 1) / kBatch);
  optim::OneCycleLR schedule(adamw,
                             {.max_lr = 6e-3, .total_steps = steps, .cycle_momentum = false});
  const train::History history =
      train::fit(model, book.training,
                 {.epochs = epochs,
                  .batch_size = kBatch,
                  .loss = text::loss,
                  .optimizer = adamw,
                  .validation_data = book.test,
                  .seed = options.seed,
                  .clip_norm = 1,
                  .verbose = options.verbose ? train::Verbose::kAuto : train::Verbose::kSilent,
                  .callbacks = {train::StepSchedule(schedule, {.per = "batch"})}});
  if (history.interrupted) return {.interrupted = true};

  // Ten windows, with the cache and without, from the same random numbers.
  const Tensor start = book.characters.encode("Alice ");
  const nn::SamplingOptions sampling{.temperature = 0.7, .top_k = 20};
  std::vector<std::string> texts[2];
  double seconds[2];
  for (const bool cached : {false, true}) {
    manual_seed(options.seed);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i)
      texts[cached].push_back(book.characters.decode(model.write(start, sampling, cached)));
    seconds[cached] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  Result result;
  result.score = history["val_loss"].back() / std::numbers::ln2;
  result.target = 2.4;
  result.at_most = true;
  result.values = {{"bits_per_character", result.score},
                   {"bits_by_pair_frequencies", text::bits(book, 2)},
                   {"texts_equal_without_cache", texts[0] == texts[1]},
                   {"times_as_fast_with_cache", seconds[0] / seconds[1]}};
  if (options.verbose) {
    for (const auto& [name, value] : result.values) std::cout << name << ": " << value << '\n';
    for (const std::string& text : texts[1]) std::cout << "--- " << text << '\n';
  }
  if (!options.out_dir.empty())
    result.pictures = {train::plot_history(history, options.out_dir, {"loss", "val_loss"})};
  return result;
}
