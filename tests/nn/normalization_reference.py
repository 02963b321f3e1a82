#!/usr/bin/env python3
"""Writes normalization_reference.hpp: PyTorch's normalisation layers, their gradients and buffers.

    python3 tests/nn/normalization_reference.py > tests/nn/normalization_reference.hpp

In float64. Element i of x is sin(1 + i) (1 + i % 3), of a weight 1 + cos(i) / 2, of a bias sin(i) / 2,
of the gradient of y cos(2 + i). Layers are called twice in training mode, with x and with 2 x + 1; y and
the gradients are those of the first call; then once with x in evaluation mode. PyTorch 2.6.0 made the
numbers in the repository.
"""
import math

import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def filled(f, shape):
    n = math.prod(shape)
    return torch.tensor([f(i) for i in range(n)]).reshape(shape)


def fill_parameters(layer):
    with torch.no_grad():
        for name, p in layer.named_parameters():
            f = (lambda i: math.sin(i) / 2) if "bias" in name else (lambda i: 1 + math.cos(i) / 2)
            p.copy_(filled(f, p.shape))


def case(name, layer, shape):
    fill_parameters(layer)
    x = filled(lambda i: math.sin(1 + i) * (1 + i % 3), shape).requires_grad_()
    y = layer(x)
    y.backward(filled(lambda i: math.cos(2 + i), y.shape))
    layer(2 * x.detach() + 1)
    buffers = [(n, b) for n, b in layer.named_buffers() if n.startswith("running")]
    layer.eval()
    return (name, shape, y, x.grad, [p.grad for p in layer.parameters()], [b for _, b in buffers],
            layer(x))


CASES = [
    case("BatchNorm1d", nn.BatchNorm1d(3), (4, 3)),
    case("BatchNorm1dLines", nn.BatchNorm1d(2, momentum=None, eps=1e-3), (2, 2, 3)),
    case("BatchNorm2d", nn.BatchNorm2d(2, momentum=0.3), (2, 2, 2, 2)),
    case("BatchNorm2dPlain", nn.BatchNorm2d(2, affine=False, track_running_stats=False),
         (2, 2, 2, 2)),
    case("BatchNorm3d", nn.BatchNorm3d(2), (2, 2, 1, 2, 2)),
    case("GroupNorm", nn.GroupNorm(2, 4), (2, 4, 3)),
    case("GroupNormVectors", nn.GroupNorm(2, 6, eps=1e-2), (3, 6)),
    case("InstanceNorm1d", nn.InstanceNorm1d(2, affine=True), (2, 2, 3)),
    case("InstanceNorm1dOne", nn.InstanceNorm1d(2, affine=True), (2, 3)),
    case("InstanceNorm2d", nn.InstanceNorm2d(2, affine=True, track_running_stats=True),
         (2, 2, 2, 2)),
    case("InstanceNorm3d", nn.InstanceNorm3d(2, momentum=0.4, track_running_stats=True),
         (2, 2, 1, 2, 2)),
    case("RMSNorm", nn.RMSNorm((2, 3)), (2, 2, 3)),
    case("RMSNormEps", nn.RMSNorm(3, eps=0.1, elementwise_affine=False), (2, 3)),
    case("LayerNorm", nn.LayerNorm((2, 3)), (2, 2, 3)),
    case("LocalResponseNorm", nn.LocalResponseNorm(3, alpha=0.5, k=2), (1, 5, 3)),
    case("LocalResponseNormEven", nn.LocalResponseNorm(4, alpha=0.5, beta=0.5), (1, 5, 3)),
]


def weight_norm(dim):
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(filled(lambda i: 1 + math.cos(i) / 2, (2, 3)))
        layer.bias.copy_(filled(lambda i: math.sin(i) / 2, (2,)))
    layer = nn.utils.weight_norm(layer, dim=dim)
    with torch.no_grad():
        layer.weight_g.mul_(1.5)
    x = filled(lambda i: math.sin(1 + i) * (1 + i % 3), (2, 3)).requires_grad_()
    y = layer(x)
    y.backward(filled(lambda i: math.cos(2 + i), y.shape))
    return (f"Linear{'All' if dim is None else dim}", (2, 3), y, x.grad,
            [layer.weight_g.grad, layer.weight_v.grad, layer.bias.grad], [layer.weight_g], y)


def numbers(t):
    return "{" + ", ".join(map(repr, t.detach().flatten().tolist())) + "}"


def lists(tensors):
    return "{" + ", ".join(map(numbers, tensors)) + "}"


def table(name, cases):
    print(f"inline const std::vector<LayerCase> {name} = {{")
    for name, shape, y, dx, grads, buffers, evaluated in cases:
        print(f'    {{"{name}", {{{", ".join(map(str, shape))}}}, {numbers(y)}, {numbers(dx)}, '
              f'{lists(grads)}, {lists(buffers)}, {numbers(evaluated)}}},')
    print("};\n")


print("// Written by normalization_reference.py with PyTorch.")
print("#pragma once\n")
print("#include <string>\n#include <vector>\n")
print('#include "catena/graph/shape.hpp"\n')
print("namespace catena::test {\n")
print("struct LayerCase {")
print("  std::string name;\n  Shape shape;  // of x\n  std::vector<double> y, dx;")
print("  std::vector<std::vector<double>> gradients, buffers;  // by parameter, by running statistic")
print("  std::vector<double> evaluated;\n};\n")
table("kNormalizationCases", CASES)
print("// The gradients are those of weight_g, weight_v and bias; the buffer is weight_g itself.")
table("kWeightNormCases", [weight_norm(0), weight_norm(1), weight_norm(None)])
print("}  // namespace catena::test")
