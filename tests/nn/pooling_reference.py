#!/usr/bin/env python3
"""Writes pooling_reference.hpp beside this file: outputs and gradients of PyTorch's pooling layers.
Needs torch; the tests do not."""
import pathlib

import torch
from torch import nn


def fill(shape, salt):
    n = 1
    for s in shape:
        n *= s
    return torch.tensor([((i * 37 + salt * 11) % 101 - 50) / 50 for i in range(n)],
                        dtype=torch.float64).reshape(shape)


def numbers(t):
    return ", ".join(f"{v:.9g}" for v in t.detach().flatten().tolist())


CASES = [
    ("kMaxPool1d", nn.MaxPool1d(3, stride=2, padding=1, ceil_mode=True), (2, 1, 6)),
    ("kMaxPool2d", nn.MaxPool2d((2, 3), stride=(2, 1), dilation=(1, 2)), (1, 2, 4, 6)),
    ("kMaxPool3d", nn.MaxPool3d(2), (1, 2, 2, 4, 5)),
    ("kAvgPool1d", nn.AvgPool1d(3, stride=2, padding=1, ceil_mode=True), (1, 2, 6)),
    ("kAvgPool2d", nn.AvgPool2d((3, 2), stride=2, padding=(1, 0), count_include_pad=False),
     (1, 2, 4, 5)),
    ("kAvgPool3d", nn.AvgPool3d(2, stride=1, divisor_override=3), (1, 1, 2, 3, 3)),
    ("kLPPool1d", nn.LPPool1d(3, 2, stride=1), (1, 1, 5)),
    ("kLPPool2d", nn.LPPool2d(2, (2, 3), ceil_mode=True), (1, 1, 5, 4)),
    ("kAdaptiveMaxPool2d", nn.AdaptiveMaxPool2d((2, 3)), (1, 2, 5, 4)),
    ("kAdaptiveAvgPool1d", nn.AdaptiveAvgPool1d(4), (1, 2, 6)),
    ("kAdaptiveAvgPool3d", nn.AdaptiveAvgPool3d(1), (1, 3, 2, 2, 2)),
]

out = ["// Written by pooling_reference.py with PyTorch. Element i of x is ((37 i) mod 101 - 50) / 50,",
       "// of the gradient of y ((37 i + 33) mod 101 - 50) / 50. LPPool gets |x| + 0.1.",
       "#pragma once", "", "#include <vector>", "", "namespace catena::test {", "",
       "struct PoolReference {", "  std::vector<double> y, x_gradient;", "};", ""]
for name, layer, shape in CASES:
    x = fill(shape, 0)
    if "LPPool" in name:
        x = x.abs() + 0.1
    x.requires_grad_()
    y = layer(x)
    y.backward(fill(y.shape, 3))
    out += [f"inline const PoolReference {name}{{", f"    {{{numbers(y)}}},",
            f"    {{{numbers(x.grad)}}}}};", ""]
out += ["}  // namespace catena::test", ""]
(pathlib.Path(__file__).parent / "pooling_reference.hpp").write_text("\n".join(out))
