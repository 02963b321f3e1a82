// What a Profiler has recorded. Not a public header.
#pragma once

#include <chrono>
#include <cstddef>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/profiler.hpp"

namespace catena::detail {

struct ProfileRecording {
  ProfilerOptions options;
  std::source_location location;  // where the profiler was made
  std::chrono::steady_clock::time_point begin;
  std::chrono::steady_clock::duration duration{};
  std::vector<ProfileEvent> events;
  std::size_t dropped = 0;
};

// "model.cpp:41", with `folder` the path as the compiler was given it; "(no line)" when it is
// unknown.
std::string line_text(const std::source_location& line, bool folder = false);
// "[32, 64] float32, [64] float32".
std::string values_text(const ProfileEvent& event);

}  // namespace catena::detail
