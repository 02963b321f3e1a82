#!/usr/bin/env python3
"""Writes schedule_reference.hpp: learning rates of PyTorch's schedules.

    python3 tests/train/schedule_reference.py > tests/train/schedule_reference.hpp

The optimizer has two groups, of rates 0.1 and 0.03: SGD with momentum 0.9, or Adam where the text
of the case says so. Rates and momentum (beta1) are those after step t = 0, 1, ... of the schedule.
PyTorch 2.6.0 made the numbers in the repository.
"""
import torch
from torch.optim import lr_scheduler as s

STEPS = 24
# What reduce_on_plateau sees: falls, stays, rises, falls.
METRICS = [1.0, 0.8, 0.8, 0.79995, 0.81, 0.8, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75,
           0.7, 0.7, 0.69, 0.5, 0.6, 0.6, 0.6, 0.6, 0.4, 0.39999, 0.45, 0.45]

CASES = [
    ("step(step_size=5)", lambda o: s.StepLR(o, 5)),
    ("step(step_size=3, gamma=0.7)", lambda o: s.StepLR(o, 3, 0.7)),
    ("multi_step(milestones=[4, 9, 9, 15], gamma=0.3)",
     lambda o: s.MultiStepLR(o, [4, 9, 9, 15], 0.3)),
    ("exponential(gamma=0.9)", lambda o: s.ExponentialLR(o, 0.9)),
    ("polynomial", lambda o: s.PolynomialLR(o)),
    ("polynomial(total_iters=18, power=2.5)", lambda o: s.PolynomialLR(o, 18, 2.5)),
    ("linear", lambda o: s.LinearLR(o)),
    ("linear(start_factor=0.1, end_factor=0.8, total_iters=9)",
     lambda o: s.LinearLR(o, 0.1, 0.8, 9)),
    ("constant", lambda o: s.ConstantLR(o)),
    ("constant(factor=0.2, total_iters=7)", lambda o: s.ConstantLR(o, 0.2, 7)),
    ("cosine(t_max=20)", lambda o: s.CosineAnnealingLR(o, 20)),
    ("cosine(t_max=7, eta_min=0.001)", lambda o: s.CosineAnnealingLR(o, 7, 0.001)),
    ("cosine_warm_restarts(t_0=6)", lambda o: s.CosineAnnealingWarmRestarts(o, 6)),
    ("cosine_warm_restarts(t_0=3, t_mult=2, eta_min=0.002)",
     lambda o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.002)),
    ("cyclic(base_lr=0.01, max_lr=0.2, step_size_up=4)", lambda o: s.CyclicLR(o, 0.01, 0.2, 4)),
    ("cyclic(base_lr=[0.01, 0.02], max_lr=[0.2, 0.1], step_size_up=3, step_size_down=5, "
     "mode=triangular2, base_momentum=0.7)",
     lambda o: s.CyclicLR(o, [0.01, 0.02], [0.2, 0.1], 3, 5, "triangular2", base_momentum=0.7)),
    ("cyclic(base_lr=0.01, max_lr=0.2, step_size_up=4, mode=exp_range, gamma=0.95, "
     "cycle_momentum=false)",
     lambda o: s.CyclicLR(o, 0.01, 0.2, 4, mode="exp_range", gamma=0.95, cycle_momentum=False)),
    ("one_cycle(max_lr=0.5, total_steps=24)", lambda o: s.OneCycleLR(o, 0.5, 24)),
    ("one_cycle(max_lr=[0.5, 0.2], total_steps=25, pct_start=0.4, anneal_strategy=linear, "
     "base_momentum=0.8, max_momentum=0.99, div_factor=10, final_div_factor=100)",
     lambda o: s.OneCycleLR(o, [0.5, 0.2], 25, pct_start=0.4, anneal_strategy="linear",
                            base_momentum=0.8, max_momentum=0.99, div_factor=10,
                            final_div_factor=100)),
    ("one_cycle(max_lr=0.5, total_steps=26, three_phase=true)",
     lambda o: s.OneCycleLR(o, 0.5, 26, three_phase=True)),
    ("adam: one_cycle(max_lr=0.5, total_steps=24)", lambda o: s.OneCycleLR(o, 0.5, 24)),
    ("adam: cyclic(base_lr=0.01, max_lr=0.2, step_size_up=4)",
     lambda o: s.CyclicLR(o, 0.01, 0.2, 4)),
    ("reduce_on_plateau(patience=2, factor=0.5)",
     lambda o: s.ReduceLROnPlateau(o, patience=2, factor=0.5)),
    ("reduce_on_plateau(mode=max, patience=1, cooldown=2, min_lr=[0.02, 0.001], "
     "threshold=0.01, threshold_mode=abs)",
     lambda o: s.ReduceLROnPlateau(o, "max", patience=1, cooldown=2, min_lr=[0.02, 0.001],
                                   threshold=0.01, threshold_mode="abs")),
    ("sequential(linear(start_factor=0.1, total_iters=4), cosine(t_max=10), "
     "step(step_size=2, gamma=0.5), milestones=[5, 14])",
     lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 4), s.CosineAnnealingLR(o, 10),
                                  s.StepLR(o, 2, 0.5)], [5, 14])),
    ("sequential(constant(factor=0.1, total_iters=2), exponential(gamma=0.9), milestones=[2])",
     lambda o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], [2])),
    ("sequential(linear, cosine_warm_restarts(t_0=4), milestones=[6])",
     lambda o: s.SequentialLR(o, [s.LinearLR(o), s.CosineAnnealingWarmRestarts(o, 4)], [6])),
    ("chained(constant(factor=0.5, total_iters=4), exponential(gamma=0.9))",
     lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.5, 4), s.ExponentialLR(o, 0.9)])),
    ("chained(linear(start_factor=0.2, total_iters=6), cosine(t_max=24, eta_min=0.001))",
     lambda o: s.ChainedScheduler([s.LinearLR(o, 0.2, 1.0, 6),
                                   s.CosineAnnealingLR(o, 24, 0.001)])),
    # Made in the test: they take functions.
    ("lambda", lambda o: s.LambdaLR(o, [lambda t: 0.95 ** t, lambda t: 1 / (1 + t)])),
    ("multiplicative", lambda o: s.MultiplicativeLR(o, lambda t: 1 - 0.02 * t)),
]


