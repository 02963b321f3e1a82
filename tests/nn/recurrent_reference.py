#!/usr/bin/env python3
"""Writes recurrent_reference.hpp: outputs and gradients of PyTorch's RNN, LSTM and GRU.

    python3 tests/nn/recurrent_reference.py > tests/nn/recurrent_reference.hpp

In float64, input size 2, hidden size 3, 4 steps of 3 sequences. Element i of parameter k is
0.6 sin(1 + i + 5 k), of x sin(1 + 0.7 i), of the initial h and c 0.5 cos(i) and 0.5 cos(2 + i). The
loss is the sum of output, h and c, each element times cos(0.3 i). PyTorch 2.6.0 made the numbers in
the repository.
"""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_default_dtype(torch.float64)
INPUT, HIDDEN, STEPS, BATCH = 2, 3, 4, 3
CASES = [
    # kind, options, lengths
    ("RNN", dict(num_layers=2, bidirectional=True), [2, 4, 1]),
    ("RNN", dict(nonlinearity="relu"), None),
    ("LSTM", dict(num_layers=2, bidirectional=True), [2, 4, 1]),
    ("LSTM", dict(num_layers=2, proj_size=2, batch_first=True), None),
    ("LSTM", dict(bidirectional=True, proj_size=1), [3, 1, 4]),
    ("GRU", dict(num_layers=2, bidirectional=True), [2, 4, 1]),
    ("GRU", dict(bias=False), None),
]


def fill(shape, f):
    n = 1
    for size in shape:
        n *= size
    return f(torch.arange(n, dtype=torch.float64)).reshape(shape)


def weighted(t):
    return (t * fill(t.shape, lambda i: torch.cos(0.3 * i))).sum()


def numbers(t):
    return "{" + ", ".join(repr(round(v, 9)) for v in t.detach().flatten().tolist()) + "}"


def case(kind, options, lengths):
    net = getattr(torch.nn, kind)(INPUT, HIDDEN, **options)
    with torch.no_grad():
        for k, p in enumerate(net.parameters()):
            p.copy_(fill(p.shape, lambda i: 0.6 * torch.sin(1 + i + 5 * k)))
    first = options.get("batch_first", False)
    x = fill((BATCH, STEPS, INPUT) if first else (STEPS, BATCH, INPUT),
             lambda i: torch.sin(1 + 0.7 * i)).requires_grad_()
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    h = fill((rows, BATCH, options.get("proj_size") or HIDDEN),
             lambda i: 0.5 * torch.cos(i)).requires_grad_()
    c = fill((rows, BATCH, HIDDEN), lambda i: 0.5 * torch.cos(2 + i)).requires_grad_()
    state = (h, c) if kind == "LSTM" else h
    if lengths:
        packed = pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        y, last = net(packed, state)
        y, _ = pad_packed_sequence(y, batch_first=first, total_length=STEPS)
    else:
        y, last = net(x, state)
    parts = last if kind == "LSTM" else (last,)
    (weighted(y) + sum(weighted(p) for p in parts)).backward()
    inputs = [x, h] + ([c] if kind == "LSTM" else [])
    names = ", ".join(f'"{n}"' for n, _ in net.named_parameters())
    print("    {" + f"{{{names}}},\n     {numbers(y)},")
    print("     {" + ",\n      ".join(numbers(p) for p in parts) + "},")
    print("     {" + ",\n      ".join(numbers(t.grad) for t in inputs) + "},")
    print("     {" + ",\n      ".join(numbers(p.grad) for p in net.parameters()) + "}},")


print("""// Written by recurrent_reference.py with PyTorch.
#pragma once

#include <string>
#include <vector>

namespace catena::test {

struct RecurrentCase {
  std::vector<std::string> parameters;
  std::vector<double> y;
  std::vector<std::vector<double>> state;                // h, or h and c
  std::vector<std::vector<double>> input_gradients;      // of x and the initial state
  std::vector<std::vector<double>> parameter_gradients;  // in the order of the names
};

inline const std::vector<RecurrentCase> kRecurrentCases = {""")
for one in CASES:
    case(*one)
print("""};

}  // namespace catena::test""")
