// Borders as layers: ConstantPad, ZeroPad, ReflectionPad, ReplicationPad and CircularPad, each for
// one to three dimensions.
#pragma once

#include <array>
#include <cstdint>

#include "catena/nn/module.hpp"
#include "catena/ops/pad.hpp"

namespace catena::nn {

// What the borders share: x with entries in front of its last kDims dimensions and behind them, as
// pad makes them. One number is for all sides; else there is a pair per dimension, in the order of
// the dimensions: ZeroPad2d({{{top, bottom}, {left, right}}}). (PyTorch's list starts with the last
// dimension.) Errors: as of pad; x without a dimension before the padded ones.
template <int kDims, PadMode kMode>
class Border : public Layer {
 public:
  using Pairs = std::array<PadPair, static_cast<std::size_t>(kDims)>;
  explicit Border(std::int64_t padding) : Border(padding, 0) {}
  explicit Border(const Pairs& padding) : Border(padding, 0) {}
  Tensor forward(Tensor x) override;

 protected:
  Border(std::int64_t padding, double value);
  Border(const Pairs& padding, double value);

 private:
  Pairs padding_;
  double value_;
};

class ConstantPad1d : public Border<1, PadMode::kConstant> {
 public:
  ConstantPad1d(std::int64_t padding, double value) : Border(padding, value) {}
  ConstantPad1d(const Pairs& padding, double value) : Border(padding, value) {}
};
class ConstantPad2d : public Border<2, PadMode::kConstant> {
 public:
  ConstantPad2d(std::int64_t padding, double value) : Border(padding, value) {}
  ConstantPad2d(const Pairs& padding, double value) : Border(padding, value) {}
};
class ConstantPad3d : public Border<3, PadMode::kConstant> {
 public:
  ConstantPad3d(std::int64_t padding, double value) : Border(padding, value) {}
  ConstantPad3d(const Pairs& padding, double value) : Border(padding, value) {}
};

class ZeroPad1d : public Border<1, PadMode::kConstant> {
 public:
  using Border::Border;
};
class ZeroPad2d : public Border<2, PadMode::kConstant> {
 public:
  using Border::Border;
};
class ZeroPad3d : public Border<3, PadMode::kConstant> {
 public:
  using Border::Border;
};

class ReflectionPad1d : public Border<1, PadMode::kReflect> {
 public:
  using Border::Border;
};
class ReflectionPad2d : public Border<2, PadMode::kReflect> {
 public:
  using Border::Border;
};
class ReflectionPad3d : public Border<3, PadMode::kReflect> {
 public:
  using Border::Border;
};

class ReplicationPad1d : public Border<1, PadMode::kReplicate> {
 public:
  using Border::Border;
};
class ReplicationPad2d : public Border<2, PadMode::kReplicate> {
 public:
  using Border::Border;
};
class ReplicationPad3d : public Border<3, PadMode::kReplicate> {
 public:
  using Border::Border;
};

class CircularPad1d : public Border<1, PadMode::kCircular> {
 public:
  using Border::Border;
};
class CircularPad2d : public Border<2, PadMode::kCircular> {
 public:
  using Border::Border;
};
class CircularPad3d : public Border<3, PadMode::kCircular> {
 public:
  using Border::Border;
};

}  // namespace catena::nn
