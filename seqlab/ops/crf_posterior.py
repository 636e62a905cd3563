"""What the distribution over paths of a CRF says beyond its marginals: pairs, entropy, samples, least risk.

Shapes and masks as in `seqlab.ops.crf`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import check_count
from seqlab.ops.chain import (
    argmax,
    compact,
    floats,
    from_chain,
    last_values,
    levelled,
    levelled_whole,
    log_sum_exp,
    to_chain,
)
from seqlab.ops.crf import marginals, viterbi
from seqlab.ops.crf_sets import Rules, constrained
from seqlab.ops.messages import both_sweeps, outlook, sweep
from seqlab.ops.scan import scan

Tensor = Any


def pair_marginals(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Computes the probability of each pair of tags at a token and at the token before it.

        pairs(t)[i, j] = p(y(t') = i, y(t) = j),    t' the last token before t

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Float tensor (batch, time, tags, tags), differentiable: sums to 1 at each token that has a token before it,
        0 at the first token and where masked. Its sums over rows and columns are the marginals of the two tokens.

    >>> zeros = ops.zeros((2,))
    >>> pairs = pair_marginals(ops.zeros((1, 2, 2)), [[True, True]], ops.zeros((2, 2)), zeros, zeros)
    >>> ops.convert_to_numpy(pairs)[0, 1].tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    found = both_sweeps(scores, mask, transitions, start, end)
    alphas = ops.roll(levelled(found.messages + found.x)[0], 1, axis=0)  # of the token before
    futures = levelled(found.x + found.returns)[0]
    logs = alphas[..., :, None] + found.transitions + futures[..., None, :]  # (time, batch, tags, tags)
    tags = found.transitions.shape[-1]
    shape = ops.shape(found.x)
    logs = ops.reshape(logs, (shape[0], shape[1], tags * tags))
    shares = ops.exp(logs - log_sum_exp(logs, axis=-1, keepdims=True))
    shares = from_chain(ops.where(found.chain.pairs[..., None], shares, 0), found.chain)
    return ops.reshape(shares, (shape[1], shape[0], tags, tags))


def entropy(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Computes the entropy of the distribution over paths, in nats.

        H(t)[i] = sum over j of p(y(t+1) = j | y(t) = i) (H(t+1)[j] - log p(y(t+1) = j | y(t) = i))

    A sum of terms of at least 0: nothing cancels. Takes about the time of the logarithmic recursions.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Float tensor (batch,), differentiable: between 0 and tokens * log(tags), 0 for a row without tokens.

    >>> zeros = ops.zeros((2,))
    >>> found = entropy(ops.zeros((1, 3, 2)), [[True] * 3], ops.zeros((2, 2)), zeros, zeros)
    >>> round(float(ops.exp(found[0])), 4)  # eight equal paths
    8.0

    Reference: Hernando, Crespi and Cybenko, Efficient computation of the hidden Markov model entropy for a given
    observation sequence, IEEE Transactions on Information Theory 2005.
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    chain = compact(mask)
    x, _ = levelled(to_chain(scores, chain))

    def expected(logits: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        norms = log_sum_exp(logits, axis=-1, keepdims=True)
        logs = logits - norms
        return norms[..., 0], ops.sum(ops.exp(logs) * (after - logs), axis=-1)

    def step(state: tuple[Tensor, Tensor], inputs: tuple[Tensor, Tensor]) -> tuple[Any, Any]:
        (message, after), (x_t, valid) = state, inputs
        future, _ = levelled(message + x_t)  # (batch, tags)
        norms, sums = expected(future[:, None, :] + transitions, after[:, None, :])
        return (ops.where(valid, norms, message), ops.where(valid, sums, after)), state

    init = (ops.zeros_like(x[0]) + end, ops.zeros_like(x[0]))
    _, (messages, sums) = scan(step, init, (x, chain.mask[..., None]), reverse=True)
    found = expected(start + x[0] + messages[0], sums[0])[1]
    return ops.where(chain.lengths > 0, found, 0)


def sample(
    scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor, count: int, seed: Any = None
) -> Tensor:
    """Draws paths from the CRF's distribution: filters forwards once, then samples backwards.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).
        count: How many independent paths for each row, at least 1.
        seed: A number, which gives the same draw each time, or a `keras.random.SeedGenerator`, which goes on.
            `None` takes the generator of Keras.

    Returns:
        Labels (batch, count, time), int32, `IGNORE` at masked positions.

    Raises:
        SettingsError: For `count` below 1.

    >>> zeros = ops.zeros((2,))
    >>> drawn = sample([[[0.0, 9e3]] * 3], [[True, False, True]], ops.zeros((2, 2)), zeros, zeros, count=1, seed=1)
    >>> ops.convert_to_numpy(drawn).tolist()
    [[[1, -1, 1]]]
    """
    check_count("count", count)
    scores, transitions, start, end = floats(scores, transitions, start, end)
    chain = compact(mask)
    x, _ = levelled(to_chain(scores, chain))
    transitions, start, end = (levelled_whole(part)[0] for part in (transitions, start, end))
    alphas = x + sweep(x, chain.mask, transitions, start, outlook(x, transitions, start, end))[0]
    noise = _gumbel(x, count, seed)  # the place of the greatest of log p + noise is distributed as p
    final = (last_values(alphas, chain) + end)[:, None, :]  # (batch, 1, tags)
    into = ops.transpose(transitions)  # (to, from)

    def backward(after: Tensor, inputs: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        alpha, noise_t, last = inputs
        logits = ops.where(last[:, None, None], final, alpha[:, None, :] + ops.take(into, after, axis=0))
        label = argmax(logits + noise_t)  # (batch, count)
        return label, label

    init = ops.zeros_like(noise[0, :, :, 0], dtype="int32")
    _, paths = scan(backward, init, (alphas, noise, chain.last), reverse=True)
    labels = from_chain(ops.where(chain.mask[..., None], paths, IGNORE), chain)  # (batch, time, count)
    return ops.transpose(labels, (0, 2, 1))


def _gumbel(x: Tensor, count: int, seed: Any) -> Tensor:
    shape = ops.shape(x)
    uniform = keras.random.uniform((shape[0], shape[1], count, x.shape[-1]), minval=1e-30, seed=seed)
    return ops.cast(-ops.log(-ops.log(uniform)), x.dtype)  # (time, batch, count, tags)


def posterior_decode(
    scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor, rules: Rules | None = None
) -> tuple[Tensor, Tensor]:
    """Finds the path with the greatest expected number of right tags (minimum risk), where Viterbi maximises p.

        argmax over y of sum over t of p(y(t))

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).
        rules: The paths to choose from. `None` allows all, those that the transitions forbid included: then each
            token gets the tag of its greatest marginal.

    Returns:
        Labels (batch, time), int32, `IGNORE` at masked positions; and the expected numbers (batch,).

    >>> zeros = ops.zeros((2,))
    >>> labels, right = posterior_decode([[[9.0, 0.0]]], [[True]], ops.zeros((2, 2)), zeros, zeros)
    >>> ops.convert_to_numpy(labels).tolist(), round(float(right[0]), 3)
    ([[0]], 1.0)
    """
    shares = marginals(scores, mask, transitions, start, end)
    free = [ops.zeros(part.shape, shares.dtype) for part in floats(transitions, start, end)]
    if rules is not None:
        return viterbi(shares, mask, *constrained(free[0], free[1], free[2], rules))
    labels = ops.where(ops.cast(mask, "bool"), argmax(shares), IGNORE)
    return labels, ops.sum(ops.amax(shares, axis=-1), axis=-1)
