"""The recursions behind `seqlab.ops.crf`: rows without holes, messages along a chain, sums over pairs."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seqlab.ops.order import order_of
from seqlab.ops.scan import scan

Tensor = Any

SAFE_RANGE = 60.0
"""Greatest spread of log-space values for which products of float32 exponentials lose nothing: exp(-60) is
still a normal number, and so are sums of exp(60)."""


class Chain(NamedTuple):
    """Where the tokens stand, once each row is packed to the left and time comes first."""

    mask: Tensor  # (time, batch), true at the first `lengths` steps
    pairs: Tensor  # (time, batch), true at tokens that have a token before them
    last: Tensor  # (time, batch), true at the last token of each row
    lengths: Tensor  # (batch,)
    rows: Tensor  # (time, batch), places in the flattened (batch * time)
    places: Tensor  # (batch, time), places in the flattened (time * batch)


def compact(mask: Tensor) -> Chain:
    """Packs the tokens of each row to the left, so that holes vanish and neighbours stand side by side.

    Args:
        mask: Boolean tensor (batch, time).

    Returns:
        The chain. Its indices transpose to time first in the same gather.
    """
    order = order_of(mask)
    steps = ops.arange(ops.shape(order.valid)[0], dtype="int32")[:, None]
    return Chain(
        mask=order.valid,
        pairs=ops.logical_and(order.valid, steps > 0),
        last=ops.equal(steps, order.lengths - 1),
        lengths=order.lengths,
        rows=order.rows,
        places=order.places,
    )


def to_chain(scores: Tensor, chain: Chain) -> Tensor:
    """Brings (batch, time, tags) into the chain's order, (time, batch, tags), with 0 after the last token."""
    flat = ops.reshape(scores, (-1, scores.shape[-1]))
    return ops.where(chain.mask[..., None], ops.take(flat, chain.rows, axis=0), 0)


def from_chain(values: Tensor, chain: Chain) -> Tensor:
    """Brings (time, batch, tags) back to where the tokens stood, (batch, time, tags)."""
    return ops.take(ops.reshape(values, (-1, values.shape[-1])), chain.places, axis=0)


def last_values(values: Tensor, chain: Chain) -> Tensor:
    """Picks the last token's values: (time, batch, tags) to (batch, tags)."""
    batch = ops.shape(chain.lengths)[0]
    rows = ops.maximum(chain.lengths - 1, 0) * batch + ops.arange(batch, dtype="int32")
    return ops.take(ops.reshape(values, (-1, values.shape[-1])), rows, axis=0)


def log_sum_exp(x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    """The logarithm of a sum of exponentials, exact for finite values of any size."""
    top = ops.amax(x, axis=axis, keepdims=True)
    total = ops.log(ops.sum(ops.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else ops.squeeze(total, axis)


def levelled(x: Tensor) -> tuple[Tensor, Tensor]:
    """Takes the greatest value of the last axis away: float32 is then most precise where it matters most."""
    tops = ops.amax(x, axis=-1, keepdims=True)
    return x - tops, tops


def products_are_exact(x: Tensor, transitions: Tensor, *edges: Tensor) -> Tensor:
    """Tells whether the recursions may multiply exponentials instead of adding logarithms.

    A message differs between two tags by no more than the transitions do, and a token adds no more than its
    scores do; so these spreads bound every term of every sum before any is computed.

    Args:
        x: Scores (time, batch, tags), 0 after the last token.
        transitions: (tags, tags).
        *edges: Start and end scores (tags,).

    Returns:
        A boolean scalar; false for NaN.
    """
    moved = ops.amax(transitions) - ops.amin(transitions)
    emitted = ops.amax(ops.amax(x, axis=-1) - ops.amin(x, axis=-1))
    entered = moved
    for edge in edges:
        entered = ops.maximum(entered, ops.amax(edge) - ops.amin(edge))
    return emitted + entered + moved <= SAFE_RANGE


def sweep(
    x: Tensor, mask: Tensor, transitions: Tensor, first: Tensor, products: Tensor, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Passes messages along the chain.

        message(1)[j] = first[j]
        alpha(t)[i] = message(t)[i] + x(t)[i] - shift(t),    shift(t) = max over i of the same
        message(t+1)[j] = log sum over i of exp(alpha(t)[i] + transitions[i, j])

    Taking the greatest value away at each step keeps the full precision of float32 however long the chain is.

    Args:
        x: Scores (time, batch, tags).
        mask: Boolean tensor (time, batch).
        transitions: (tags, tags), from row to column of this sweep: transposed when it runs backwards.
        first: Message into the first token met, (tags,).
        products: Boolean scalar of `products_are_exact`.
        reverse: Whether to run from the end.

    Returns:
        Messages (time, batch, tags) and shifts (time, batch, 1).
    """
    top = ops.amax(transitions)
    factors = ops.exp(transitions - top)

    def by_products(alpha: Tensor) -> Tensor:
        # Not `ops.matmul`, which rounds float64 to float32 on torch.
        return ops.log(ops.exp(alpha) @ factors) + top

    def by_logarithms(alpha: Tensor) -> Tensor:
        return log_sum_exp(alpha[:, :, None] + transitions, axis=1)

    def run(advance: Any) -> tuple[Tensor, Tensor]:
        def step(message: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            x_t, mask_t = inputs
            alpha, shift = levelled(message + x_t)  # (batch, tags), (batch, 1)
            return ops.where(mask_t, advance(alpha), message), (message, shift)

        init = ops.zeros_like(x[0]) + first
        outputs: tuple[Tensor, Tensor] = scan(step, init, (x, mask[..., None]), reverse=reverse)[1]
        return outputs

    result: tuple[Tensor, Tensor] = ops.cond(products, lambda: run(by_products), lambda: run(by_logarithms))
    return result


def pair_sums(
    alphas: Tensor, futures: Tensor, weights: Tensor, pairs: Tensor, transitions: Tensor, products: Tensor
) -> Tensor:
    """Adds up the probabilities of neighbouring tags over time and rows.

        sums[i, j] = sum over t, b of weights[b] exp(alpha(t-1, b)[i] + transitions[i, j] + future(t, b)[j])

    Args:
        alphas: (time, batch, tags), the greatest of each token 0.
        futures: (time, batch, tags), normalised so that each exponential is a probability.
        weights: (batch,).
        pairs: Boolean tensor (time, batch), true at tokens that have a token before them.
        transitions: (tags, tags).
        products: Boolean scalar of `products_are_exact`.

    Returns:
        (tags, tags).
    """
    alphas = ops.roll(alphas, 1, axis=0)
    futures = ops.where(pairs[..., None], futures, -1e30)

    def by_products() -> Tensor:
        # In the safe range a future is at most SAFE_RANGE above the greatest transition: nothing overflows.
        top = ops.amax(transitions)
        tags = transitions.shape[-1]
        left = ops.reshape(ops.exp(alphas), (-1, tags))
        right = ops.reshape(ops.exp(futures + top) * weights[:, None], (-1, tags))
        return ops.exp(transitions - top) * (ops.transpose(left) @ right)

    def by_logarithms() -> Tensor:
        def step(total: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[()]]:
            alpha, future = inputs
            logs = alpha[:, :, None] + transitions + future[:, None, :]  # (batch, tags, tags)
            return total + ops.sum(ops.exp(logs) * weights[:, None, None], axis=0), ()

        return scan(step, ops.zeros_like(transitions), (alphas, futures))[0]

    return ops.cond(products, by_products, by_logarithms)
