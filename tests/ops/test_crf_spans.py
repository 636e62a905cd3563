from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.crf_sets import Rules, constrained
from seqlab.ops.crf_spans import span_log_probability
from tests.ops.gradients import compiled, gradients
from tests.oracles.crf import all_paths
from tests.oracles.spans import parse, read

SPANS = compiled(span_log_probability, "width")
WIDTH = 4
MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0]], bool)
SCHEMES = {
    "iob2": ["O", "B-X", "I-X", "I-Y"],
    "iobes": ["O", "B-X", "I-X", "E-X", "S-X"],
    "ioe1": ["I-X", "E-X", "O"],
}


def array(tensor):
    return ops.convert_to_numpy(tensor)


def tables(tags):
    """Which tags have a type, and which pairs lie within one span, by the definition of conlleval."""
    kinds = {kind: np.array([parse(tag)[1] == kind for tag in tags]) for kind in ("X", "Y")}
    joints = np.array([[read([a, b]) == [(parse(a)[1], 0, 2)] for b in tags] for a in tags])
    return kinds, joints


def case(tags, seed, size=1.0):
    rng = np.random.default_rng(seed)
    n = len(tags)
    scores = (size * rng.normal(size=(*MASK.shape, n))).astype("float32")
    return scores, [rng.normal(size=shape).astype("float32") for shape in ((n, n), n, n)]


def every_span(mask):
    """(row, first position in time, number of tokens) of all spans that there could be."""
    found = []
    for row, kept in enumerate(mask):
        where = np.flatnonzero(kept)
        found += [(row, where[s], n) for s in range(len(where)) for n in range(1, len(where) - s + 1)]
    return np.array(found)


def shares_of(spans, kind, scores, weights, tags):
    found = []
    for row, first, count in spans:
        where = np.flatnonzero(MASK[row])
        paths = all_paths(scores[row], MASK[row], *weights)
        begin = int(np.flatnonzero(where == first)[0])
        hits = [(kind, begin, begin + count) in read([tags[i] for i in labels[where]]) for labels in paths.labels]
        found.append(paths.shares[np.array(hits)].sum())
    return np.array(found)


@pytest.mark.parametrize("kind", ["X", "Y"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_span_equals_enumeration(scheme, kind):
    tags = SCHEMES[scheme]
    scores, weights = case(tags, seed=1)
    kinds, joints = tables(tags)
    spans = every_span(MASK)
    wanted = shares_of(spans, kind, scores, weights, tags)
    sets = np.broadcast_to(kinds[kind], (len(spans), len(tags)))
    found = array(SPANS(scores, MASK, *weights, spans, sets, joints, width=WIDTH))
    np.testing.assert_allclose(np.exp(found), wanted, rtol=1e-4, atol=1e-6)
    assert (found[wanted == 0] == FORBIDDEN).all()


def test_spans_under_rules_and_great_scores():
    tags = SCHEMES["iob2"]
    scores, weights = case(tags, seed=2, size=30.0)
    allowed = np.ones((4, 4), bool)
    allowed[0, 2:] = allowed[3, 2] = allowed[1:3, 3] = False  # an I- only after its type
    weights = [array(w) for w in constrained(*weights, Rules(allowed, np.array([1, 1, 0, 0], bool), np.ones(4, bool)))]
    kinds, joints = tables(tags)
    spans = every_span(MASK)
    wanted = shares_of(spans, "X", scores, weights, tags)
    sets = np.broadcast_to(kinds["X"], (len(spans), 4))
    found = np.exp(array(SPANS(scores, MASK, *weights, spans, sets, joints, width=WIDTH)))
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=1e-6)


def test_the_greatest_width_may_be_greater_and_spans_end_with_their_sentence():
    tags = SCHEMES["iob2"]
    scores, weights = case(tags, seed=3)
    kinds, joints = tables(tags)
    sets = kinds["X"][None].repeat(2, 0)
    spans = np.array([[1, 2, 2], [1, 2, 3]])  # two tokens are left in that sentence
    found = array(SPANS(scores, MASK, *weights, spans, sets, joints, width=9))
    np.testing.assert_allclose(found[0], np.log(shares_of(spans[:1], "X", scores, weights, tags)[0]), rtol=1e-4)
    assert found[0] == found[1]


def test_the_gradient_is_the_difference_of_expectations():
    tags = SCHEMES["iob2"]
    scores, weights = case(tags, seed=4)
    kinds, joints = tables(tags)
    spans = np.array([[0, 1, 2]])

    def function(s, *w):
        return ops.sum(span_log_probability(s, MASK, *w, spans, kinds["X"][None], joints, 2))

    _, found = gradients(function, [scores, *weights], jit="jax")
    paths = all_paths(scores[0], MASK[0], *weights)
    hits = np.array([("X", 1, 3) in read([tags[i] for i in labels]) for labels in paths.labels])
    shown = (paths.labels[..., None] == np.arange(len(tags))).astype(float)  # (paths, time, tags)
    within = paths.shares * hits / (paths.shares * hits).sum()
    wanted = np.einsum("p,ptk->tk", within - paths.shares, shown)
    np.testing.assert_allclose(found[0][0], wanted, atol=1e-5)
    assert not found[0][1:].any()
