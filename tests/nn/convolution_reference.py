#!/usr/bin/env python3
"""Writes convolution_reference.hpp beside this file: outputs and gradients of PyTorch's convolution
layers. Needs torch; the tests do not."""
import pathlib

import torch


def fill(shape, salt):
    n = 1
    for s in shape:
        n *= s
    return torch.tensor([((i * 37 + salt * 11) % 101 - 50) / 50 for i in range(n)],
                        dtype=torch.float64).reshape(shape)


def numbers(t):
    return ", ".join(f"{v:.9g}" for v in t.detach().flatten().tolist())


CASES = [
    ("kConv1d", torch.nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 2, 6)),
    ("kConv1dSame", torch.nn.Conv1d(2, 2, 4, padding="same", dilation=2), (1, 2, 5)),
    ("kConv2d", torch.nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), groups=2), (1, 2, 4, 3)),
    ("kConv2dReflect", torch.nn.Conv2d(1, 2, 3, padding=1, bias=False, padding_mode="reflect"),
     (1, 1, 3, 4)),
    ("kConv3d", torch.nn.Conv3d(1, 2, 2, dilation=(1, 2, 1)), (1, 1, 2, 4, 3)),
    ("kConvTranspose1d", torch.nn.ConvTranspose1d(2, 2, 3, stride=3, padding=1, output_padding=2),
     (1, 2, 3)),
    ("kConvTranspose2d", torch.nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1,
                                                  groups=2), (1, 4, 2, 3)),
    ("kConvTranspose3d", torch.nn.ConvTranspose3d(1, 2, 2, dilation=2, bias=False), (1, 1, 2, 1, 2)),
]

out = ["// Made by convolution_reference.py with PyTorch. Element i of tensor `salt` is",
       "// ((37 i + 11 salt) mod 101 - 50) / 50: x has salt 0, weight 1, bias 2, the gradient of y 3.",
       "#pragma once", "", "#include <vector>", "", "namespace catena::test {", "",
       "struct ConvReference {", "  std::vector<double> y, x_gradient, weight_gradient, bias_gradient;",
       "};", ""]
for name, layer, shape in CASES:
    layer = layer.double()
    with torch.no_grad():
        layer.weight.copy_(fill(layer.weight.shape, 1))
        if layer.bias is not None:
            layer.bias.copy_(fill(layer.bias.shape, 2))
    x = fill(shape, 0).requires_grad_()
    y = layer(x)
    y.backward(fill(y.shape, 3))
    bias = numbers(layer.bias.grad) if layer.bias is not None else ""
    out += [f"inline const ConvReference {name}{{", f"    {{{numbers(y)}}},",
            f"    {{{numbers(x.grad)}}},", f"    {{{numbers(layer.weight.grad)}}},",
            f"    {{{bias}}}}};", ""]
out += ["}  // namespace catena::test", ""]
(pathlib.Path(__file__).parent / "convolution_reference.hpp").write_text("\n".join(out))
