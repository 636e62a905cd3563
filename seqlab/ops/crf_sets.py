"""Conditional random fields under rules: forbidden moves, sets of allowed tags, and parts of a sentence.

What is forbidden costs `FORBIDDEN` (-1e4), so its probability is 0 in float32. In a sentence that no allowed path
fits, the paths that break fewest rules share all the probability, and log Z falls by 1e4 for each broken rule.

Shapes and masks as in `seqlab.ops.crf`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import floats, levelled, log_sum_exp
from seqlab.ops.crf import log_partition
from seqlab.ops.messages import Sweeps, both_sweeps
from seqlab.ops.order import picked
from seqlab.ops.scan import scan

Tensor = Any


class Rules(NamedTuple):
    """Which sequences of tags are allowed: booleans."""

    transitions: Tensor  # (tags, tags), from row to column
    start: Tensor  # (tags,), for the tag of the first token
    end: Tensor  # (tags,), for the tag of the last token


def constrained(transitions: Tensor, start: Tensor, end: Tensor, rules: Rules) -> tuple[Tensor, Tensor, Tensor]:
    """Replaces the scores of forbidden moves by `FORBIDDEN`, so that every operation of the CRF keeps the rules.

    Forbidden scores get no gradient. Products of exponentials stay exact, so no logarithms are needed.

    Args:
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).
        rules: What is allowed.

    Returns:
        Transitions, start and end.

    >>> rules = Rules(transitions=[[True, False], [True, True]], start=[True, True], end=[True, True])
    >>> found = constrained(ops.ones((2, 2)), ops.zeros((2,)), ops.zeros((2,)), rules)
    >>> ops.convert_to_numpy(found[0]).tolist()
    [[1.0, -10000.0], [1.0, 1.0]]
    """
    parts = map(ops.convert_to_tensor, (transitions, start, end))
    found = [ops.where(ops.cast(rule, "bool"), part, FORBIDDEN) for rule, part in zip(rules, parts, strict=True)]
    return found[0], found[1], found[2]


def set_log_probability(
    scores: Tensor, allowed: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> Tensor:
    """Computes the probability that each token has one of the tags allowed there.

        log p(y(t) in A(t) for all t) = log Z restricted to the sets - log Z

    Its negative is the loss for partial labels. Costs what two `log_partition` cost.

    Args:
        scores: Float tensor (batch, time, tags).
        allowed: Boolean tensor (batch, time, tags), anything at masked positions.
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Float tensor (batch,), at most 0 up to rounding. 0 where all tags are allowed; the log-likelihood where one
        is at each token. An empty set at a token lets all tags pass there at a cost of 1e4, so it lowers the result
        by 1e4 and has no gradient of its own.

    >>> sets = [[[True, True, False], [True, False, False]]]
    >>> zeros = ops.zeros((3,))
    >>> found = set_log_probability(ops.zeros((1, 2, 3)), sets, [[True, True]], ops.zeros((3, 3)), zeros, zeros)
    >>> round(float(ops.exp(found[0])), 4)  # two of nine equal paths
    0.2222

    Reference: Tsuboi et al., Training conditional random fields using incomplete annotations, COLING 2008.
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    scores = scores - ops.stop_gradient(levelled(scores)[1])  # as in `log_likelihood`
    within = scores + ops.where(ops.cast(allowed, "bool"), 0.0, FORBIDDEN)
    return log_partition(within, mask, transitions, start, end) - log_partition(scores, mask, transitions, start, end)


def window_log_probability(
    scores: Tensor,
    mask: Tensor,
    transitions: Tensor,
    start: Tensor,
    end: Tensor,
    rows: Tensor,
    begins: Tensor,
    allowed: Tensor,
) -> Tensor:
    """Computes the probability of many parts of sentences, such as "a span of this type from here to there".

        log p(y(b + k) in A(k) for k = 0 .. width - 1)

    For spans with their boundaries see `span_log_probability`. The messages of a sentence are computed once for all
    windows; each window then costs width * tags ** 2.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).
        rows: Integer tensor (windows,): the sentence of each window.
        begins: Integer tensor (windows,): the position in time of its first token; a masked one says nothing sound.
        allowed: Boolean tensor (windows, width, tags), width at least 1: sets for the first and the following
            tokens, holes of the mask skipped. Sets after the last token count for nothing.

    Returns:
        Float tensor (windows,), differentiable; never below `FORBIDDEN`, which stands for sets that no path keeps.

    >>> zeros, sets = ops.zeros((2,)), [[[True, False], [False, True]]]
    >>> inputs = (ops.zeros((1, 3, 2)), [[True] * 3], ops.zeros((2, 2)), zeros, zeros)
    >>> round(float(ops.exp(window_log_probability(*inputs, [0], [1], sets)[0])), 4)
    0.25
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    found = both_sweeps(scores, mask, transitions, start, end)
    rows, begins = ops.cast(rows, "int32"), ops.cast(begins, "int32")
    shape = ops.shape(scores)
    batch, time = shape[0], shape[1]
    places = ops.take(ops.reshape(found.chain.places, (-1,)), rows * time + begins)  # (windows,), step * batch + row
    costs = ops.where(ops.cast(allowed, "bool"), ops.zeros((), scores.dtype), FORBIDDEN)
    first = picked(found.messages + found.x, places)
    whole = log_sum_exp(first + picked(found.returns, places), axis=-1)
    ends = ops.maximum(ops.take(found.chain.lengths, rows) - 1, 0) * batch + rows  # the place of each row's last token
    alpha, place = _passed(found, first, costs, places, ends)
    return ops.maximum(log_sum_exp(alpha + picked(found.returns, place), axis=-1) - whole, FORBIDDEN)


def _passed(found: Sweeps, first: Tensor, costs: Tensor, places: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """Passes messages through windows: what reaches their last tokens (windows, tags), and the places of those."""
    batch = ops.shape(found.chain.lengths)[0]

    def step(state: tuple[Tensor, Tensor], cost: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[()]]:
        alpha, place = state
        after = place + batch
        inside = after <= ends
        after = ops.minimum(after, ends)
        moved = log_sum_exp(alpha[:, :, None] + found.transitions, axis=1)  # (windows, tags)
        moved = moved + picked(found.x, after) + cost - picked(found.return_shifts, after)
        return (ops.where(inside[:, None], moved, alpha), after), ()

    # A token more where all tags may stand changes nothing, and the loop has a step even for windows of one token.
    later = ops.concatenate([costs[:, 1:], ops.zeros_like(costs[:, :1])], axis=1)
    reached: tuple[Tensor, Tensor] = scan(step, (first + costs[:, 0], places), ops.transpose(later, (1, 0, 2)))[0]
    return reached
