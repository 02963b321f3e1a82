// What the core uses of oneDNN: a table of functions that libcatena_onednn.so fills, which alone
// links oneDNN. Not a public header.
#pragma once

#include <cstdint>

#include "catena/backends/cpu/conv_geometry.hpp"

namespace catena::cpu {

enum class ConvKind : std::int32_t { kForward, kDataGradient, kWeightGradient };

// A convolution of some of the channels, in memory that holds all of them: entries from one image
// to the next in x and in y, and from one output to the next in the weight.
struct ConvPart {
  ConvGeometry geometry;
  std::int64_t image_x = 0, image_y = 0, weight_row = 0;
};

// A convolution that oneDNN has prepared for one part.
struct ConvPlan;

struct OneDnnApi {
  static constexpr std::uint32_t kVersion = 2;
  std::uint32_t version = kVersion;
  std::uint32_t part_bytes = sizeof(ConvPart);

  // As dnnl_sgemm, on one thread. 0: done.
  int (*sgemm)(char transpose_a, char transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
               float alpha, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
               float beta, float* c, std::int64_t ldc) = nullptr;

  // Null where oneDNN has no fast kernel. Give it back with release_plan.
  ConvPlan* (*make_plan)(ConvKind kind, const ConvPart* part) = nullptr;
  void (*release_plan)(ConvPlan* plan) = nullptr;
  // Bytes of working memory of one call.
  std::int64_t (*plan_bytes)(const ConvPlan* plan) = nullptr;
  // x, weight and y as in ConvPart, otherwise row-major; the kind says which is written. `memory`
  // is 64-byte aligned. 0: done. Any number of threads may run a plan at once.
  int (*run_plan)(const ConvPlan* plan, void* memory, float* x, float* weight, float* y) = nullptr;
};

// Fills the table; false when the core's version is another.
using OneDnnEntry = bool (*)(OneDnnApi* api);
inline constexpr const char* kOneDnnEntryName = "catena_onednn_entry";

// The table, loaded at the first call; null when the library or oneDNN is not there.
const OneDnnApi* onednn();

}  // namespace catena::cpu
