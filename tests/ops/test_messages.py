from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import compact, log_sum_exp
from seqlab.ops.messages import (
    LOST,
    Outlook,
    _nothing_was_lost,
    both_sweeps,
    lowest_allowed,
    outlook,
    pair_sums,
    sweep,
)
from tests.oracles.crf import forward_backward


def array(tensor):
    return ops.convert_to_numpy(tensor)


def always(answer):
    flag = ops.convert_to_tensor(answer)
    return Outlook(flag, flag)


def weights(factor):
    """A chain of three rows, and scores whose greatest values are 0."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 3, 4)) * factor
    chain = compact(np.arange(6) < np.array([6, 4, 5])[:, None])
    x = np.where(array(chain.mask)[..., None], x - x.max(-1, keepdims=True), 0)
    transitions, first = rng.normal(size=(4, 4)) * factor, rng.normal(size=4)
    tensors = (x, transitions - transitions.max(), first - first.max(), rng.normal(size=3))
    return chain, [ops.convert_to_tensor(a.astype("float32")) for a in tensors]


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("reverse", [False, True])
def test_products_and_logarithms_agree_where_products_are_exact(factor, reverse):
    chain, (x, transitions, first, rows) = weights(factor)
    assert bool(outlook(x, transitions, first).certain)
    results = []
    for answer in (True, False):
        messages, shifts = sweep(x, chain.mask, transitions, first, always(answer), reverse)
        alphas = messages + x - shifts
        futures = x - log_sum_exp(x + messages, axis=-1, keepdims=True)
        sums = pair_sums(alphas, futures, rows, chain.pairs, transitions)
        held = array(chain.mask)[..., None]
        results.append([np.where(held, messages, 0), np.where(held, shifts, 0), array(sums)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("part", range(3))
def test_outlook_tells_what_is_unlikely_from_what_is_forbidden(part):
    _, tensors = weights(1)
    tensors = tensors[:3]
    plain = array(tensors[part])
    for value, certain, promising in [(0, True, True), (-58, False, True), (-300, False, False)]:
        spoilt = plain.copy()
        spoilt.flat[0] = value
        found = outlook(*tensors[:part], ops.convert_to_tensor(spoilt), *tensors[part + 1 :])
        assert (bool(found.certain), bool(found.promising)) == (certain, promising)
    spoilt.flat[0] = FORBIDDEN
    found = outlook(*tensors[:part], ops.convert_to_tensor(spoilt), *tensors[part + 1 :])
    assert (bool(found.certain), bool(found.promising)) == (False, True)
    tensors[part] = tensors[part] * float("nan")
    found = outlook(*tensors)
    assert (bool(found.certain), bool(found.promising)) == (False, False)


def chain_of(time, steady=0.0):
    """Two tags that never change, only the first of which starts; the other would win `steady` at each token."""
    x = np.zeros((time, 1, 2), "float32")
    x[..., 0] = -steady
    rules = np.where(np.eye(2), 0, FORBIDDEN).astype("float32")
    first = np.array([0, FORBIDDEN], "float32")
    return [ops.convert_to_tensor(a) for a in (x, rules, first)], compact(np.ones((1, time), bool))


@pytest.mark.parametrize(("steady", "exact"), [(10.0, True), (100.0, False)])
def test_products_are_refused_once_a_forbidden_path_may_win_back_its_cost(steady, exact):
    (x, transitions, first), chain = chain_of(100, steady)
    prospect = Outlook(ops.convert_to_tensor(False), ops.convert_to_tensor(True))
    messages, shifts = sweep(x, chain.mask, transitions, first, prospect)
    # With 100 at each of 100 tokens, starting where it is forbidden costs no more than it brings.
    log_z, _ = forward_backward(array(x)[:, 0], array(transitions), array(first), np.zeros(2))
    total = float(np.sum(array(shifts))) + float(log_sum_exp((messages + x - shifts)[-1, 0], axis=-1))
    np.testing.assert_allclose(total, log_z, rtol=1e-5)
    assert (array(messages)[0, 0, 1] == LOST) == exact


@pytest.mark.parametrize(
    ("message", "x", "shift", "move", "exact"),
    [
        (0, -79, 0, 0, True),
        (0, -81, 0, 0, False),  # an allowed term may have underflowed
        (-41, -38, 0, 0, True),
        (-41, -40, 0, 0, False),
        (0, -79, 2, 0, False),  # after it was divided
        (0, -79, -2, 0, True),  # before it was divided by less than 1
        (0, -69, 0, -10, True),
        (0, -71, 0, -10, False),  # on its way to the next tag
        (0, 0, -59, 0, True),
        (0, 0, -61, 0, False),  # all of a token's terms
    ],
)
def test_what_products_may_lose(message, x, shift, move, exact):
    def tensor(*values):
        return ops.convert_to_tensor(np.array(values, "float32"))

    mask = ops.convert_to_tensor([[True], [False]])
    blank = [[0.0, -300.0]]  # after the last token nothing counts
    given = tensor([[0, message]], blank), tensor([[shift]], [[-300]]), tensor([[0, x]], blank)
    moves = tensor([0, move], [FORBIDDEN, 0])
    assert bool(_nothing_was_lost(*given, mask, moves)) == exact


@pytest.mark.parametrize(("tokens", "exact"), [(130, True), (140, False)])
def test_what_a_tag_behind_forbidden_moves_may_win_back(tokens, exact):
    # log 2 + 58 at each token, against 0.8 of what a forbidden move costs.
    messages = ops.tile(ops.convert_to_tensor([[[0.0, LOST]]]), (200, 1, 1))
    shifts, mask = ops.zeros((200, 1, 1)) - 58, ops.arange(200)[:, None] < tokens
    moves = ops.convert_to_tensor(np.where(np.eye(2), 0, FORBIDDEN).astype("float32"))
    assert bool(_nothing_was_lost(messages, shifts, ops.zeros((200, 1, 2)), mask, moves)) == exact


def test_the_least_that_is_allowed():
    assert float(lowest_allowed(ops.convert_to_tensor([-9995.0, -30.0]))) == -30  # forbidden, and 5 taken away from all
    assert float(lowest_allowed(ops.convert_to_tensor([-8000.0, -30.0]))) == -8000


def test_sums_over_pairs():
    rng = np.random.default_rng(2)
    alphas, futures = rng.normal(size=(2, 5, 3, 4)).astype("float32")
    moves, rows = rng.normal(size=(4, 4)).astype("float32"), rng.normal(size=3).astype("float32")
    pairs = np.arange(5)[:, None] < np.array([5, 3, 1])
    pairs[0] = False
    logs = alphas[:-1, :, :, None] + moves + futures[1:, :, None]
    wanted = np.einsum("tb,tbij,b->ij", pairs[1:], np.exp(logs), rows)
    found = pair_sums(*(ops.convert_to_tensor(part) for part in (alphas, futures, rows, pairs, moves)))
    np.testing.assert_allclose(array(found), wanted, rtol=1e-4)


@pytest.mark.parametrize("drop", [50, 75, 95])
def test_unlikely_tags_that_win_later_are_not_lost(drop):
    # The first tag loses `drop` at the first token and gains it twice later: products may underflow in between.
    scores = np.zeros((1, 4, 2), "float32")
    scores[0, 0, 0] = -drop
    scores[0, 3, 0] = 2 * drop
    rules = np.where(np.eye(2), 0, FORBIDDEN).astype("float32")
    found = both_sweeps(
        *[ops.convert_to_tensor(a) for a in (scores, np.ones((1, 4), bool), rules, *np.zeros((2, 2), "float32"))]
    )
    joint = array(found.messages + found.x + found.returns)[:, 0].astype("float64")
    shares = np.exp(joint - np.logaddexp.reduce(joint, axis=-1, keepdims=True))
    _, wanted = forward_backward(scores[0], rules, np.zeros(2), np.zeros(2))
    np.testing.assert_allclose(shares, wanted, rtol=1e-4, atol=1e-12)
