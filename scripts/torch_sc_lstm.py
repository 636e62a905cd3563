"""The peers of `bench_multitask.py` in torch: SC-LSTM from its equations, step by step in Python, and nn.LSTM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn


class SharedCell(nn.Module):
    """One direction of a shared-cell layer; without tasks a plain LSTM.

    f, i, o = s(W h + U x + b), c_hat = tanh(W_c h + U_c x + b_c), c = i c_hat + f c, h = o tanh(c)
    q_k = s(W_k q_k + U_k x + b_k) tanh(c)
    """

    def __init__(self, inputs: int, units: int, tasks: int = 0) -> None:
        super().__init__()
        self.units = units
        self.entry = nn.Linear(inputs, 4 * units)
        self.recurrent = nn.Linear(units, 4 * units, bias=False)
        self.entries = nn.ModuleList([nn.Linear(inputs, units) for _ in range(tasks)])
        self.recurrents = nn.ModuleList([nn.Linear(units, units, bias=False) for _ in range(tasks)])

    def forward(self, x: torch.Tensor, task: int | None, backwards: bool) -> torch.Tensor:
        """Returns `[q_k; h]` of each step, or `h`: `(batch, time, width)`."""
        h = c = q = x.new_zeros(x.shape[0], self.units)
        outputs = []
        steps = range(x.shape[1])
        for t in reversed(steps) if backwards else steps:
            f, i, o, new = (self.entry(x[:, t]) + self.recurrent(h)).chunk(4, -1)
            c = torch.sigmoid(i) * torch.tanh(new) + torch.sigmoid(f) * c
            h = torch.sigmoid(o) * torch.tanh(c)
            if task is None:
                outputs.append(h)
                continue
            gate = torch.sigmoid(self.entries[task](x[:, t]) + self.recurrents[task](q))
            q = gate * torch.tanh(c)
            outputs.append(torch.cat([q, h], -1))
        return torch.stack(outputs[::-1] if backwards else outputs, 1)


class Network(nn.Module):
    """Words and casing into stacked layers in both directions, and a softmax for each task.

    Args:
        words: Rows and width of the word table.
        units: Units of each direction.
        layers: Number of layers, task gates at the top.
        labels: Labels of each task.
        fused: Whether `nn.LSTM` takes the place of the layers, without task gates.
    """

    def __init__(
        self, words: tuple[int, int], units: int, layers: int, labels: Sequence[int], fused: bool = False
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(*words)
        self.casing = nn.Embedding(8, 8)
        self.drop = nn.Dropout(0.5)
        width = words[1] + 8
        self.fused = nn.LSTM(width, units, layers, batch_first=True, bidirectional=True, dropout=0.5) if fused else None
        self.cells = nn.ModuleList()
        for number in range(0 if fused else layers):
            tasks = len(labels) if number == layers - 1 else 0
            self.cells.append(nn.ModuleList([SharedCell(width, units, tasks) for _ in range(2)]))
            width = 2 * units
        self.outputs = nn.ModuleList([nn.Linear(2 * units if fused else 4 * units, count) for count in labels])

    def forward(self, words: torch.Tensor, casing: torch.Tensor, task: int) -> torch.Tensor:
        """Returns the scores of a task's labels, `(batch, time, labels)`."""
        x = self.drop(torch.cat([self.words(words), self.casing(casing)], -1))
        if self.fused is not None:
            x = self.drop(self.fused(x)[0])
        for number, pair in enumerate(self.cells):
            wanted = task if number == len(self.cells) - 1 else None
            x = self.drop(torch.cat([cell(x, wanted, bool(turn)) for turn, cell in enumerate(pair)], -1))
        return self.outputs[task](x)


def torch_step(batch: dict[str, np.ndarray], labels: Sequence[np.ndarray], network: Network) -> Callable[[int], Any]:
    """Returns a training step, as the paper has it: Adam, clipping at 5."""
    words, casing = (torch.as_tensor(batch[name]).long() for name in ("words", "casing"))
    gold = [torch.as_tensor(one).long() for one in labels]
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def step(task: int) -> float:
        optimizer.zero_grad()
        scores = network(words, casing, task)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), gold[task].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        return float(loss.detach())

    return step
