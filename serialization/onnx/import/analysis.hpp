// What can be said of a program before it runs: what it needs, what is trained, what is constant.
// Not a public header.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "catena/serialization/onnx/import/program.hpp"
#include "catena/serialization/time_limit.hpp"

namespace catena::onnx {

// The most that any node does with a value.
enum class Use : std::uint8_t { kNone, kFixed, kTrained, kStatistics };
std::vector<Use> uses_of(const Program& program);

// Leaves out the nodes that no output needs.
void drop_unneeded(Block* block);
// Adds the operators that have no row, those of bodies too.
void collect_unsupported(const Block& block, std::set<std::string>* names);
void count_operators(const Block& block, OnnxInfo* info);
// Sets Node::last_uses, so that memory goes as soon as it can.
void note_last_uses(Block* block);
// Computes the nodes that follow from constants alone, once and for all.
void fold_constants(Program* program, const detail::TimeLimit& limit);

}  // namespace catena::onnx
