#!/usr/bin/env python3
"""Writes averaging_reference.hpp: PyTorch's averages of parameters, and its update_bn.

    python3 tests/train/averaging_reference.py > tests/train/averaging_reference.hpp

Element i of the parameter at update t (from 0) is cos(i + t) (t + 1), in float64. The model of
update_bn is Linear(3, 2), weights cos(i), biases 0, then BatchNorm1d(2); element i of its input is
sin(1 + i) (1 + i % 3), 10 samples in batches of 4. PyTorch 2.6.0 made the numbers in the repository.
"""
import math

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

N, UPDATES = 5, 4
torch.set_default_dtype(torch.float64)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.p = torch.nn.Parameter(torch.zeros(N))


def averages(decay):
    model = Model()
    average = AveragedModel(
        model, multi_avg_fn=None if decay is None else get_ema_multi_avg_fn(decay))
    sequence = []
    for t in range(UPDATES):
        with torch.no_grad():
            model.p.copy_(torch.tensor([math.cos(i + t) * (t + 1) for i in range(N)]))
        average.update_parameters(model)
        sequence.append(average.module.p.tolist())
    return sequence


def batch_norm():
    linear = torch.nn.Linear(3, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([math.cos(i) for i in range(6)]).reshape(2, 3))
        linear.bias.zero_()
    norm = torch.nn.BatchNorm1d(2)
    x = torch.tensor([math.sin(1 + i) * (1 + i % 3) for i in range(30)]).reshape(10, 3)
    update_bn(torch.split(x, 4), torch.nn.Sequential(linear, norm))
    return norm.running_mean.tolist(), norm.running_var.tolist()


def numbers(values):
    return "{" + ", ".join(map(repr, values)) + "}"


print("// Written by averaging_reference.py with PyTorch.")
print("#pragma once\n")
print("#include <optional>\n#include <vector>\n")
print("namespace catena::test {\n")
print("struct AveragingCase {")
print("  std::optional<double> decay;\n  std::vector<std::vector<double>> averages;  // by update\n};\n")
print("inline const std::vector<AveragingCase> kAveragingCases = {")
for decay in (None, 0.9, 0.999):
    shown = "std::nullopt" if decay is None else repr(decay)
    print(f"    {{{shown}, {{{', '.join(map(numbers, averages(decay)))}}}}},")
print("};\n")
mean, var = batch_norm()
print(f"inline const std::vector<double> kUpdatedMean = {numbers(mean)};")
print(f"inline const std::vector<double> kUpdatedVar = {numbers(var)};\n")
print("}  // namespace catena::test")
