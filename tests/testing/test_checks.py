from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.constants import IGNORE
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.testing import checks

INPUTS = np.random.default_rng(0).normal(size=(2, 4, 5)).astype("float32")
MASK = np.array([[True, True, False, False], [True, True, True, True]])
LABELS = np.array([[0, 1, 2, 0], [1, 1, 0, 2]])


@keras.saving.register_keras_serializable(package="seqlab_tests")
class Forgetful(keras.layers.Dense):
    """Its config does not hold the activation it was given."""

    def get_config(self):
        return super().get_config() | {"activation": "linear"}


@keras.saving.register_keras_serializable(package="seqlab_tests")
class Deaf(keras.layers.Dense):
    """Takes no notice of a key of its config."""

    @classmethod
    def from_config(cls, config):
        return cls(config["units"])


class Leaky(keras.layers.Layer):
    """A mean over time that counts padding."""

    supports_masking = True

    def call(self, inputs, mask=None):
        return inputs + ops.mean(inputs, axis=1, keepdims=True)


class Unmasked(SoftmaxHead):
    def call(self, features, mask=None):
        return self.projection(features)


class Unused(SoftmaxHead):
    def build(self, features_shape):
        super().build(features_shape)
        self.spare = self.add_weight(name="spare", shape=(2,))


class Explosive(SoftmaxHead):
    def sentence_losses(self, labels, scores, mask):
        return super().sentence_losses(labels, scores, mask) / ops.zeros(())


class Careless(SoftmaxHead):
    def sentence_losses(self, labels, scores, mask):
        return super().sentence_losses(labels, scores, mask) + 1


class Chatty(SoftmaxHead):
    def decode(self, scores, mask=None):
        return super().decode(scores)


class Wide(SoftmaxHead):
    def decode(self, scores, mask=None):
        return ops.cast(super().decode(scores, mask), "float32")


class Silent(SoftmaxHead):
    def decode(self, scores, mask=None):
        return ops.full_like(super().decode(scores, mask), IGNORE)


class Improper(SoftmaxHead):
    def probabilities(self, scores, mask=None):
        return super().probabilities(scores, mask) * 2


def test_round_trip_finds_a_lost_argument():
    checks.check_round_trip(keras.layers.Dense(3), INPUTS)
    with pytest.raises(AssertionError, match="other outputs after saving and loading"):
        checks.check_round_trip(Forgetful(3, activation="tanh"), INPUTS)
    with pytest.raises(AssertionError, match="Deaf.from_config does not give back"):
        checks.check_round_trip(Deaf(3, activation="tanh"), INPUTS)


def test_padding_invariance_finds_a_leak():
    with pytest.raises(AssertionError, match="Padding of 0 changes what"):
        checks.check_padding_invariance(Leaky(), INPUTS)
    with pytest.raises(AssertionError, match="does not return 0 at padding"):
        checks.check_padding_invariance(Unmasked(3, kernel_initializer="ones"), INPUTS)


def test_mask_routes_find_a_mask_that_is_ignored():
    checks.check_mask_routes(SoftmaxHead(3), INPUTS, MASK)
    # Without the Keras mask the two routes differ at once: the marker of masked steps reaches the outputs.
    with pytest.raises(AssertionError, match="differently"):
        checks.check_mask_routes(Unmasked(3), INPUTS, MASK)


def test_gradient_reach_finds_a_weight_without_gradient():
    checks.check_gradient_reach(SoftmaxHead(3), INPUTS)
    head = Unused(3)
    with pytest.raises(AssertionError, match="No gradient reaches .*spare"):
        checks.check_gradient_reach(
            head, INPUTS, loss=lambda scores: head.loss(LABELS, scores) + 0 * ops.sum(head.spare)
        )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Explosive, "not a number above 0"),
        (Careless, "not exactly 0"),
        (Chatty, "does not return -1 where masked"),
        (Wide, "not int32"),
        (Silent, "no tag at a token"),
        (Improper, "sum to 1"),
    ],
)
def test_head_check_finds(kind, message):
    with pytest.raises(AssertionError, match=message):
        checks.check_head(kind(3), INPUTS, LABELS)
