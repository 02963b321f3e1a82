#!/usr/bin/env python3
"""Writes torch_net.safetensors, the state dict of a small PyTorch net, and torch_net.npz, an input and
what the net makes of it in evaluation mode. Needs torch, safetensors and numpy.
"""
import pathlib

import numpy as np
import safetensors.torch
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 3, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(3)
        self.lstm = torch.nn.LSTM(12, 5, batch_first=True, bidirectional=True)
        self.attention = torch.nn.MultiheadAttention(10, 2, batch_first=True)
        self.head = torch.nn.Sequential(torch.nn.LayerNorm(10), torch.nn.Linear(10, 4))

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))  # [N, 3, 4, 4]
        x = x.permute(0, 2, 1, 3).flatten(2)  # rows as steps of a sequence: [N, 4, 12]
        x, _ = self.lstm(x)
        x, _ = self.attention(x, x, x, need_weights=False)
        return self.head(x[:, -1])


torch.manual_seed(3)
net = Net()
net.train()
for _ in range(3):
    net(torch.randn(4, 1, 4, 4))  # gathers running statistics
net.eval()
x = torch.randn(2, 1, 4, 4)
with torch.no_grad():
    y = net(x)
here = pathlib.Path(__file__).parent
safetensors.torch.save_file(net.state_dict(), here / "torch_net.safetensors", {"format": "pt"})
np.savez(here / "torch_net.npz", x=x.numpy(), y=y.numpy())
