// Nodes with bodies: branches and loops.
#include <limits>

#include <fmt/format.h>

#include "catena/ops/concat.hpp"
#include "catena/ops/flip.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/serialization/onnx/import/runner.hpp"

namespace catena::onnx {
namespace {

bool truth(const Tensor& condition, Call& c) {
  if (condition.numel() != 1) c.fail("a condition must be one value");
  return condition.item<bool>();
}

Values branch(Call& c) {
  const Block& body = c.body(truth(c.in(0), c) ? "then_branch" : "else_branch");
  c.runner().run(body);
  Values outputs;
  for (std::size_t k = 0; k < body.outputs.size(); ++k) {
    outputs.push_back(c.runner().get(body.outputs[k]));
    if (k < c.node().outputs.size())
      c.set_known(static_cast<int>(k), c.runner().known(body.outputs[k]));
  }
  return outputs;
}

// A value that goes from one round to the next.
struct State {
  Tensor tensor;
  bool known = false;
};

void expect_counts(Call& c, const Block& body, std::size_t inputs, std::size_t least_outputs) {
  if (body.inputs.size() != inputs || body.outputs.size() < least_outputs)
    c.fail(fmt::format("a body of {} inputs and {} outputs; expected {} and at least {}",
                       body.inputs.size(), body.outputs.size(), inputs, least_outputs));
}

// Final states, then what each round gave, put together along `axis` of each.
Values finish(Call& c, const std::vector<State>& states,
              const std::vector<std::vector<Tensor>>& gathered, bool all_known) {
  Values outputs;
  for (std::size_t i = 0; i < states.size(); ++i) {
    outputs.push_back(states[i].tensor);
    if (i < c.node().outputs.size()) c.set_known(static_cast<int>(i), states[i].known);
  }
  for (std::size_t k = 0; k < gathered.size(); ++k) {
    const auto number = static_cast<int>(states.size() + k);
    if (!c.wants(number)) {
      outputs.emplace_back();
      continue;
    }
    if (gathered[k].empty())
      c.unsupported("outputs gathered over no rounds, whose shape nobody knows");
    outputs.push_back(stack(gathered[k], 0));
    c.set_known(number, all_known);
  }
  return outputs;
}

Values loop(Call& c) {
  const Block& body = c.body("body");
  Runner& runner = c.runner();
  const std::int64_t most = c.has(0) ? c.integer(0) : std::numeric_limits<std::int64_t>::max();
  bool go_on = !c.has(1) || truth(c.in(1), c);
  std::vector<State> states;
  for (int i = 2; i < c.count(); ++i) states.push_back({c.in(i), c.known(i)});
  expect_counts(c, body, states.size() + 2, states.size() + 1);
  std::vector<std::vector<Tensor>> gathered(body.outputs.size() - states.size() - 1);
  bool all_known = true;
  for (std::int64_t round = 0; go_on && round < most; ++round) {
    // The budget counts nodes, and a body may have none.
    if (static_cast<std::uint64_t>(round) > runner.program().max_steps)
      c.fail("more rounds than the nodes that one call may compute; raise max_steps");
    runner.set(body.inputs[0], full({}, round, kInt64), true);
    runner.set(body.inputs[1], full({}, true, kBool), true);
    for (std::size_t i = 0; i < states.size(); ++i)
      runner.set(body.inputs[i + 2], states[i].tensor, states[i].known);
    runner.run(body);
    go_on = truth(runner.get(body.outputs[0]), c);
    for (std::size_t i = 0; i < states.size(); ++i)
      states[i] = {runner.get(body.outputs[i + 1]), runner.known(body.outputs[i + 1])};
    for (std::size_t k = 0; k < gathered.size(); ++k) {
      const int value = body.outputs[states.size() + 1 + k];
      gathered[k].push_back(runner.get(value));
      all_known = all_known && runner.known(value);
    }
  }
  return finish(c, states, gathered, all_known);
}

std::int64_t entry(const std::optional<std::vector<std::int64_t>>& list, std::size_t i) {
  return list && i < list->size() ? (*list)[i] : 0;
}

// One pass over `scanned`, each along its axis; `first` states come in.
Values scan_over(Call& c, const Values& initial, const Values& scanned, bool has_axes) {
  const Block& body = c.body("body");
  Runner& runner = c.runner();
  const auto axes = has_axes ? c.integers("scan_input_axes") : std::nullopt;
  const auto directions = c.integers(has_axes ? "scan_input_directions" : "directions");
  const auto out_axes = has_axes ? c.integers("scan_output_axes") : std::nullopt;
  const auto out_directions = has_axes ? c.integers("scan_output_directions") : std::nullopt;
  expect_counts(c, body, initial.size() + scanned.size(), initial.size());
  std::vector<State> states;
  for (const Tensor& t : initial) states.push_back({t, false});
  std::vector<std::vector<Tensor>> gathered(body.outputs.size() - states.size());
  std::int64_t rounds = -1;
  std::vector<int> along;
  for (std::size_t i = 0; i < scanned.size(); ++i) {
    along.push_back(c.axis(entry(axes, i), scanned[i].rank()));
    const std::int64_t size = scanned[i].shape()[along[i]];
    if (rounds >= 0 && size != rounds) c.fail("the scanned inputs have different lengths");
    rounds = size;
  }
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < states.size(); ++i)
      runner.set(body.inputs[i], states[i].tensor, states[i].known);
    for (std::size_t i = 0; i < scanned.size(); ++i) {
      const std::int64_t at = entry(directions, i) != 0 ? rounds - 1 - round : round;
      runner.set(body.inputs[states.size() + i], select(scanned[i], along[i], at), false);
    }
    runner.run(body);
    for (std::size_t i = 0; i < states.size(); ++i)
      states[i] = {runner.get(body.outputs[i]), runner.known(body.outputs[i])};
    for (std::size_t k = 0; k < gathered.size(); ++k)
      gathered[k].push_back(runner.get(body.outputs[states.size() + k]));
  }
  Values outputs = finish(c, states, gathered, false);
  for (std::size_t k = 0; k < gathered.size(); ++k) {
    Tensor& y = outputs[states.size() + k];
    if (!y.defined()) continue;
    if (entry(out_directions, k) != 0) y = flip(y, {0});
    y = movedim(y, 0, c.axis(entry(out_axes, k), y.rank()));
  }
  return outputs;
}

