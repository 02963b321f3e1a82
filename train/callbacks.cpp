#include "catena/train/callbacks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "catena/graph/error.hpp"
#include "catena/train/progress.hpp"

namespace catena::train {

// --- Early stopping ---

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, options_.mode, options_.min_delta) {}

void EarlyStopping::prepare(FitContext& fit) {
  monitor_.prepare(*this, fit);
  wait_ = best_epoch_ = 0;
  stopped_ = interrupted_ = false;
  best_weights_ = {};
}

void EarlyStopping::on_train_begin(FitContext& fit) {
  // Saved by a training that ended here: it has ended.
  stopped_ = wait_ > 0 && wait_ >= options_.patience && fit.epoch > 1;
  fit.stop |= stopped_;
}

void EarlyStopping::on_epoch_end(FitContext& fit) {
  if (fit.epoch <= options_.start_from_epoch) return;
  ++wait_;
  const double value = fit.logs.at(monitor_.name(), fit.loc);
  const bool better = monitor_.update(fit);
  // The weights of the first epoch are the best until there are better ones.
  if (better || best_epoch_ == 0) {
    best_epoch_ = fit.epoch;
    if (options_.restore_best_weights) best_weights_ = fit.model.state().clone();
  }
  if (better) {
    if (!options_.baseline || monitor_.improves(value, *options_.baseline)) wait_ = 0;
    return;
  }
  stopped_ = wait_ >= options_.patience && fit.epoch > 1;
  fit.stop |= stopped_;
}

std::string EarlyStopping::on_interrupt(FitContext&) {
  interrupted_ = true;
  return "";
}

void EarlyStopping::on_train_end(FitContext& fit) {
  if (!interrupted_ && options_.restore_best_weights && best_epoch_ > 0)
    fit.model.load_state(best_weights_, true, fit.loc);
}

State EarlyStopping::state() const {
  State out = monitor_.state();
  out.add_value("wait", wait_);
  out.add_value("best_epoch", best_epoch_);
  if (options_.restore_best_weights && best_epoch_ > 0) out.add_part("weights", best_weights_);
  return out;
}

void EarlyStopping::load_state(const State& state) {
  monitor_.load_state(state);
  wait_ = state.get<std::int64_t>("wait");
  best_epoch_ = state.get<std::int64_t>("best_epoch");
  best_weights_ = state.part("weights").clone();
}

// --- Checkpoint ---

namespace {
constexpr std::string_view kEpoch = "{epoch}";
}  // namespace

Checkpoint::Checkpoint(CheckpointOptions options, std::source_location loc)
    : options_(std::move(options)), monitor_(options_.monitor, options_.mode, 0) {
  if (options_.path.empty()) throw_argument(name(), "there is no path; expected a file name", loc);
  if (!options_.save)
    throw_argument(name(),
                   "there is nothing to write the file with; expected .save = save_checkpoint "
                   "(catena/serialization/save_load.hpp) or a function of your own",
                   loc);
  if (options_.every < 0)
    throw_argument(name(), fmt::format("every is {}; expected epochs >= 0", options_.every), loc);
  if (options_.keep < 0)
    throw_argument(name(), fmt::format("keep is {}; expected files >= 0", options_.keep), loc);
  if (options_.keep > 0 && options_.path.find(kEpoch) == std::string::npos)
    throw_argument(name(),
                   fmt::format("keep is {}, but path is '{}'; expected \"{}\" in it, so that files "
                               "have names of their own",
                               options_.keep, options_.path, kEpoch),
                   loc);
}

void Checkpoint::prepare(FitContext& fit) {
  finish_writing();
  saved_.clear();
  if (options_.best_only) monitor_.prepare(*this, fit);
}

void Checkpoint::on_epoch_end(FitContext& fit) {
  if (!std::isfinite(fit.logs.at("loss", fit.loc))) return;
  const bool due = options_.best_only ? monitor_.update(fit)
                                      : options_.every > 0 && (fit.epoch % options_.every == 0 ||
                                                               fit.epoch == fit.epochs || fit.stop);
  if (due) save(fit);
}

std::string Checkpoint::on_interrupt(FitContext& fit) {
  const bool is_lost = fit.logs.has("loss") && !std::isfinite(fit.logs["loss"]);
  if (!options_.best_only && !is_lost) save(fit);
  finish_writing();
  if (saved_.empty()) return "";
  if (!options_.resume_hint.empty()) return options_.resume_hint;
  return fmt::format("load_checkpoint(\"{}\") as FitOptions::resume", saved_.back());
}

void Checkpoint::on_train_end(FitContext&) { finish_writing(); }

void Checkpoint::save(const FitContext& fit) {
  finish_writing();
  std::string path = options_.path;
  // In the middle of an epoch the file of the one before stays.
  if (const auto at = path.find(kEpoch); at != std::string::npos)
    path.replace(at, kEpoch.size(),
                 fmt::format("{}{}", fit.epoch, fit.step > 0 ? "_interrupted" : ""));
  std::erase(saved_, path);
  saved_.push_back(path);
  if (options_.async) {
    writing_ = std::async(std::launch::async, [save = options_.save, path,
                                               state = fit.state().clone()] { save(path, state); });
    return;
  }
  write_or_forget([&] { options_.save(path, fit.state()); });
}

// When a file is written, the oldest ones beyond those that stay go.
void Checkpoint::finish_writing() {
  if (writing_.valid()) write_or_forget([&] { writing_.get(); });
}

template <class Write>
void Checkpoint::write_or_forget(const Write& write) {
  try {
    write();
  } catch (...) {
    saved_.pop_back();
    throw;
  }
  while (options_.keep > 0 && saved_.size() > static_cast<std::size_t>(options_.keep)) {
    std::error_code failed;  // a file that is gone already is as well
    std::filesystem::remove(saved_.front(), failed);
    saved_.pop_front();
  }
}

State Checkpoint::state() const { return options_.best_only ? monitor_.state() : State(); }
void Checkpoint::load_state(const State& state) {
  if (options_.best_only && state.find_value("best") != nullptr) monitor_.load_state(state);
}

// --- CSV log, NaN ---

void CsvLog::on_epoch_end(FitContext& fit) {
  if (!begun_) {
    fit.history.write_csv(path_);
    begun_ = true;
    return;
  }
  std::ofstream out(path_, std::ios::app);
  fit.history.write_csv_row(out, fit.history.epochs() - 1);
  out.close();
  if (!out)
    throw SystemError(fmt::format("[csv_log] cannot write '{}': {}", path_, std::strerror(errno)));
}

void TerminateOnNan::on_batch_end(FitContext& fit) {
  if (std::isfinite(fit.logs.at("loss", fit.loc))) return;
  fit.stop = true;
  if (fit.out != nullptr)
    *fit.out << fmt::format(
        "{}The loss is {} in epoch {} after batch {}: the training ends here.\n",
        is_terminal(*fit.out) ? "\n" : "", fit.logs["loss"], fit.epoch + 1, fit.step);
}

}  // namespace catena::train
