#include "catena/nn/padding.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena::nn {
namespace {

template <std::size_t kDims>
std::array<PadPair, kDims> on_all_sides(std::int64_t padding) {
  std::array<PadPair, kDims> pairs;
  pairs.fill({padding, padding});
  return pairs;
}

}  // namespace

template <int kDims, PadMode kMode>
Border<kDims, kMode>::Border(std::int64_t padding, double value)
    : Border(on_all_sides<static_cast<std::size_t>(kDims)>(padding), value) {}

template <int kDims, PadMode kMode>
Border<kDims, kMode>::Border(const Pairs& padding, double value)
    : padding_(padding), value_(value) {
  std::string text;
  for (const auto& [before, after] : padding_)
    text += fmt::format("{}({}, {})", text.empty() ? "" : ", ", before, after);
  set_description(value == 0 ? text : fmt::format("{}, value={}", text, value));
}

template <int kDims, PadMode kMode>
Tensor Border<kDims, kMode>::forward(Tensor x) {
  if (!x.defined() || x.rank() < kDims + 1)
    throw_argument(
        "pad",
        fmt::format("{}x is {}; expected at least {} dimensions, {} of them padded", label(),
                    x.defined() ? catena::to_string(x.shape()) : "undefined", kDims + 1, kDims),
        call_location());
  return pad(std::move(x), padding_, kMode, value_);
}

template class Border<1, PadMode::kConstant>;
template class Border<2, PadMode::kConstant>;
template class Border<3, PadMode::kConstant>;
template class Border<1, PadMode::kReflect>;
template class Border<2, PadMode::kReflect>;
template class Border<3, PadMode::kReflect>;
template class Border<1, PadMode::kReplicate>;
template class Border<2, PadMode::kReplicate>;
template class Border<3, PadMode::kReplicate>;
template class Border<1, PadMode::kCircular>;
template class Border<2, PadMode::kCircular>;
template class Border<3, PadMode::kCircular>;

}  // namespace catena::nn
