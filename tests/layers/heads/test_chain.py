"""Heads as distributions over the allowed paths, against a list of all paths of tags."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.chain import ChainHead
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import scheme_constraints
from tests.layers.heads.common import FEATURES as FOUR
from tests.layers.heads.common import array, learnt, number
from tests.oracles import constraints as plain
from tests.oracles.crf import all_paths
from tests.oracles.spans import read

FEATURES = FOUR[:3]
TAGS = ("O", "B-X", "I-X")
WORDS = ("New", "York", "is", "York", "in", "New")
ENTRIES = [("New", "York"), ("York",)]
SCHEME = scheme_constraints(TAGS, "iob2")


def well_formed(path, words):
    return all(tag != "I-X" or (i and path[i - 1] != "O") for i, tag in enumerate(path))


RULES = {
    "none": (None, lambda path, words: True),
    "scheme": (SCHEME, well_formed),
    "at most one": (at_most_one(TAGS, "iob2", "X"), plain.at_most_one("X")),
    "one": (
        SCHEME & at_most_one(TAGS, "iob2", "X") & at_least_one(TAGS, "iob2", "X"),
        lambda path, words: well_formed(path, words) and plain.count_of(path, "X") == 1,
    ),
    "listed": (only_listed(TAGS, "iob2", "X", ENTRIES), plain.listed("X", [list(entry) for entry in ENTRIES])),
}
CASES = [(kind, name, t) for kind in (CRFHead, SoftmaxHead) for name in RULES for t in (1.0, 2.5)]
MASK = np.arange(6) < np.array([6, 4, 2])[:, None]


def distribution(head, scores, name, sets):
    """For each sentence the allowed paths (paths, time), the best first, and their probabilities."""
    moves = [np.zeros((3, 3)), np.zeros(3), np.zeros(3)]
    if isinstance(head, CRFHead):
        moves = [array(w) for w in (head.transitions, head.start, head.end)]
    found = []
    for row, mask, some in zip(scores, MASK, sets, strict=True):
        paths = all_paths(row, mask, *moves)
        where = np.flatnonzero(mask)
        fits = [
            RULES[name][1]([TAGS[i] for i in labels[where]], WORDS[: len(where)]) and some[where, labels[where]].all()
            for labels in paths.labels
        ]
        totals = (paths.scores / head.temperature)[fits]
        order = np.argsort(-totals)
        shares = np.exp(totals - totals.max())
        found.append((paths.labels[fits][order], (shares / shares.sum())[order]))
    return found


def sets_and_states(head, limited):
    """Tags that each token is limited to, (batch, time, tags), and what a head takes for it."""
    sets = np.ones((*MASK.shape, 3), bool)
    if limited:
        sets[:, 1] = [True, False, False]
    if head.constraints is None:
        return sets, sets if limited else None
    if not limited and not head.constraints.gates:
        return sets, None
    states = np.ones((*MASK.shape, head.constraints.states), bool)
    for row, count in enumerate(MASK.sum(1)):
        states[row, :count] = head.constraints.allowed(WORDS[:count], sets[row, :count])
    return sets, states


@pytest.mark.parametrize("limited", [False, True], ids=["", "limited"])
@pytest.mark.parametrize(("kind", "name", "temperature"), CASES)
def test_heads_equal_the_list_of_allowed_paths(kind, name, temperature, limited):
    head = learnt(kind(3, constraints=RULES[name][0], temperature=temperature))
    scores = array(head(FEATURES))
    sets, states = sets_and_states(head, limited)
    listed = distribution(head, scores, name, sets)
    best = [paths[0] for paths, _ in listed]
    np.testing.assert_array_equal(array(head.decode(scores, MASK, states)), best)
    shares = [np.einsum("p,ptk->tk", p, paths[..., None] == np.arange(3)) for paths, p in listed]
    found = array(head.probabilities(scores, MASK, states))
    np.testing.assert_allclose(found, shares, atol=2e-5)
    labels, chances = map(array, head.n_best(scores, MASK, 4, states))
    for row, (paths, p) in enumerate(listed):
        count = min(4, len(paths))
        np.testing.assert_allclose(chances[row, :count], p[:count], rtol=2e-3, atol=1e-5)
        np.testing.assert_array_equal(labels[row, :count], paths[:count])
        assert not chances[row, count:].any() and (labels[row, count:] == IGNORE).all()


@pytest.mark.parametrize("kind", [CRFHead, SoftmaxHead])
@pytest.mark.parametrize("name", ["scheme", "at most one"])
def test_spans_equal_the_list_of_allowed_paths(kind, name):
    head = learnt(kind(3, constraints=RULES[name][0], temperature=1.5))
    scores = array(head(FEATURES))
    lengths = MASK.sum(1)
    spans = [(row, s, n) for row, count in enumerate(lengths) for s in range(count) for n in range(1, count - s + 1)]
    inside = np.broadcast_to([False, True, True], (len(spans), 3))
    joints = np.array([[False, False, False], [False, False, True], [False, False, True]])
    found = array(head.span_probabilities(scores, MASK, np.array(spans), inside, joints, 6))
    listed = distribution(head, scores, name, np.ones((*MASK.shape, 3), bool))
    held = [
        [read([TAGS[i] for i in path[:count]]) for path in paths]
        for (paths, _), count in zip(listed, lengths, strict=True)
    ]
    wanted = [listed[row][1] @ [("X", s, s + n) in found for found in held[row]] for row, s, n in spans]
    np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize("name", ["scheme", "one"])
def test_the_loss_is_over_allowed_paths_where_asked(name):
    head = learnt(CRFHead(3, "sum", constraints=RULES[name][0], constrained_loss=True, temperature=3.0))
    scores = array(head(FEATURES))
    again = learnt(CRFHead(3, "sum", constraints=RULES[name][0]))  # the loss knows no temperature
    listed = distribution(again, scores, name, np.ones((*MASK.shape, 3), bool))
    labels = np.stack([paths[1] for paths, _ in listed])
    wanted = -sum(np.log(p[1]) for _, p in listed)
    assert number(head.loss(labels, scores)) == pytest.approx(wanted, rel=1e-4)
    assert number(again.loss(labels, scores)) > wanted + 0.1


def test_words_that_decide_must_be_given():
    head = learnt(CRFHead(3, constraints=RULES["listed"][0]))
    with pytest.raises(SettingsError, match="The words decide on this: spans of 'X' only .* Pass allowed="):
        head.decode(head(FEATURES))
    with pytest.raises(SettingsError, match="constrained_loss does not see the words, which decide on this: spans"):
        CRFHead(3, constraints=RULES["listed"][0], constrained_loss=True)


@pytest.mark.parametrize("kind", [CRFHead, SoftmaxHead])
@pytest.mark.parametrize("name", ["none", "scheme"])
def test_a_temperature_that_is_given_takes_the_place_of_the_heads(kind, name):
    warm, cold = (learnt(kind(3, constraints=RULES[name][0], temperature=t)) for t in (2.5, 1.0))
    scores = array(warm(FEATURES))
    np.testing.assert_allclose(cold.probabilities(scores, MASK, temperature=2.5), warm.probabilities(scores, MASK))
    assert np.abs(array(cold.probabilities(scores, MASK)) - array(warm.probabilities(scores, MASK))).max() > 0.05


@pytest.mark.parametrize("temperature", [0, -1.0, float("inf"), float("nan"), True, "warm"])
def test_bad_temperatures(temperature):
    head = SoftmaxHead(3)
    with pytest.raises(SettingsError, match="`temperature` must be a number above 0. Received"):
        head.temperature = temperature
    with pytest.raises(SettingsError, match="`temperature` must be a number above 0. Received"):
        SoftmaxHead(3, temperature=temperature)


@pytest.mark.parametrize("kind", [CRFHead, SoftmaxHead])
def test_config(kind):
    head = kind(3, constraints=RULES["listed"][0], temperature=2.0)
    again = kind.from_config(head.get_config())
    assert again.temperature == 2.0 and again.constraints.get_config() == RULES["listed"][0].get_config()


def test_a_subclass_says_what_it_is():
    with pytest.raises(NotImplementedError, match="ChainHead must write `moves`"):
        ChainHead(3).decode(FEATURES[..., :3])
