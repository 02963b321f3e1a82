#!/usr/bin/env python3
"""Writes resampling_reference.hpp: what PyTorch's layers that pad, move or resize make of x.

    python3 tests/nn/resampling_reference.py > tests/nn/resampling_reference.hpp

In float64. Element i of x is sin(1 + i) (1 + i % 3), of the gradient of y cos(2 + i). PyTorch 2.6.0 made
the numbers in the repository.
"""
import math

import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def filled(f, shape):
    n = math.prod(shape)
    return torch.tensor([f(i) for i in range(n)]).reshape(shape)


def case(name, layer, shape):
    x = filled(lambda i: math.sin(1 + i) * (1 + i % 3), shape).requires_grad_()
    y = layer(x)
    y.backward(filled(lambda i: math.cos(2 + i), y.shape))
    return name, shape, y, x.grad


CASES = [
    case("ConstantPad1d", nn.ConstantPad1d((1, 2), 1.5), (1, 2, 3)),
    case("ZeroPad2d", nn.ZeroPad2d((1, 0, 2, -1)), (1, 1, 3, 2)),
    case("ReflectionPad2d", nn.ReflectionPad2d((1, 2, 0, 1)), (1, 1, 2, 3)),
    case("ReplicationPad3d", nn.ReplicationPad3d(1), (1, 1, 1, 2, 1)),
    case("CircularPad1d", nn.CircularPad1d((2, 1)), (1, 2, 3)),
    case("PixelShuffle", nn.PixelShuffle(2), (1, 4, 2, 2)),
    case("PixelUnshuffle", nn.PixelUnshuffle(2), (1, 1, 4, 2)),
    case("ChannelShuffle", nn.ChannelShuffle(2), (1, 4, 1, 2)),
    case("Unfold", nn.Unfold((2, 3), dilation=(1, 2), padding=(0, 1), stride=(2, 1)), (1, 1, 4, 5)),
    case("Fold", nn.Fold((3, 4), 2, padding=1, stride=2), (1, 4, 6)),
    case("UpsampleNearest", nn.Upsample(scale_factor=2.5), (1, 1, 3)),
    case("UpsampleNearestExact", nn.Upsample(size=(5, 2), mode="nearest-exact"), (1, 1, 2, 3)),
    case("UpsampleLinear", nn.Upsample(scale_factor=1.7, mode="linear"), (1, 1, 4)),
    case("UpsampleBilinear", nn.Upsample(scale_factor=(2, 1.5), mode="bilinear"), (1, 1, 2, 3)),
    case("UpsampleBilinearCorners", nn.Upsample(size=(3, 5), mode="bilinear", align_corners=True),
         (1, 1, 2, 3)),
    case("UpsampleTrilinear", nn.Upsample(size=(2, 3, 2), mode="trilinear"), (1, 1, 1, 2, 3)),
    case("UpsampleBicubic", nn.Upsample(size=(5, 3), mode="bicubic"), (1, 1, 3, 4)),
    case("UpsampleBicubicCorners", nn.Upsample(scale_factor=2, mode="bicubic", align_corners=True),
         (1, 1, 2, 3)),
    case("UpsampleRecomputed", nn.Upsample(scale_factor=1.7, mode="linear",
                                           recompute_scale_factor=True), (1, 1, 4)),
    case("Area", lambda x: nn.functional.interpolate(x, (2, 3), mode="area"), (1, 1, 5, 4)),
]


def numbers(t):
    return "{" + ", ".join(map(repr, t.detach().flatten().tolist())) + "}"


print("// Written by resampling_reference.py with PyTorch.")
print("#pragma once\n")
print("#include <string>\n#include <vector>\n")
print('#include "catena/graph/shape.hpp"\n')
print("namespace catena::test {\n")
print("struct ResamplingCase {")
print("  std::string name;\n  Shape x, y;\n  std::vector<double> values, dx;\n};\n")
print("inline const std::vector<ResamplingCase> kResamplingCases = {")
for name, shape, y, dx in CASES:
    sizes = ", ".join(map(str, y.shape))
    print(f'    {{"{name}", {{{", ".join(map(str, shape))}}}, {{{sizes}}}, {numbers(y)}, '
          f'{numbers(dx)}}},')
print("};\n")
print("}  // namespace catena::test")
