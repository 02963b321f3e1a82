#!/usr/bin/env python3
"""Writes optimizer_reference.hpp: parameters after seven steps of PyTorch's optimizers.

    python3 tests/train/optimizer_reference.py > tests/train/optimizer_reference.hpp

Element i starts at cos(i); its gradient at step t (from 0) is sin(1 + i + 2 t) (i + 1) / 3, in
float64. Step 3 has no gradient. PyTorch 2.2.2 made the numbers in the repository.
"""
import math

import torch

N, STEPS, SKIPPED = 21, 7, 3

CASES = [
    ("sgd", "SGDOptions", {"lr": 0.1}),
    ("sgd", "SGDOptions", {"lr": 0.05, "momentum": 0.9}),
    ("sgd", "SGDOptions", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3}),
    ("sgd", "SGDOptions", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    ("adam", "AdamOptions", {"lr": 0.01}),
    ("adam", "AdamOptions", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3}),
    ("adam", "AdamOptions", {"lr": 0.02, "weight_decay": 0.3}),
    ("adam", "AdamOptions", {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True}),
]


def cpp(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(repr, value)) + "}"
    return repr(value)


print("// Written by optimizer_reference.py with PyTorch.")
print("#pragma once\n")
print("#include <vector>\n")
print('#include "catena/train/adam.hpp"')
print('#include "catena/train/sgd.hpp"\n')
print("namespace catena::test {\n")
print("template <class Options>\nstruct OptimizerCase {")
print("  Options options;\n  std::vector<double> params;  // after the last step\n};\n")
for kind in ("sgd", "adam"):
    options_type = {"sgd": "SGDOptions", "adam": "AdamOptions"}[kind]
    print(f"inline const std::vector<OptimizerCase<optim::{options_type}>> k{kind.capitalize()}Cases = {{")
    for case_kind, _, options in CASES:
        if case_kind != kind:
            continue
        p = torch.tensor([math.cos(i) for i in range(N)], dtype=torch.float64, requires_grad=True)
        optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[kind]([p], **options)
        for t in range(STEPS):
            p.grad = None
            if t != SKIPPED:
                p.grad = torch.tensor(
                    [math.sin(1 + i + 2 * t) * (i + 1) / 3 for i in range(N)], dtype=torch.float64)
            optimizer.step()
        fields = ", ".join(f".{k} = {cpp(v)}" for k, v in options.items())
        numbers = ", ".join(repr(v) for v in p.tolist())
        print(f"    {{{{{fields}}}, {{{numbers}}}}},")
    print("};\n")
print("}  // namespace catena::test")
