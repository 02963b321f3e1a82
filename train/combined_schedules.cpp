#include "catena/train/combined_schedules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catena/graph/error.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

namespace {

// What keeps the parts from working together, or nothing.
std::string problem(const Optimizer& optimizer, const std::vector<SchedulePart>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == nullptr) return fmt::format("part {} is a null pointer", i);
    if (parts[i]->wants_metric())
      return fmt::format("part {} is {}, which needs a metric; step it by itself", i,
                         parts[i]->name());
    if (&parts[i]->optimizer() != &optimizer)
      return fmt::format("part {} ({}) is of another optimizer; expected one for all parts", i,
                         parts[i]->name());
  }
  return {};
}

Optimizer& optimizer_of(const std::vector<SchedulePart>& parts, const std::source_location& loc) {
  if (parts.empty() || parts.front() == nullptr)
    throw_argument(ChainedScheduler::kName, "there are no parts; expected at least one schedule",
                   loc);
  return parts.front()->optimizer();
}

}  // namespace

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<SchedulePart> parts,
                           std::vector<std::int64_t> milestones, Location loc)
    : Schedule(optimizer), parts_(std::move(parts)), milestones_(std::move(milestones)) {
  check(loc);
  take_base_lrs();
  for (std::size_t g = 0; g < optimizer.num_groups(); ++g)
    optimizer.set_group_lr(g, optimizer.initial_lr(g));
  begin(loc);
}

void SequentialLR::check(const Location& loc) const {
  if (parts_.empty()) fail("there are no parts; expected at least one schedule", loc);
  if (const std::string what = problem(optimizer(), parts_); !what.empty()) fail(what, loc);
  if (milestones_.size() + 1 != parts_.size())
    fail(fmt::format("{} milestones for {} schedules; expected one between each two",
                     milestones_.size(), parts_.size()),
         loc);
  std::int64_t before = 0;
  for (const std::int64_t m : milestones_) {
    if (m <= before)
      fail(fmt::format("milestone {} after {}; expected rising numbers from 1 on", m, before), loc);
    before = m;
  }
}

void SequentialLR::check_all(const Location& loc) const {
  check(loc);
  for (const SchedulePart& part : parts_) part->check_all(loc);
}

void SequentialLR::begin(const Location& loc) {
  steps_ = 0;
  parts_.front()->begin(loc);
  note_rates();
}

void SequentialLR::advance(std::optional<double> metric, const Location& loc) {
  ++steps_;
  const auto next = std::ranges::upper_bound(milestones_, steps_);
  Schedule& part = *parts_[static_cast<std::size_t>(next - milestones_.begin())];
  if (next != milestones_.begin() && *(next - 1) == steps_)
    part.restart(loc);
  else
    part.advance(metric, loc);
  note_rates();
}

void SequentialLR::visit_options(detail::StateVisitor& visitor) {
  visitor.value("milestones", milestones_);
}

void SequentialLR::visit(detail::StateVisitor& visitor) {
  Schedule::visit(visitor);
  visit_parts(parts_, visitor);
}

ChainedScheduler::ChainedScheduler(std::vector<SchedulePart> parts, Location loc)
    : Schedule(optimizer_of(parts, loc)), parts_(std::move(parts)) {
  check(loc);
  take_base_lrs();
  note_rates();
}

void ChainedScheduler::check(const Location& loc) const {
  if (const std::string what = problem(optimizer(), parts_); !what.empty()) fail(what, loc);
}

void ChainedScheduler::check_all(const Location& loc) const {
  check(loc);
  for (const SchedulePart& part : parts_) part->check_all(loc);
}

void ChainedScheduler::begin(const Location& loc) {
  steps_ = 0;
  for (const SchedulePart& part : parts_) part->begin(loc);
  note_rates();
}

void ChainedScheduler::advance(std::optional<double> metric, const Location& loc) {
  ++steps_;
  for (const SchedulePart& part : parts_) part->advance(metric, loc);
  note_rates();
}

void ChainedScheduler::visit_options(detail::StateVisitor&) {}

void ChainedScheduler::visit(detail::StateVisitor& visitor) {
  Schedule::visit(visitor);
  visit_parts(parts_, visitor);
}

}  // namespace catena::optim
