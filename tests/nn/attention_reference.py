#!/usr/bin/env python3
"""Writes attention_reference.hpp: outputs and gradients of PyTorch's attention layers.

    python3 tests/nn/attention_reference.py > tests/nn/attention_reference.hpp

In float64, 4 features, 2 heads, 2 sequences of 3 positions, of 5 in the key and memory. Element i of
parameter k is 0.6 sin(1 + i + 5 k), of input k sin(1 + 0.7 i + k). The loss is the sum of the
outputs, element i times cos(0.3 i); of a parameter's gradient that sum is stored. PyTorch 2.6.0 made
the numbers in the repository.
"""
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
E, HEADS, N, L, S = 4, 2, 2, 3, 5
PADDING = torch.tensor([[False, False, True], [False, True, False]])
LONG_PADDING = torch.tensor([[False, False, True, False, True], [False, True, False, False, False]])
CAUSAL = torch.triu(torch.ones(L, L, dtype=torch.bool), 1)


def fill(shape, f):
    n = 1
    for size in shape:
        n *= size
    return f(torch.arange(n, dtype=torch.float64)).reshape(shape)


def given(k, *shape):
    return fill(shape, lambda i: torch.sin(1 + 0.7 * i + k)).requires_grad_()


def weighted(t):
    return (t * fill(t.shape, lambda i: torch.cos(0.3 * i))).sum()


def numbers(t):
    return "{" + ", ".join(repr(round(v, 9)) for v in t.detach().flatten().tolist()) + "}"


def case(net, inputs, run):
    with torch.no_grad():
        for k, p in enumerate(net.parameters()):
            p.copy_(fill(p.shape, lambda i: 0.6 * torch.sin(1 + i + 5 * k)))
    outputs = run(*inputs)
    sum(weighted(t) for t in outputs).backward()
    names = ", ".join(f'"{n}"' for n, _ in net.named_parameters())
    print(f"    {{{{{names}}},\n     {{" + ",\n      ".join(numbers(t) for t in outputs) + "},")
    print("     {" + ",\n      ".join(numbers(t.grad) for t in inputs) + "},")
    print("     " + numbers(torch.stack([weighted(p.grad) for p in net.parameters()])) + "},")


print("""// Written by attention_reference.py with PyTorch.
#pragma once

#include <string>
#include <vector>

namespace catena::test {

struct AttentionCase {
  std::vector<std::string> parameters;
  std::vector<std::vector<double>> outputs;
  std::vector<std::vector<double>> input_gradients;
  std::vector<double> parameter_gradients;  // the weighted sum of each
};

inline const std::vector<AttentionCase> kAttentionCases = {""")

net = nn.MultiheadAttention(E, HEADS)
added = fill((L, L), lambda i: torch.cos(i))
case(net, [given(0, L, N, E)],
     lambda x: net(x, x, x, key_padding_mask=PADDING.double() * -1.5, attn_mask=added))
net = nn.MultiheadAttention(E, HEADS, kdim=3, vdim=2, batch_first=True, bias=False)
case(net, [given(0, N, L, E), given(1, N, S, 3), given(2, N, S, 2)],
     lambda q, k, v: net(q, k, v, key_padding_mask=LONG_PADDING, average_attn_weights=False))
net = nn.MultiheadAttention(E, HEADS)
case(net, [given(0, L, E), given(1, S, E)], lambda q, k: net(q, k, k, need_weights=False)[:1])
layer = nn.TransformerEncoderLayer(E, HEADS, 6, 0.0)
net = nn.TransformerEncoder(layer, 2, nn.LayerNorm(E), enable_nested_tensor=False)
case(net, [given(0, L, N, E)], lambda x: [net(x, mask=CAUSAL, src_key_padding_mask=PADDING)])
net = nn.TransformerEncoderLayer(E, HEADS, 6, 0.0, "gelu", batch_first=True, norm_first=True)
case(net, [given(0, N, L, E)], lambda x: [net(x)])
layer = nn.TransformerDecoderLayer(E, HEADS, 6, 0.0, batch_first=True)
net = nn.TransformerDecoder(layer, 2)
case(net, [given(0, N, L, E), given(1, N, S, E)],
     lambda x, m: [net(x, m, tgt_mask=CAUSAL, memory_key_padding_mask=LONG_PADDING)])
net = nn.TransformerDecoderLayer(E, HEADS, 6, 0.0, norm_first=True)
case(net, [given(0, L, N, E), given(1, S, N, E)], lambda x, m: [net(x, m)])
print("""};

}  // namespace catena::test""")