Values scan(Call& c) {
  const std::int64_t count = c.required_integer("num_scan_inputs");
  // Opset 8 had the lengths of sequences in front, and a batch whose entries are scanned each by
  // itself.
  const bool batched = c.opset() < 9;
  if (batched && c.has(0)) c.unsupported("sequence_lens");
  const int first = batched ? 1 : 0, states = c.count() - first - static_cast<int>(count);
  if (count < 1 || states < 0) c.fail(fmt::format("num_scan_inputs {}", count));
  Values initial, scanned;
  for (int i = first; i < c.count(); ++i)
    (i < first + states ? initial : scanned).push_back(c.in(i));
  if (!batched) return scan_over(c, initial, scanned, true);
  std::vector<Values> each;
  for (std::int64_t n = 0; n < c.in(1).size(0); ++n) {
    Values one_initial, one_scanned;
    for (const Tensor& t : initial) one_initial.push_back(select(t, 0, n));
    for (const Tensor& t : scanned) one_scanned.push_back(select(t, 0, n));
    each.push_back(scan_over(c, one_initial, one_scanned, false));
  }
  if (each.empty()) c.unsupported("an empty batch");
  Values outputs;
  for (std::size_t k = 0; k < each[0].size(); ++k) {
    Values parts;
    for (const Values& one : each) parts.push_back(one[k]);
    outputs.push_back(parts[0].defined() ? stack(parts, 0) : Tensor());
    if (k < c.node().outputs.size()) c.set_known(static_cast<int>(k), false);
  }
  return outputs;
}

}  // namespace

std::vector<Operator> control_flow_operators() {
  constexpr auto kAny = Types::kAny;
  return {
      {"If", 1, branch, kAny, bit(0), 0, true},
      {"Loop", 1, loop, kAny, bit(0) | bit(1), 0, true},
      {"Scan", 8, scan, kAny, 0, 0, true},
  };
}

}  // namespace catena::onnx
