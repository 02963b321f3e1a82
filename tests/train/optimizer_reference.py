#!/usr/bin/env python3
"""Writes optimizer_reference.hpp: parameters after seven steps of PyTorch's optimizers.

    python3 tests/train/optimizer_reference.py > tests/train/optimizer_reference.hpp

Element i starts at cos(i); its gradient at step t (from 0) is sin(1 + i + 2 t) (i + 1) / 3, in
float64. Step 3 has no gradient. LBFGS minimises Rosenbrock's function instead (see LBFGS_CASES).
PyTorch has no Lion: the class below is algorithm 2 of its paper. PyTorch 2.6.0 made the numbers in
the repository.
"""
import math

import torch

N, STEPS, SKIPPED = 21, 7, 3
torch.set_default_dtype(torch.float64)  # that of NAdam's mu_product too


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay,
                                      maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = -p.grad if group["maximize"] else p.grad
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = beta1 * m + (1 - beta1) * g
                p -= group["lr"] * (torch.sign(c) + group["weight_decay"] * p)
                m.copy_(beta2 * m + (1 - beta2) * g)


OPTIMIZERS = {
    "Sgd": ("SGD", torch.optim.SGD),
    "Adam": ("Adam", torch.optim.Adam),
    "AdamW": ("AdamW", torch.optim.AdamW),
    "RmsProp": ("RMSprop", torch.optim.RMSprop),
    "Adagrad": ("Adagrad", torch.optim.Adagrad),
    "Adadelta": ("Adadelta", torch.optim.Adadelta),
    "NAdam": ("NAdam", torch.optim.NAdam),
    "Adamax": ("Adamax", torch.optim.Adamax),
    "Lion": ("Lion", Lion),
}

CASES = [
    ("Sgd", {"lr": 0.1}),
    ("Sgd", {"lr": 0.05, "momentum": 0.9}),
    ("Sgd", {"lr": 0.05, "momentum": 0.8, "dampening": 0.3}),
    ("Sgd", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    ("Sgd", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.3}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    ("RmsProp", {}),
    ("RmsProp", {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("RmsProp", {"lr": 0.02, "momentum": 0.8, "centered": True}),
    ("RmsProp", {"lr": 0.02, "alpha": 0.8, "weight_decay": 0.1, "momentum": 0.5,
                 "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1,
                 "initial_accumulator_value": 0.5}),
    ("Adagrad", {"lr": 0.1, "eps": 1e-3, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
    ("Adadelta", {"lr": 2.0, "eps": 1e-3, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.3, "decoupled_weight_decay": True,
               "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.02, "maximize": True}),
    ("Lion", {"lr": 0.01}),
    ("Lion", {"lr": 0.02, "betas": (0.8, 0.95), "weight_decay": 0.3}),
    ("Lion", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
]

# Two parameters a = (-1.2, 1, 0.5) and b = (0.3, -0.7), x = (a, b);
# f = sum over i of 100 (x[i + 1] - x[i]^2)^2 + (1 - x[i])^2, `steps` calls of step().
LBFGS_CASES = [
    (3, {"lr": 1e-3, "max_iter": 5}),
    (2, {"lr": 1.0, "max_iter": 4, "history_size": 3, "line_search_fn": "strong_wolfe"}),
    (4, {"max_iter": 10, "line_search_fn": "strong_wolfe"}),
    (1, {"lr": 0.5, "max_iter": 20, "max_eval": 7, "line_search_fn": "strong_wolfe"}),
    (3, {"max_iter": 100, "line_search_fn": "strong_wolfe"}),
]


def cpp(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(repr, value)) + "}"
    return repr(value)


def braces(options):
    return "{" + ", ".join(f".{k} = {cpp(v)}" for k, v in options.items()) + "}"


def numbers(values):
    return "{" + ", ".join(repr(v) for v in values) + "}"


def run(make, options):
    p = torch.tensor([math.cos(i) for i in range(N)], dtype=torch.float64, requires_grad=True)
    optimizer = make([p], **options)
    for t in range(STEPS):
        p.grad = None
        if t != SKIPPED:
            p.grad = torch.tensor(
                [math.sin(1 + i + 2 * t) * (i + 1) / 3 for i in range(N)], dtype=torch.float64)
        optimizer.step()
    return p.tolist()


def run_lbfgs(steps, options):
    a = torch.tensor([-1.2, 1, 0.5], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([a, b], **options)
    evaluations = 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        x = torch.cat([a, b])
        loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(steps)]
    return losses, evaluations, a.tolist() + b.tolist()


print("// Written by optimizer_reference.py with PyTorch.")
print("#pragma once\n")
print("#include <vector>\n")
for name in ("adadelta", "adagrad", "adam", "adamax", "lbfgs", "lion", "nadam", "rmsprop", "sgd"):
    print(f'#include "catena/train/{name}.hpp"')
print("\nnamespace catena::test {\n")
print("template <class Options>\nstruct OptimizerCase {")
print("  Options options;\n  std::vector<double> params;  // after the last step\n};\n")
for kind, (name, make) in OPTIMIZERS.items():
    print(f"inline const std::vector<OptimizerCase<optim::{name}Options>> k{kind}Cases = {{")
    for case_kind, options in CASES:
        if case_kind == kind:
            print(f"    {{{braces(options)}, {numbers(run(make, options))}}},")
    print("};\n")
print("struct LbfgsCase {")
print("  optim::LBFGSOptions options;\n  std::vector<double> losses;  // what each step returned")
print("  int evaluations;\n  std::vector<double> params;\n};\n")
print("inline const std::vector<LbfgsCase> kLbfgsCases = {")
for steps, options in LBFGS_CASES:
    losses, evaluations, params = run_lbfgs(steps, options)
    ours = {k: v for k, v in options.items() if k != "line_search_fn"}
    if "line_search_fn" in options:
        ours["strong_wolfe"] = True
    print(f"    {{{braces(ours)}, {numbers(losses)}, {evaluations}, {numbers(params)}}},")
print("};\n")
print("}  // namespace catena::test")
