from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.errors import SettingsError
from seqlab.ops.crf_nbest import NO_PATH, n_best
from tests.ops.gradients import compiled
from tests.oracles.crf import all_paths, keeps, path

N_BEST = compiled(n_best, "n")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def case(time=4, tags=3, size=1.0):
    rng = np.random.default_rng(0)
    mask = rng.random((5, time)) < 0.7
    mask[0], mask[-1] = True, False
    scores = (rng.normal(size=(5, time, tags)) * size).astype("float32")
    return scores, mask, [rng.normal(size=shape).astype("float32") for shape in ((tags, tags), tags, tags)]


@pytest.mark.parametrize(
    ("time", "tags", "n", "size"), [(4, 3, 12, 1), (4, 3, 12, 1e3), (1, 2, 3, 1), (3, 1, 2, 1)], ids=str
)
def test_equals_enumeration(time, tags, n, size):
    scores, mask, weights = case(time, tags, size)
    labels, best = (array(part) for part in N_BEST(scores, mask, *weights, n=n))
    assert labels.shape == (5, n, time) and labels.dtype == np.int32
    for row in range(5):
        paths = all_paths(scores[row], mask[row], *weights)
        wanted = np.sort(paths.scores)[::-1][:n]
        np.testing.assert_allclose(best[row, : len(wanted)], wanted, rtol=1e-5, atol=1e-5)
        assert (best[row, len(wanted) :] == np.float32(NO_PATH)).all() and (labels[row, len(wanted) :] == -1).all()
        assert (labels[row, : len(wanted), ~mask[row]] == -1).all()
        found = labels[row, : len(wanted)]
        assert len(np.unique(found, axis=0)) == len(wanted)
        again = [path(scores[row].astype("float64"), y, mask[row], *weights) for y in found]
        np.testing.assert_allclose(again, wanted, rtol=1e-5, atol=1e-5)


def test_forbidden_paths_are_left_out_after_the_first():
    scores, mask, (transitions, start, end) = case()
    transitions[0, 1] = transitions[2] = start[1] = end[0] = FORBIDDEN
    rules = transitions > FORBIDDEN, start > FORBIDDEN, end > FORBIDDEN
    labels, best = (array(part) for part in N_BEST(scores, mask, transitions, start, end, n=12))
    for row in range(5):
        paths = all_paths(scores[row], mask[row], transitions, start, end)
        kept = np.array([keeps(y, mask[row], *rules) for y in paths.labels])
        wanted = np.sort(paths.scores[kept])[::-1][:12]
        if not len(wanted):  # no path fits: the one that breaks fewest rules
            wanted = [paths.scores.max()]
        there = best[row] > NO_PATH / 2
        np.testing.assert_allclose(best[row][there], wanted, rtol=1e-5, atol=1e-5)
        assert (labels[row][~there] == -1).all()


def test_a_number_of_paths_below_one_is_refused():
    scores, mask, weights = case()
    with pytest.raises(SettingsError, match="`n` must be a whole number of at least 1"):
        n_best(scores, mask, *weights, n=0)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="unknown time is TensorFlow's alone")
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
def test_unknown_batch_and_time(jit):
    import tensorflow as tf

    scores, mask, weights = case()
    spec = [tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, None], tf.bool)]
    run = tf.function(lambda s, m: n_best(s, m, *weights, n=3), input_signature=spec, jit_compile=jit)
    for one, other in zip(run(scores, mask), n_best(scores, mask, *weights, n=3), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_long_chains_keep_their_order_and_their_scores():
    rng = np.random.default_rng(1)
    scores = (30 + rng.normal(size=(1, 300, 2))).astype("float32")
    mask, weights = np.ones((1, 300), bool), [np.zeros(shape, "float32") for shape in ((2, 2), 2, 2)]
    labels, best = (array(part)[0] for part in N_BEST(scores, mask, *weights, n=3))
    margins = np.sort(np.abs(scores[0, :, 0] - scores[0, :, 1]))  # the second best turns the least certain token
    wanted = scores[0].max(axis=1).sum(dtype="float64") - [0, margins[0], margins[1]]
    np.testing.assert_allclose(best, wanted, rtol=1e-5)
    assert [(labels[k] != labels[0]).sum() for k in range(3)] == [0, 1, 1]
