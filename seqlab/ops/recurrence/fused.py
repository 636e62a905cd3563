"""Runs a recurrence over whole sequences, with a backward pass through time derived by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from seqlab.ops.differentiable import differentiable
from seqlab.ops.packing import Packing
from seqlab.ops.recurrence.kernel import Kernel, as_tensors
from seqlab.ops.recurrence.layouts import Layout, Packed, Padded, rows_of

Tensor = Any
Tensors = tuple[Tensor, ...]


class Stream(NamedTuple):
    """One recurrence over one batch of sequences.

    Attributes:
        inputs: What each step reads, each (time, batch, width): pre-activations first.
        weights: The kernel's weights, `None` for one that is absent.
        initial: States before the first step, each (batch, width).
        valid: (time, batch) booleans, true before the end of each row; `None` where all rows have all steps, and for
            packed inputs.
    """

    inputs: Tensors
    weights: Any
    initial: Tensors
    valid: Tensor | None = None


def fused(
    kernel: Kernel,
    streams: Sequence[Stream],
    outputs: int = 1,
    truncation: int | None = None,
    packing: Packing | None = None,
) -> list[Tensors]:
    """Runs the kernel over several streams (the two directions of a layer) in one loop over time.

    Kept for the backward pass are the states and one tensor of the kernel's for each step: in floats a token, 5 or 6
    times the units for an LSTM, 4 or 5 for a GRU, 6 and 1 for each task for an SC-LSTM. After a row's end the states
    are zeros, and what the steps compute there reaches no gradient.

    Args:
        kernel: The recurrence.
        streams: All of the same length.
        outputs: How many of the state sequences to return, and to take gradients of.
        truncation: No gradient flows from step `n * truncation` to the step before it; states do. `None` for no cut.
        packing: Of packed inputs, (1, tokens, width), and sorted states and dropout; on TensorFlow without XLA alone.

    Returns:
        For each stream its state sequences, (time, batch, width), or packed: the outputs first.
    """
    layout: Layout = Padded() if packing is None else Packed(packing)
    streams = [Stream(*as_tensors(tuple(stream))) for stream in streams]
    # Absent weights and masks stay out of what is differentiated.
    flat = keras.tree.flatten([tuple(stream) for stream in streams])
    present = [x is not None for x in flat]
    read = [_read(kernel, stream) for stream in streams]  # the passes hold no tensors of `streams`

    def grouped(values: Sequence[Tensor | None]) -> list[Stream]:
        return [Stream(*parts) for parts in keras.tree.pack_sequence_as(read, values)]

    def forward(*given: Tensor) -> tuple[Tensors, Any]:
        left = iter(given)
        found = grouped([next(left) if there else None for there in present])
        kept, states = _forward(kernel, found, truncation, layout)
        leaves = zip(keras.tree.flatten([tuple(s) for s in found]), keras.tree.flatten(read), strict=True)
        needed = [x if wanted else None for x, wanted in leaves]
        saved = (needed, kept, states if kernel.recall is None else None)
        return tuple(x for sequences in states for x in sequences[:outputs]), saved

    def backward(saved: Any, upstream: Tensors) -> tuple[Tensor | None, ...]:
        needed, kept, states = saved
        sent = [upstream[n * outputs : (n + 1) * outputs] for n in range(len(read))]
        gradients = [tuple(g) for g in _backward(kernel, grouped(needed), kept, states, sent, truncation, layout)]
        return tuple(g for g, there in zip(keras.tree.flatten(gradients), present, strict=True) if there)

    sequences = differentiable(forward, backward)(*[x for x in flat if x is not None])
    return [tuple(sequences[n * outputs : (n + 1) * outputs]) for n in range(len(streams))]


def _forward(
    kernel: Kernel, streams: list[Stream], truncation: int | None, layout: Layout
) -> tuple[list[Tensor], list[Tensors]]:
    initial = tuple(tuple(stream.initial) for stream in streams)
    inputs = tuple(kernel.prepared(stream.inputs) for stream in streams)
    # Second derivatives go through this loop too, so the cuts stand here as well.
    cuts = () if truncation is None else (_after_cuts(layout.numbers(inputs[0][0]), truncation),)

    def step(carry: Any, read: Any) -> Any:
        entered, *cut = read
        after = [
            kernel.step(x, states, layout.at_step(stream.weights, rows_of(x)))
            for x, states, stream in zip(entered, _cut(carry, *cut), streams, strict=True)
        ]
        return tuple(states for states, _ in after), tuple((kept, *states) for states, kept in after)

    _, found = layout.scan(step, initial, (inputs, *cuts))
    # After a row's end states may overflow, and 0 * inf is NaN: they end here.
    states = [
        tuple(after if stream.valid is None else ops.where(stream.valid[..., None], after, 0) for after in sequences)
        for (_, *sequences), stream in zip(found, streams, strict=True)
    ]
    return [kept for kept, *_ in found], states


def _backward(
    kernel: Kernel,
    streams: list[Stream],
    kept: list[Tensor],
    states: list[Tensors] | None,
    upstream: list[Tensors],
    truncation: int | None,
    layout: Layout,
) -> list[Stream]:
    kept = [
        own if stream.valid is None else ops.where(stream.valid[..., None], own, 0)
        for own, stream in zip(kept, streams, strict=True)
    ]
    if states is None:
        states = [kernel.recall(stream.inputs, own) for own, stream in zip(kept, streams, strict=True)]
    numbers = layout.numbers(kept[0])
    before = [
        tuple(layout.before(after, first) for after, first in zip(states[n], stream.initial, strict=True))
        for n, stream in enumerate(streams)
    ]
    if truncation is not None:
        before = _cut(before, _after_cuts(numbers, truncation))
    weights = [layout.in_bulk(stream.weights) for stream in streams]
    factors = []
    for n, stream in enumerate(streams):
        local = kernel.factors(stream.inputs, kept[n], states[n], before[n], weights[n])
        factors.append(local if stream.valid is None else ops.where(stream.valid[..., None], local, 0))
    cuts = () if truncation is None else (_cuts(numbers, truncation, kept[0].dtype),)

    def step(carry: Any, read: Any) -> Any:
        sent, local, *cut = read
        after = []
        for received, own, factor, stream in zip(carry, sent, local, streams, strict=True):
            if cut:
                received = tuple(x * cut[0] for x in received)
            total = tuple(x + own[k] if k < len(own) else x for k, x in enumerate(received))
            after.append(kernel.back(total, factor, layout.at_step(stream.weights, rows_of([factor]))))
        return tuple(carried for carried, _ in after), tuple(deltas for _, deltas in after)

    zeros = tuple(tuple(layout.nothing(first) for first in stream.initial) for stream in streams)
    first, deltas = layout.scan(step, zeros, (tuple(upstream), tuple(factors), *cuts), reverse=True)
    found = []
    for n, stream in enumerate(streams):
        inputs, summed = kernel.gradients(deltas[n], stream.inputs, kept[n], states[n], before[n], weights[n])
        initial = tuple(layout.grown(one, given) for one, given in zip(first[n], stream.initial, strict=True))
        found.append(Stream(inputs, summed, initial, None))
    return found


def _read(kernel: Kernel, stream: Stream) -> Any:
    """Which tensors of a stream the backward pass reads."""
    all_of = keras.tree.map_structure(lambda x: True, tuple(stream))
    return (tuple(n in kernel.reads for n in range(len(stream.inputs))), *all_of[1:])


def _after_cuts(numbers: Tensor, truncation: int) -> Tensor:
    """True at steps that send no gradient to the one before them; nothing is cut before the first."""
    return ops.logical_and(numbers % truncation == 0, numbers > 0)


def _cut(states: Any, where: Tensor | None = None) -> Any:
    """The states before steps, as constants where those are cut off from their history."""
    if where is None:
        return states
    return keras.tree.map_structure(lambda x: ops.where(where, ops.stop_gradient(x), x), states)


def _cuts(numbers: Tensor, truncation: int, dtype: Any) -> Tensor:
    """0 at steps to which no gradient comes from the next one, 1 elsewhere."""
    return ops.cast((numbers + 1) % truncation != 0, dtype)
