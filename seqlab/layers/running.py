"""How a cell gets over a sequence: masks and order, the fused loop or the plain one, directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.layers.cells.base import Options, Ran, RecurrentCell, Run
from seqlab.ops.masking import sequence_mask
from seqlab.ops.order import Order, order_of, to_steps, to_tokens
from seqlab.ops.packing import pack, packing_of, unpack
from seqlab.ops.scan import scan, tensorflow_loops

Tensor = Any
Tensors = tuple[Tensor, ...]


def run_directions(
    inputs: Tensor | tuple[Tensor, ...],
    mask: Tensor | None,
    directions: Sequence[tuple[RecurrentCell, Tensors, bool]],
    options: Options,
) -> list[tuple[Tensor, Tensors]]:
    """Runs cells over the tokens of a batch.

    Args:
        inputs: (batch, time, width); a tuple of them where each direction has its own.
        mask: (batch, time) booleans or `None`.
        directions: For each its cell, its states before the first token, and whether it reads the last token first.
        options: What is wanted.

    Returns:
        For each direction its outputs (batch, time, width), where the tokens stand and zeros elsewhere, and the states
        after the last token that it read.
    """
    read = inputs if isinstance(inputs, tuple) else (inputs,) * len(directions)
    first = directions[0][0]
    together = first.fusable() and all(_alike(first, cell) for cell, *_ in directions[1:])
    # One row has no padding beside others': the plain loop, of fewer operations a step, is faster.
    if together and mask is not None and mask.shape[0] != 1 and tensorflow_loops():
        return _run_packed(read, mask, directions, options)
    runs, orders = [], []
    for x, (cell, states, reverse) in zip(read, directions, strict=True):
        order = None if mask is None else order_of(mask, reverse)
        orders.append((order, reverse))
        runs.append(Run(cell, _steps(x, order, reverse), tuple(states), None if order is None else order.valid))
    if together:
        found = first.run(runs, options)
    else:
        found = [run.cell.run([run], options)[0] if run.cell.fusable() else _loop(run, options) for run in runs]
    return [
        (_tokens(ran.outputs, order, reverse), tuple(ran.states))
        for ran, (order, reverse) in zip(found, orders, strict=True)
    ]


def _run_packed(
    inputs: tuple[Tensor, ...],
    mask: Tensor,
    directions: Sequence[tuple[RecurrentCell, Tensors, bool]],
    options: Options,
) -> list[tuple[Tensor, Tensors]]:
    """As `run_directions`, over the tokens alone, rows sorted by length: padding costs next to nothing."""
    orders = [order_of(mask, reverse) for _, _, reverse in directions]
    packing = packing_of(orders[0])
    runs = [
        Run(cell, pack(x, packing, order), _rows(states, packing.sorting), packing=packing)
        for x, order, (cell, states, _) in zip(inputs, orders, directions, strict=True)
    ]
    found = directions[0][0].run(runs, options)
    return [
        (unpack(ran.outputs, packing, order), _rows(ran.states, packing.ranks) if options.states else tuple(states))
        for ran, order, (_, states, _) in zip(found, orders, directions, strict=True)
    ]


def _rows(states: Sequence[Tensor], places: Tensor) -> Tensors:
    return tuple(ops.take(state, places, axis=0) for state in states)


def mask_of(mask: Tensor | None, inputs: Tensor) -> Tensor | None:
    """Returns a mask (batch, time) of booleans from one, or from lengths (batch,).

    Raises:
        ValueError: For another shape, or a type that is neither boolean nor whole numbers.
    """
    if mask is None:
        return None
    mask = ops.convert_to_tensor(mask)
    kind = keras.backend.standardize_dtype(mask.dtype)
    expected = f"a boolean mask (batch, time) or whole lengths (batch,) for inputs of shape {tuple(inputs.shape)}"
    if len(mask.shape) == 1 and kind.startswith(("int", "uint")):
        _check_sizes(mask.shape, inputs.shape[:1], expected)
        return sequence_mask(mask, ops.shape(inputs)[1])
    if len(mask.shape) != 2 or kind != "bool":
        raise ValueError(f"Expected {expected}; received shape {tuple(mask.shape)} of type {kind}.")
    _check_sizes(mask.shape, inputs.shape[:2], expected)
    return mask


def mask_above(mask: Any, inputs: Tensor, backwards: bool) -> Any:
    """The mask for the layers above one that was given this mask or these lengths, in the order of its outputs."""
    if mask is None or (len(mask.shape) == 1 and isinstance(mask, keras.KerasTensor)):
        return mask  # a model asks again when there are values
    mask = mask_of(mask, inputs) if len(mask.shape) == 1 else mask
    return ops.flip(mask, axis=1) if backwards else mask


def _check_sizes(shape: Any, wanted: Any, expected: str) -> None:
    if any(None not in pair and pair[0] != pair[1] for pair in zip(shape, wanted, strict=True)):
        raise ValueError(f"Expected {expected}; received a mask of shape {tuple(shape)}.")


def _steps(inputs: Tensor, order: Order | None, reverse: bool) -> Tensor:
    if order is not None:
        return to_steps(inputs, order)
    steps = ops.transpose(inputs, (1, 0, 2))
    return ops.flip(steps, axis=0) if reverse else steps


def _tokens(outputs: Tensor, order: Order | None, reverse: bool) -> Tensor:
    if order is not None:
        return to_tokens(outputs, order)
    return ops.transpose(ops.flip(outputs, axis=0) if reverse else outputs, (1, 0, 2))


def _alike(cell: RecurrentCell, other: RecurrentCell) -> bool:
    return type(cell) is type(other) and _bare(cell.get_config()) == _bare(other.get_config())


def _bare(config: Any) -> Any:
    """A config without what may differ between two directions that share a loop."""
    if isinstance(config, dict):
        return {key: _bare(value) for key, value in config.items() if key not in ("name", "trainable", "seed")}
    return config


def _loop(run: Run, options: Options) -> Ran:
    """Step by step, differentiated by the backend; masked steps leave the states as they are."""
    valid = ops.ones(ops.shape(run.steps)[:2], "bool") if run.valid is None else run.valid
    count = ops.arange(ops.shape(run.steps)[0], dtype="int32")

    def step(states: Tensors, read: Any) -> Any:
        x, real, number = read
        if options.truncation is not None:
            cut = ops.logical_and(number % options.truncation == 0, number > 0)
            cut = ops.logical_and(cut, real[:, None])  # nothing happens after a row's end, no cut either
            states = tuple(ops.where(cut, ops.stop_gradient(state), state) for state in states)
        output, after = run.cell(x, list(states), training=options.training)
        kept = tuple(ops.where(real[:, None], new, old) for new, old in zip(after, states, strict=True))
        return kept, output

    states, outputs = scan(step, run.states, (run.steps, valid, count))
    return Ran(run.cell.pick(outputs, options.task), states)
