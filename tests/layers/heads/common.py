"""What the tests of heads share."""

from __future__ import annotations

import numpy as np
from keras import ops

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(4, 6, 5)).astype("float32")
LABELS = RNG.integers(0, 3, (4, 6))
MASK = np.arange(6) < np.array([6, 4, 1, 0])[:, None]


def array(tensor):
    return ops.convert_to_numpy(tensor)


def learnt(head, features=FEATURES):
    """A head whose weights are all away from their initial values."""
    head(features)
    rng = np.random.default_rng(1)
    head.set_weights([rng.normal(size=w.shape).astype("float32") for w in head.weights])
    return head


def number(tensor):
    return float(array(tensor))
