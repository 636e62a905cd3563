"""A CRF over scores that a user's own layers make."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.crf_layer import CRF
from seqlab.models.sequence_model import SequenceModel
from seqlab.tags.constraints import Constraints
from tests.layers.heads.common import FEATURES, LABELS, MASK, array, learnt, number
from tests.oracles.crf import enumerate_batch, path

LOGITS = 2 * FEATURES[..., :3]
RULES = Constraints(
    ("a", "b", "c"),
    [True, True, False],
    [[True, True, False], [False, True, True], [True, False, True]],
    [True, False, True],
)


def test_scores_are_those_that_came_in():
    scores = array(CRF(3)(LOGITS, MASK))
    assert scores.dtype == np.float32
    assert_array_equal(scores, np.where(MASK[..., None], LOGITS, 0))


@pytest.mark.parametrize("rules", [None, RULES], ids=["free", "constrained"])
def test_equals_enumeration(rules):
    layer = learnt(CRF(3, reduction="sum", constraints=rules, constrained_loss=rules is not None), LOGITS)
    assert [weight.name for weight in layer.weights] == ["transitions", "start", "end"]
    weights = [array(w).astype("float64") for w in (layer.transitions, layer.start, layer.end)]
    tables = [np.ones_like(w, bool) for w in weights] if rules is None else [rules.transitions, rules.start, rules.end]
    allowed = [np.where(table, w, -1e9) for table, w in zip(tables, weights, strict=True)]
    rows = enumerate_batch(LOGITS, MASK, *allowed)
    scores = layer(LOGITS, mask=MASK)
    assert_array_equal(array(layer.decode(scores, MASK)), [row.best for row in rows])
    assert_allclose(array(layer.probabilities(scores, MASK)), [row.marginals for row in rows], atol=1e-5)
    labels = LABELS if rules is None else np.stack([row.best for row in rows])
    labels = np.where(MASK, labels, IGNORE)
    gold = sum(path(s, y, m, *weights) for s, y, m in zip(LOGITS, labels, MASK, strict=True))
    assert number(layer.loss(labels, scores)) == pytest.approx(sum(row.log_z for row in rows) - gold, rel=1e-4)


def own_model(head, before=None):
    tokens, mask = keras.Input((None, 5), name="tokens"), keras.Input((None,), dtype="bool", name="mask")
    return SequenceModel([tokens, mask], head(before(tokens) if before else tokens, mask=mask))


def test_behind_a_projection_it_is_a_crf_head(tmp_path):
    """Under plain Keras from compile to load it does what `CRFHead` does, weight by weight."""
    made = own_model(CRF(3, name="tags"), keras.layers.Dense(3)), own_model(CRFHead(3, name="tags"))
    weights = learnt(CRFHead(3)).get_weights()
    arrays, labels = [FEATURES, MASK], np.where(MASK, LABELS, IGNORE)
    for model, order in zip(made, ([3, 4, 0, 1, 2], [0, 1, 2, 3, 4]), strict=True):
        model.set_weights([weights[place] for place in order])
        model.compile(keras.optimizers.Adam(0.1))
    histories = [model.fit(arrays, labels, epochs=3, verbose=0).history["loss"] for model in made]
    assert histories[0][-1] < histories[0][0]
    assert_allclose(*histories, rtol=1e-4)
    assert_allclose(*(model.evaluate(arrays, labels, verbose=0) for model in made), rtol=1e-4)
    scores = [model.predict(arrays, verbose=0) for model in made]
    assert_allclose(*scores, rtol=1e-4, atol=1e-5)
    made[0].save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras")
    assert_allclose(again.predict(arrays, verbose=0), scores[0], rtol=1e-5, atol=1e-5)
    assert_allclose(again.evaluate(arrays, labels, verbose=0), made[0].evaluate(arrays, labels, verbose=0), rtol=1e-5)


def test_options_come_back():
    options = {"reduction": "sum", "constraints": RULES, "constrained_loss": True, "temperature": 2.0, "name": "tags"}
    again = CRF.from_config(CRF(3, transition_regularizer=keras.regularizers.L1(0.5), **options).get_config())
    assert {name: getattr(again, name) for name in options} == options
    assert again.transition_regularizer.l1 == 0.5


def test_a_mixed_policy_does_not_round_the_scores():
    fine = LOGITS + np.float32(2**-20)
    scores = array(CRF(3, dtype="mixed_float16")(fine))
    assert_array_equal(scores, fine)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 3), (2, 4, 3, 3)], ids=str)
def test_scores_of_another_shape(shape):
    with pytest.raises(SettingsError, match=r"shape \(batch, time, 3\).*Received: \(.* keras.layers.Dense"):
        CRF(3)(np.zeros(shape, "float32"))
    with pytest.raises(SettingsError, match="use CRFHead"):
        CRF(3)(keras.Input(shape[1:]))


def test_scores_of_another_width_after_the_first_call():
    layer = CRF(3)
    layer(LOGITS)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
        layer(FEATURES)


@pytest.mark.parametrize("name", ["kernel_initializer", "kernel_regularizer"])
def test_options_of_a_projection_are_refused(name):
    with pytest.raises(SettingsError, match=f"CRF has no projection, received {name}: use CRFHead"):
        CRF(3, **{name: None})
