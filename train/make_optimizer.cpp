#include "catena/train/make_optimizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catena/graph/error.hpp"
#include "catena/train/adadelta.hpp"
#include "catena/train/adagrad.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/adamax.hpp"
#include "catena/train/combined_schedules.hpp"
#include "catena/train/cosine_schedules.hpp"
#include "catena/train/cyclic_schedules.hpp"
#include "catena/train/decay_schedules.hpp"
#include "catena/train/lbfgs.hpp"
#include "catena/train/lion.hpp"
#include "catena/train/nadam.hpp"
#include "catena/train/names.hpp"
#include "catena/train/plateau_schedule.hpp"
#include "catena/train/rmsprop.hpp"
#include "catena/train/sgd.hpp"
#include "catena/train/spec.hpp"
#include "catena/train/warmup_schedules.hpp"

namespace catena::optim {

namespace {

using Location = std::source_location;
using train::detail::Spec;
using train::detail::TextReader;

// --- Optimizers ---
using OptimizerMaker = std::unique_ptr<Optimizer> (*)(const std::vector<Tensor>&, const Location&);
template <class T>
std::pair<std::string, OptimizerMaker> optimizer_row() {
  return {T::kName,
          [](const std::vector<Tensor>& params, const Location& loc) -> std::unique_ptr<Optimizer> {
            return std::make_unique<T>(params, typename T::Options{}, loc);
          }};
}
const auto& optimizer_rows() {
  static const std::vector<std::pair<std::string, OptimizerMaker>> rows = {
      optimizer_row<Adadelta>(), optimizer_row<Adagrad>(), optimizer_row<Adam>(),
      optimizer_row<Adamax>(),   optimizer_row<AdamW>(),   optimizer_row<LBFGS>(),
      optimizer_row<Lion>(),     optimizer_row<NAdam>(),   optimizer_row<RMSprop>(),
      optimizer_row<SGD>()};
  return rows;
}

// --- Schedules ---
using ScheduleMaker = SchedulePart (*)(const Spec&, Optimizer&, const Location&);
SchedulePart make_part(const Spec& spec, Optimizer& optimizer, const Location& loc);

std::vector<SchedulePart> make_parts(const Spec& spec, Optimizer& optimizer, const Location& loc) {
  std::vector<SchedulePart> parts;
  for (const Spec& part : spec.parts) parts.push_back(make_part(part, optimizer, loc));
  return parts;
}

template <class T>
std::pair<std::string, ScheduleMaker> schedule_row() {
  return {T::kName, [](const Spec& spec, Optimizer& optimizer, const Location& loc) {
            if (!spec.parts.empty())
              throw_argument(T::kName,
                             fmt::format("'{}' is not an option; expected option=value",
                                         spec.parts.front().name),
                             loc);
            typename T::Options options;
            TextReader reader(T::kName, spec.options, loc);
            options.visit(reader);
            reader.finish();
            return SchedulePart(std::make_shared<T>(optimizer, options, loc));
          }};
}
const auto& schedule_rows() {
  static const std::vector<std::pair<std::string, ScheduleMaker>> rows = {
      {ChainedScheduler::kName,
       [](const Spec& spec, Optimizer& optimizer, const Location& loc) {
         TextReader(ChainedScheduler::kName, spec.options, loc).finish();
         return SchedulePart(
             std::make_shared<ChainedScheduler>(make_parts(spec, optimizer, loc), loc));
       }},
      schedule_row<ConstantLR>(),
      schedule_row<CosineAnnealingLR>(),
      schedule_row<CosineAnnealingWarmRestarts>(),
      schedule_row<CyclicLR>(),
      schedule_row<ExponentialLR>(),
      schedule_row<LinearLR>(),
      schedule_row<MultiStepLR>(),
      schedule_row<OneCycleLR>(),
      schedule_row<PolynomialLR>(),
      schedule_row<ReduceLROnPlateau>(),
      {SequentialLR::kName,
       [](const Spec& spec, Optimizer& optimizer, const Location& loc) {
         std::vector<std::int64_t> milestones;
         TextReader reader(SequentialLR::kName, spec.options, loc);
         reader.value("milestones", milestones);
         reader.finish();
         return SchedulePart(std::make_shared<SequentialLR>(
             optimizer, make_parts(spec, optimizer, loc), milestones, loc));
       }},
      schedule_row<StepLR>()};
  return rows;
}

SchedulePart make_part(const Spec& spec, Optimizer& optimizer, const Location& loc) {
  for (const auto& [name, make] : schedule_rows())
    if (name == spec.name) return make(spec, optimizer, loc);
  if (spec.name == "lambda" || spec.name == "multiplicative")
    throw_argument("make_schedule",
                   fmt::format("'{}' takes a function and has no text; make a LambdaLR or "
                               "MultiplicativeLR in the program",
                               spec.name),
                   loc);
  train::throw_unknown_name("make_schedule", "schedule", spec.name, schedule_names(), loc);
}

template <class Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.first);
  return names;
}

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = names_of(optimizer_rows());
  return names;
}
const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = names_of(schedule_rows());
  return names;
}

void check_optimizer_name(std::string_view op, std::string_view text, std::source_location loc) {
  const std::string name = train::detail::parse_spec(op, text, loc).name;
  if (std::ranges::find(optimizer_names(), name) == optimizer_names().end())
    train::throw_unknown_name(op, "optimizer", name, optimizer_names(), loc);
}

std::unique_ptr<Optimizer> make_optimizer(std::string_view text, const std::vector<Tensor>& params,
                                          std::source_location loc) {
  check_optimizer_name("make_optimizer", text, loc);
  const Spec spec = train::detail::parse_spec("make_optimizer", text, loc);
  if (!spec.parts.empty())
    throw_argument(
        spec.name,
        fmt::format("'{}' is not an option; expected option=value", spec.parts.front().name), loc);
  for (const auto& [name, make] : optimizer_rows()) {
    if (name != spec.name) continue;
    std::unique_ptr<Optimizer> made = make(params, loc);
    // From here on the text between the parentheses.
    const std::size_t open = text.find('(');
    if (open != std::string_view::npos)
      made->set_options(text.substr(open + 1, text.rfind(')') - open - 1), loc);
    return made;
  }
  return nullptr;  // not reached: the name was checked
}

std::shared_ptr<Schedule> make_schedule(std::string_view text, Optimizer& optimizer,
                                        std::source_location loc) {
  return make_part(train::detail::parse_spec("make_schedule", text, loc), optimizer, loc);
}

}  // namespace catena::optim