def numbers(values):
    return "{" + ", ".join(repr(float(v)) for v in values) + "}"


print("// Written by schedule_reference.py with PyTorch.")
print("#pragma once\n")
print("#include <vector>\n")
print("namespace catena::test {\n")
print("struct ScheduleCase {\n  const char* text;")
print("  std::vector<double> lr0, lr1;  // of the two groups, after each step")
print("  std::vector<double> momentum;\n};\n")
print(f"inline const std::vector<double> kPlateauMetrics = {numbers(METRICS)};\n")
print("inline const std::vector<ScheduleCase> kScheduleCases = {")
for text, make in CASES:
    groups = [{"params": [torch.ones(1, requires_grad=True)], "lr": lr} for lr in (0.1, 0.03)]
    adam = text.startswith("adam: ")
    optimizer = torch.optim.Adam(groups) if adam else torch.optim.SGD(groups, momentum=0.9)
    schedule = make(optimizer)
    rows = []
    for t in range(STEPS):
        first, second = optimizer.param_groups
        rows.append((first["lr"], second["lr"], first["betas"][0] if adam else first["momentum"]))
        optimizer.step()
        if "plateau" in text:
            schedule.step(METRICS[t])
        else:
            schedule.step()
    lr0, lr1, momentum = map(numbers, zip(*rows))
    print(f'    {{"{text}", {lr0}, {lr1}, {momentum}}},')
print("};\n")
print("}  // namespace catena::test")
