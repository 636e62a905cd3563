"""A loop over time on every backend."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras

Tensors = Any  # a tensor, or a (nested) tuple of tensors
Step = Callable[[Tensors, Tensors], tuple[Tensors, Tensors]]


def scan(
    step: Step,
    init: Tensors,
    xs: Tensors = None,
    reverse: bool = False,
    length: int | None = None,
    alike: bool = False,
    unroll: int = 1,
) -> tuple[Tensors, Tensors]:
    """Runs `step` over the leading axis of `xs`, carrying a state.

        state(t), out(t) = step(state(t - 1), x(t))

    Differentiable on every backend. On TensorFlow the number of steps may be unknown when the graph is
    traced, the loop compiles under `jit_compile=True` with its gradient, and `step` is traced `2 * unroll` times.

    Args:
        step: Function of the state and of one slice of `xs`, to the new state (same structure, shapes and
            dtypes) and to the output of that step. An empty tuple is an output too.
        init: State before the first step: a tensor or a tuple of tensors.
        xs: Tensor or tuple of tensors, time first; at least one step. `None` gives `step` a `None` each time.
        reverse: Whether to run from the last step to the first; outputs keep their places.
        length: Number of steps, needed where `xs` is `None`, not given otherwise.
        alike: Whether TensorFlow may write all outputs as one: of one dtype and shape, but for a known last axis.
        unroll: Steps in one turn of TensorFlow's loop, which costs less for each; `xs` holds a multiple of it.

    Returns:
        The final state and the outputs, stacked on a new leading axis of time.

    Raises:
        ValueError: Where not exactly one of `xs` and `length` is given, or the backend is unknown.

    >>> total, sums = scan(lambda s, x: (s + x, s + x), keras.ops.zeros(()), keras.ops.arange(4.0))
    >>> keras.ops.convert_to_numpy(sums).tolist()
    [0.0, 1.0, 3.0, 6.0]
    """
    if (xs is None) == (length is None):
        raise ValueError(
            f"`scan` takes either `xs` or `length`. Received: xs {'absent' if xs is None else 'present'}, "
            f"length={length}. Give `length` only where there is nothing to read."
        )
    backend = keras.backend.backend()
    if backend not in _SCANS:
        raise ValueError(f"`scan` knows the backends {', '.join(_SCANS)}. Received: {backend!r}.")
    init, xs = keras.tree.map_structure(lambda x: None if x is None else keras.ops.convert_to_tensor(x), (init, xs))
    if alike and backend == "tensorflow":
        return _scan_alike(step, init, xs, reverse, length, unroll)
    if unroll > 1 and backend == "tensorflow":
        return _scan_unrolled(step, init, xs, reverse, unroll)
    return _SCANS[backend](step, init, xs, reverse, length)


def _scan_unrolled(step: Step, init: Tensors, xs: Tensors, reverse: bool, unroll: int) -> tuple[Tensors, Tensors]:
    shape, tree = keras.ops.shape, keras.tree
    flat = tree.flatten(xs)
    turns = shape(flat[0])[0] // unroll

    def turn(state: Tensors, inputs: list[Tensors]) -> tuple[Tensors, Tensors]:
        steps = list(zip(*[keras.ops.unstack(part, unroll) for part in inputs], strict=True))
        outs = []
        for parts in reversed(steps) if reverse else steps:
            state, out = step(state, tree.pack_sequence_as(xs, list(parts)))
            outs.append(out)
        return state, tree.map_structure(lambda *parts: keras.ops.stack(parts), *(outs[::-1] if reverse else outs))

    slabs = [keras.ops.reshape(x, (turns, unroll, *shape(x)[1:])) for x in flat]
    state, outs = scan(turn, init, slabs, reverse)
    return state, tree.map_structure(lambda x: keras.ops.reshape(x, (turns * unroll, *shape(x)[2:])), outs)


def _scan_jax(step: Step, init: Tensors, xs: Tensors, reverse: bool, length: int | None) -> tuple[Tensors, Tensors]:
    import jax

    state, outs = jax.lax.scan(step, init, xs, length=length, reverse=reverse)
    return state, outs


def _scan_torch(step: Step, init: Tensors, xs: Tensors, reverse: bool, length: int | None) -> tuple[Tensors, Tensors]:
    import torch

    steps = range(length if length is not None else keras.tree.flatten(xs)[0].shape[0])
    state, outs = init, []
    for t in reversed(steps) if reverse else steps:
        inputs = None if xs is None else keras.tree.map_structure(lambda x, t=t: x[t], xs)
        state, out = step(state, inputs)
        outs.append(out)
    if reverse:
        outs.reverse()
    return state, keras.tree.map_structure(lambda *parts: torch.stack(parts), *outs)


def _scan_tensorflow(
    step: Step, init: Tensors, xs: Tensors, reverse: bool, length: int | None
) -> tuple[Tensors, Tensors]:
    import tensorflow as tf

    steps = length if length is not None else keras.ops.shape(keras.tree.flatten(xs)[0])[0]

    def array(x: Any) -> Any:
        return tf.TensorArray(x.dtype, size=steps, element_shape=x.shape)

    readers = None if xs is None else keras.tree.map_structure(lambda x: array(x[0]).unstack(x), xs)

    def advance(count: Any, state: Tensors) -> tuple[Any, Tensors, Tensors]:
        t = steps - 1 - count if reverse else count
        inputs = None if xs is None else keras.tree.map_structure(lambda reader: reader.read(t), readers)
        state, out = step(state, inputs)
        return t, state, out

    # The first step runs outside the loop: its outputs give the arrays the dtypes and shapes that XLA needs.
    t, state, first = advance(tf.constant(0), init)
    writers = [array(part).write(t, part) for part in keras.tree.flatten(first)]

    def body(count: Any, state: Tensors, writers: list[Any]) -> tuple[Any, Tensors, list[Any]]:
        t, state, out = advance(count, state)
        parts = keras.tree.flatten(out)
        return count + 1, state, [writer.write(t, part) for writer, part in zip(writers, parts, strict=True)]

    # XLA differentiates a loop only where it knows the greatest number of turns.
    _, state, writers = tf.while_loop(
        lambda count, *_: count < steps, body, (tf.constant(1), state, writers), maximum_iterations=steps - 1
    )
    return state, keras.tree.pack_sequence_as(first, [writer.stack() for writer in writers])


def scan_packed(step: Step, init: Tensors, xs: Tensors, sizes: Any, reverse: bool = False) -> tuple[Tensors, Tensors]:
    """Runs `step` over packed sequences, on TensorFlow: every step reads as many rows as it has.

    Forwards a step sees the first rows of the state, in reverse zeros for rows that the state lacks.

    Args:
        step: As in `scan`; its outputs are of one dtype and shape, but for a known last axis.
        init: State before the first step, for at least as many rows as that step has; in reverse for at most as many.
        xs: Tensor or tuple of tensors (tokens, width), one step's rows after the other's.
        sizes: (steps,) how many rows each step has, falling; at least one step.
        reverse: Whether to run from the last step to the first.

    Returns:
        The final state and the outputs, packed as `xs`.

    Raises:
        ValueError: On another backend, or under XLA.
    """
    _check_loops()
    import tensorflow as tf

    # Sizes that are known when a graph is made would be taken for those of every step by second derivatives.
    sizes = sizes if tf.executing_eagerly() else tf.compat.v1.placeholder_with_default(sizes, (None,))
    steps = tf.shape(sizes)[0]

    def array(x: Any) -> Any:
        return tf.TensorArray(x.dtype, size=steps, element_shape=(None, *x.shape[1:]), infer_shape=False)

    readers = keras.tree.map_structure(lambda x: array(x).split(x, sizes), xs)
    shapes = _resizes(sizes, tf.shape(keras.tree.flatten(init)[0])[0], reverse)
    resize = tf.TensorArray(shapes.dtype, size=steps, element_shape=shapes.shape[1:]).unstack(shapes)

    def advance(count: Any, state: Tensors) -> tuple[Any, Tensors, Any, Tensors]:
        t = steps - 1 - count if reverse else count
        shape = resize.read(t)
        state = keras.tree.map_structure(lambda part: _resized(part, shape, reverse), state)
        state, out = step(state, keras.tree.map_structure(lambda reader: reader.read(t), readers))
        return t, state, tf.concat(keras.tree.flatten(out), axis=-1), out

    t, state, whole, like = advance(tf.constant(0), init)

    def body(count: Any, state: Tensors, writer: Any) -> tuple[Any, Tensors, Any]:
        t, state, out, _ = advance(count, state)
        return count + 1, state, writer.write(t, out)

    known = keras.tree.map_structure(lambda part: tf.TensorShape((None, *part.shape[1:])), state)
    first = (tf.constant(1), state, array(whole).write(t, whole))
    invariants = (tf.TensorShape(()), known, tf.TensorShape(None))
    _, state, writer = tf.while_loop(lambda count, *_: count < steps, body, first, shape_invariants=invariants)
    return state, _apart(writer.concat(), like)


def _resizes(sizes: Any, rows: Any, reverse: bool) -> Any:
    """What each step makes of the rows before it, for all steps at once: steps of few operations cost little."""
    import tensorflow as tf

    if not reverse:
        return tf.stack([sizes, tf.fill(tf.shape(sizes), -1)], axis=1)  # (steps, 2): the rows to keep
    more = sizes - tf.concat([sizes[1:], rows[None]], axis=0)
    return tf.pad(more[:, None, None], [[0, 0], [0, 1], [1, 0]])  # (steps, 2, 2): rows to add below


def _resized(state: Any, shape: Any, reverse: bool) -> Any:
    import tensorflow as tf

    found = tf.pad(state, shape) if reverse else tf.slice(state, [0, 0], shape)
    return tf.ensure_shape(found, (None, *state.shape[1:]))


def _scan_alike(
    step: Step, init: Tensors, xs: Tensors, reverse: bool, length: int | None, unroll: int
) -> tuple[Tensors, Tensors]:
    like: list[Any] = []

    def joined(state: Tensors, inputs: Tensors) -> tuple[Tensors, Tensors]:
        state, out = step(state, inputs)
        like[:] = [out]
        return state, keras.ops.concatenate(keras.tree.flatten(out), axis=-1)

    state, whole = scan(joined, init, xs, reverse, length, unroll=unroll)
    return state, _apart(whole, like[0])


def _apart(whole: Any, like: Tensors) -> Tensors:
    """Cuts the last axis as `like` was joined."""
    *ends, _ = itertools.accumulate(part.shape[-1] for part in keras.tree.flatten(like))
    return keras.tree.pack_sequence_as(like, keras.ops.split(whole, ends, axis=-1) if ends else [whole])


_SCANS = {"tensorflow": _scan_tensorflow, "jax": _scan_jax, "torch": _scan_torch}


def tensorflow_loops() -> bool:
    """Whether loops are TensorFlow's own, not XLA's: steps may be of any number of rows, and every turn costs."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None:
        context = graph._get_control_flow_context()
        while context is not None:
            if context.IsXLAContext():
                return False
            context = context.outer_context
        graph = getattr(graph, "outer_graph", None)
    return True


def _check_loops() -> None:
    if not tensorflow_loops():
        raise ValueError(
            "Packed sequences have steps of different sizes, which loops of TensorFlow run outside of XLA alone. "
            f"Received: the backend {keras.backend.backend()!r}, or jit_compile=True. Use `scan` with padding there."
        )
