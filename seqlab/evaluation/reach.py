"""Which weights a batch of each task moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

MOVED, STILL = "x", "."


def gradient_reach(model: Any, batches: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """Takes a training step on a batch of each task and tells which weights it moves; then puts everything back.

    Args:
        model: A compiled `MultiTaskTagger`, or any model whose weights and optimiser can be read.
        batches: For each task a batch `(inputs, labels)`.

    Returns:
        For each trainable weight, by its path, whether a batch of each task moves it.
    """
    weights = list(model.trainable_variables)
    if not model.optimizer.built:
        model.optimizer.build(weights)  # moments made in the first step could not be put back after it
    # besides the weights: random states of dropout, moments, and what metrics have counted
    state = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    start = [_array(variable) for variable in state]
    at_start = [_array(weight) for weight in weights]
    names = _names(weights)
    found: dict[str, dict[str, bool]] = {name: {} for name in names}
    for task, (inputs, labels) in batches.items():
        model.train_on_batch(inputs, labels)
        for name, weight, before in zip(names, weights, at_start, strict=True):
            found[name][task] = bool((_array(weight) != before).any())
        known = {id(variable) for variable in state}
        for metric in model.metrics:  # those of `compile` are made in the first step
            if any(id(variable) not in known for variable in metric.variables):
                metric.reset_state()
        for variable, before in zip(state, start, strict=True):
            variable.assign(before)
    return found


def reach_table(reach: Mapping[str, Mapping[str, bool]], title: str = "weight") -> str:
    """Returns what `gradient_reach` found as a table for people: `x` where a task's batch moves a weight, else a dot.

    >>> print(reach_table({"lstm/kernel": {"pos": True, "ner": True}, "head_pos/bias": {"pos": True, "ner": False}}))
    weight         pos  ner
    lstm/kernel      x    x
    head_pos/bias    x    .
    """
    tasks = list(next(iter(reach.values()), {}))
    width = max([len(name) for name in reach] + [len(title)])
    rows = [f"{title:<{width}}" + "".join(f"  {task:>3}" for task in tasks)]
    for name, moved in reach.items():
        marks = (f"  {MOVED if moved[task] else STILL:>{max(3, len(task))}}" for task in tasks)
        rows.append(f"{name:<{width}}" + "".join(marks))
    return "\n".join(rows)


def _names(weights: list[Any]) -> list[str]:
    """Paths, with a number where several weights have one."""
    names: list[str] = []
    for weight in weights:
        path, count = str(weight.path), 1
        name = path
        while name in names:
            count += 1
            name = f"{path} ({count})"
        names.append(name)
    return names


def _array(variable: Any) -> np.ndarray:
    return np.array(variable.numpy())
