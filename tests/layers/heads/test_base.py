from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.ctc import CTCHead
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.layers.heads.softmax import SoftmaxHead
from tests.layers.heads.common import FEATURES, LABELS, MASK, array, learnt, number

HEADS = [SoftmaxHead, CRFHead]


class TravellingMask(keras.layers.Layer):
    """Returns the mask that has come along with its input."""

    def compute_mask(self, scores, previous_mask):
        return None

    def call(self, scores, mask=None):
        return keras.ops.logical_and(mask, True)


@pytest.mark.parametrize("kind", HEADS)
class TestContract:
    """What tests/layers/test_catalogue.py does not ask of every head already."""

    def test_one_tag_one_step(self, kind):
        head = kind(1)
        scores = head(FEATURES[:, :1])
        assert number(head.loss(np.zeros((4, 1), int), scores)) == pytest.approx(0, abs=1e-6)
        assert array(head.decode(scores)).tolist() == [[0]] * 4

    def test_a_mask_by_position_is_one_by_name(self, kind):
        head = learnt(kind(3))
        np.testing.assert_array_equal(array(head(FEATURES, MASK)), array(head(FEATURES, mask=MASK)))
        tokens, mask = keras.Input((None, 5)), keras.Input((None,), dtype="bool")
        for scores in (head(tokens, mask), head(tokens, mask=mask)):
            model = keras.Model([tokens, mask], TravellingMask()(scores))
            np.testing.assert_array_equal(array(model([FEATURES, MASK])), MASK)

    def test_reductions(self, kind):
        labels = np.where(MASK, LABELS, IGNORE)
        heads = {name: learnt(kind(3, reduction=name)) for name in ("sum", "tokens", "sentences")}
        loss = {name: number(head.loss(labels, head(FEATURES))) for name, head in heads.items()}
        assert loss["tokens"] == pytest.approx(loss["sum"] / 11, rel=1e-5)
        assert loss["sentences"] == pytest.approx(loss["sum"] / 3, rel=1e-5)

    def test_ignored_label_inside_a_sentence_is_a_hole(self, kind):
        head = learnt(kind(3))
        scores = array(head(FEATURES))
        keep = [0, 1, 3, 4, 5]
        holed = LABELS.copy()
        holed[:, 2] = IGNORE
        without = number(head.loss(LABELS[:, keep], scores[:, keep]))
        assert number(head.loss(holed, scores)) == pytest.approx(without, rel=1e-5)

    def test_regularisers_and_initialisers_take_part(self, kind):
        head = kind(3, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.5))
        assert array(head(np.ones((1, 2, 5), "float32"))).tolist() == [[[5.0] * 3] * 2]
        assert number(sum(head.losses)) == pytest.approx(7.5)

    @pytest.mark.parametrize("tags", [0, -1, 2.0, True, "3"])
    def test_bad_tags(self, kind, tags):
        with pytest.raises(SettingsError, match="`tags`"):
            kind(tags)

    def test_bad_reduction(self, kind):
        with pytest.raises(SettingsError, match="Did you mean 'tokens'"):
            kind(3, reduction="token")

    @pytest.mark.parametrize("jit", [False, True], ids=["plain", "jit"])
    def test_trains_with_plain_fit(self, kind, jit):
        if jit and keras.backend.backend() == "torch":
            pytest.skip("torch's compiler needs a C++ compiler and minutes")

        class Model(keras.Model):
            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return head.loss(y, y_pred)

        keras.utils.set_random_seed(0)
        head = kind(3)
        tokens = keras.Input((None, 5))
        model = Model(tokens, head(tokens))
        model.compile(optimizer=keras.optimizers.Adam(0.1), jit_compile=jit)
        labels = np.where(MASK, LABELS % 2, IGNORE)
        losses = model.fit(FEATURES, labels, epochs=30, batch_size=2, verbose=0, shuffle=False).history["loss"]
        assert losses[-1] < 0.7 * losses[0]
        assert np.isfinite(losses).all()


def test_base_head_names_what_a_subclass_must_write():
    head = Head(3)
    scores = head(FEATURES)
    for call in (head.decode, head.probabilities, lambda s: head.loss(LABELS, s)):
        with pytest.raises(NotImplementedError, match="Head must write"):
            call(scores)


@pytest.mark.parametrize(
    ("kind", "label"), [(SoftmaxHead, -2), (SoftmaxHead, 100), (CRFHead, 3), (CTCHead, 3), (MultiLabelHead, 2)]
)
def test_a_label_that_there_is_not_makes_the_loss_nan(kind, label):
    head = learnt(kind(3))
    labels = np.full((4, 6, 3) if kind is MultiLabelHead else (4, 2 if kind is CTCHead else 6), 1)
    assert np.isfinite(number(head.loss(labels, head(FEATURES))))
    labels[2, 1] = label
    assert np.isnan(number(head.loss(labels, head(FEATURES))))
    with pytest.raises(DataError, match="expected as many sentences"):
        head.loss(labels[:3], head(FEATURES))
